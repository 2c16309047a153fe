-- Asks Label Studio for the next task and creates an annotation on it, again and again.
-- arguments: file of tokens, project, body of an annotation; each thread is a person of its own
local number = 0
function setup(thread)
  thread:set("id", number)
  number = number + 1
  threads = threads or {}
  table.insert(threads, thread)
end

function init(args)
  local line = 0
  for token in io.lines(args[1]) do
    if line == id then mine = token end
    line = line + 1
  end
  headers = {
    ["Authorization"] = "Bearer " .. mine, ["Content-Type"] = "application/json",
  }
  project = args[2]
  local file = io.open(args[3])
  answer = file:read("*a")
  file:close()
  done_pairs, failed, task = 0, 0, nil
end

function request()
  if task then
    return wrk.format("POST", "/api/tasks/" .. task .. "/annotations/", headers, answer)
  end
  return wrk.format("GET", "/api/projects/" .. project .. "/next/", headers)
end

function response(status, head, body)
  if task then
    if status == 201 then done_pairs = done_pairs + 1 else failed = failed + 1 end
    task = nil
  else
    task = status == 200 and body:match('"id":%s*(%d+)') or nil
    if not task then failed = failed + 1 end
  end
end

function done(summary, latency, requests)
  local all, bad = 0, 0
  for _, thread in ipairs(threads) do
    all = all + thread:get("done_pairs")
    bad = bad + thread:get("failed")
  end
  print(string.format(
    "RESULT %d %d %d %.3f %.3f %d", all, bad, summary.duration,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
