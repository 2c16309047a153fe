-- Claims a task, then hands it in for the next one, again and again, each thread as an expert of its own.
-- arguments: file of accounts (cookie, tab, token), project, body of an answer, mean pause in ms
local number = 0
function setup(thread)
  thread:set("id", number)
  number = number + 1
  threads = threads or {}
  table.insert(threads, thread)
end

function init(args)
  local line = 0
  for account in io.lines(args[1]) do
    if line == id then cookie, token = account:match("^(.-)\t(.-)$") end
    line = line + 1
  end
  project = args[2]
  local file = io.open(args[3])
  answer = file:read("*a")
  file:close()
  pause = tonumber(args[4])
  math.randomseed(id + 1)
  done_pairs, failed, lease = 0, 0, nil
  headers = {
    ["Cookie"] = cookie, ["X-CSRFToken"] = token, ["Accept"] = "application/json",
    ["Content-Type"] = "application/json",
  }
  form = {
    ["Cookie"] = cookie, ["X-CSRFToken"] = token, ["Accept"] = "text/html",
    ["Content-Type"] = "application/x-www-form-urlencoded",
  }
end

function request()
  if lease then return wrk.format("POST", "/work/" .. lease .. "/submit", headers, answer) end
  return wrk.format("POST", "/work/claim/" .. project, form, "")
end

function delay()
  return pause > 0 and math.random(math.floor(pause / 2), math.floor(pause * 1.5)) or 0
end

function response(status, head, body)
  if lease then
    if status == 200 then done_pairs = done_pairs + 1 else failed = failed + 1 end
    lease = status == 200 and body:match('"next":%s*"/work/(%d+)"') or nil
  elseif status == 302 and (head["Location"] or head["location"]) then
    lease = (head["Location"] or head["location"]):match("/work/(%d+)")
  else
    failed = failed + 1
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
