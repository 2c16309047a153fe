// The bench: brings the task into the editor's frame, keeps drafts, hands in, goes on to the next.
//
// Nothing that was typed is lost: each state of the answer goes to this browser's storage first and
// to the server right after. Every request may be sent twice. The frame and its editor stay from one
// task to the next; whatever is said to it or by it names its task, and counts for that one only.

const frame = document.querySelector("[data-editor]");
const tokenOf = (page) => page.querySelector("meta[name=csrf-token]")?.content;
let token = tokenOf(document);
const language = document.documentElement.lang;
const find = (name) => document.querySelector(`[data-${name}]`);
const words = Object.fromEntries(
  [...find("words").content.querySelectorAll("[data-word]")].map((p) => [p.dataset.word, p.textContent]),
);
const phone = matchMedia("(max-width: 991.98px), (max-height: 499.98px)");

// All that is of one task. What is still on its way when the next begins goes on with its own.
let count = 0;
const taskAt = (work) => ({
  work,
  key: `${work}#${(count += 1)}`,
  shelf: `doyen:${work}`,
  newest: null, // the answer as it last was, as text
  stored: null, // the answer as the server last took it
  base: "", // when the draft was saved that the answer goes on from, as the server said
  sent: [], // what went to the server and was not answered
  other: null, // the version from elsewhere, until the person has chosen
  viewing: false, // it is the one that is shown
  saving: false,
  mounted: false,
  ended: false, // it was said that the task is no longer in hand
  left: false, // out of our hands: nothing is kept any more
  message: null, // what the frame is told
  data: null, // what the task shows
  renewed: 0,
  warned: new Set(),
  due: null,
  release: () => {},
  whenMounted: () => {},
});
let one = taskAt(frame.dataset.work);
const FOLLOWS = "?after=hand-in"; // the page says that the task before is handed in

/* ------------------------------------------------------------------ the frame */

const waiting = new Map();
let asked = 0;
let version = null; // of the editor in the frame, where it can be used for one task after another

// The frame has no origin of its own, so nothing narrower than "*" reaches it. What we tell it is
// the task, which it shows; the frame is known by its window.
const tell = (type, rest = {}) => frame.contentWindow.postMessage({ doyen: type, task: one.key, ...rest }, "*");

addEventListener("message", (event) => {
  if (event.source !== frame.contentWindow || event.origin !== "null" || !event.data) return;
  const said = event.data;
  if (said.task !== null && said.task !== one.key) return; // of a task that is no longer here
  const heard = {
    ready: () => {
      if (said.stays) version = said.version;
      if (one.message) tell("show", one.message);
    },
    mounted: begin,
    draft: () => keep(said.result),
    submit: handIn,
    skip: openSkip,
    "hand-in": handIn,
    leave: () => find("hand-in").focus(),
    keys: () => dispatchEvent(new Event("doyen:keys")),
    height: () => grow(said.value),
    trouble: () => trouble(said.code),
    media: renewLinks,
    collected: () => answer(said),
  };
  if (Object.hasOwn(heard, said.doyen)) heard[said.doyen]();
});

function ask(type) {
  const id = (asked += 1);
  return new Promise((resolve, reject) => {
    waiting.set(id, resolve);
    setTimeout(() => waiting.delete(id) && reject(new Error("silent")), 5000);
    tell(type, { id });
  });
}

function answer(said) {
  const resolve = waiting.get(said.id);
  waiting.delete(said.id);
  resolve?.(said);
}

function grow(height) {
  const wanted = Math.min(Math.max(Number(height) || 0, 320), 20000);
  frame.style.height = phone.matches ? `${wanted}px` : "";
}

function begin() {
  one.mounted = true;
  if (one.lost.length) say("lost-media", { tone: "wait", lines: one.lost });
  if (one.other) offer();
  find("loading").hidden = true;
  find("hand-in").removeAttribute("aria-disabled");
  setTimeout(lookAhead, 200); // once the hand-in that led here is over
  // The keys of labels work at once, unless the person is somewhere else already.
  if ([document.body, find("hand-in")].includes(document.activeElement)) frame.focus();
  one.whenMounted();
}

function trouble(code) {
  if (!["no-editor", "no-task", "no-draft"].includes(code)) return;
  find("loading").hidden = true;
  say(code);
}

const theme = () => document.documentElement.dataset.bsTheme ?? "light";
const fit = () => (phone.matches ? "grow" : "fill");
new MutationObserver(() => one.mounted && tell("theme", { value: theme() })).observe(
  document.documentElement, { attributeFilter: ["data-bs-theme"] },
);
phone.addEventListener("change", () => {
  frame.style.height = "";
  if (one.mounted) tell("fit", { value: fit() });
});

/* ------------------------------------------------------------------ what the person is told */

function say(key, { lines = [], text = words[key], link = false, choice = false, tone = "stop" } = {}) {
  const notice = find("notice");
  notice.className = `dy-notice ${tone}`;
  notice.dataset.why = key;
  find("notice-title").textContent = words[`${key}-title`] ?? words["failed-title"];
  find("notice-words").textContent = text ?? "";
  const list = find("notice-list");
  list.hidden = !lines.length;
  list.replaceChildren(...lines.map((line) => {
    const item = document.createElement("li");
    item.textContent = line;
    return item;
  }));
  find("notice-link").hidden = !link;
  if (isLease) find("notice-link").href = one.work; // which says what became of it
  if (find("notice-choice")) find("notice-choice").hidden = !choice;
  notice.hidden = false;
  notice.focus();
}

const hush = () => { find("notice").hidden = true; };
const draftState = (text) => { find("draft-state").querySelector("span").textContent = text; };
// In the zone of the page, as its other times; some browsers do not know every zone.
const clock = (at) => {
  const how = { timeStyle: "medium", hour12: false };
  try {
    return new Intl.DateTimeFormat(language, { ...how, timeZone: find("zone").dataset.zone }).format(at);
  } catch {
    return new Intl.DateTimeFormat(language, how).format(at);
  }
};

/* ------------------------------------------------------------------ what is kept */

function shelve(mine, result, pending) {
  try {
    localStorage.setItem(mine.shelf, JSON.stringify({ result, pending, base: mine.base, at: Date.now() }));
  } catch {
    // A full or closed storage: the server's copy has to do.
  }
}

function shelved(mine) {
  try {
    return JSON.parse(localStorage.getItem(mine.shelf));
  } catch {
    return null;
  }
}

function clearShelf(mine) {
  try {
    localStorage.removeItem(mine.shelf);
  } catch {
    // As above.
  }
}

function keep(result) {
  const mine = one;
  const text = JSON.stringify(result);
  if (mine.left || mine.viewing || text === mine.newest || (mine.newest === null && !result.length)) return;
  mine.newest = text;
  shelve(mine, result, true);
  save(mine);
}

async function save(mine = one) {
  if (mine.saving || mine.left || mine.other || mine.newest === mine.stored) return;
  mine.saving = true;
  const text = mine.newest;
  let refusal = null;
  const state = (said) => mine === one && draftState(said);
  state(words.saving);
  try {
    mine.sent = [...mine.sent.slice(-9), text];
    const body = { result: JSON.parse(text), base: mine.base };
    const response = await send(mine, "draft", body, { keepalive: text.length < 50000, ...patience(20) });
    const said = await read(response);
    if (response.status === 409) refusal = said;
    else if (!response.ok) throw new Error(String(response.status));
    else {
      mine.stored = text;
      mine.base = said.saved_at;
      mine.sent = [];
      if (text === mine.newest && !mine.left) shelve(mine, JSON.parse(text), false);
      state(words.saved.replace("{when}", clock(new Date())));
      if (find("notice").dataset.why === "signed-out") hush();
      heed(mine, { state: said.state });
    }
  } catch (error) {
    state(error instanceof SignedOut ? words["kept-out"] : words.kept);
  }
  mine.saving = false;
  if (refusal) refused(mine, refusal);
  else if (mine.newest !== text) save(mine);
}

async function peek() {
  const mine = one;
  if (!mine.mounted || busy || mine.left || mine.viewing) return;
  try {
    const said = await ask("peek");
    if (mine === one) keep(said.result);
  } catch {
    // The editor is busy; the next look comes soon.
  }
}

setInterval(peek, 3000);
setInterval(() => save(), 20000); // what could not be sent is tried again
addEventListener("online", () => save());
addEventListener("visibilitychange", () => document.hidden && peek());

/* ------------------------------------------------------------------ two versions */

// Somebody may work on one task in two browsers, and one of them may have been without a network.
// Neither version is put over the other before the person has said which one to go on with.

const steady = (value) => JSON.stringify(value, (_name, held) => (
  held && typeof held === "object" && !Array.isArray(held)
    ? Object.fromEntries(Object.entries(held).sort(([a], [b]) => (a < b ? -1 : 1))) : held));
const same = (a, b) => steady(a) === steady(b);

function refused(mine, said) {
  if (said.draft === undefined) over(mine, said.title);
  else if (mine.sent.some((text) => same(JSON.parse(text), said.draft))) {
    mine.base = said.saved_at; // it is our own, whose answer was lost on its way
    mine.sent = [];
    save(mine);
  } else differ(mine, said);
}

function differ(mine, said) {
  if (mine !== one || mine.left) return;
  mine.other = { result: said.draft, at: said.saved_at };
  draftState(words["not-chosen"]);
  offer();
}

function offer() {
  find("other").textContent = one.viewing ? words["show-here"] : words["show-other"];
  find("go-on-with").textContent = one.viewing ? words["keep-other"] : words["keep-here"];
  find("other").hidden = !version && !one.viewing;
  const text = one.viewing ? words["viewing-other"] : words["two-versions"];
  say("two-versions", { tone: "wait", choice: true, text: text.replace("{when}", clock(new Date(one.other.at))) });
}

// The frame is told the same task anew, under another name.
function show(result, readonly) {
  one.key = `${one.work}#${(count += 1)}`;
  one.mounted = false;
  one.viewing = readonly;
  one.message = { ...one.message, draft: result, readonly };
  find("hand-in").setAttribute("aria-disabled", "true");
  waiting.clear();
  tell("show", one.message);
}

async function look() {
  if (one.viewing) show(JSON.parse(one.newest ?? "[]"), false);
  else {
    await peekNow(); // what was typed in the last moment stays with this version
    if (one.other) show(one.other.result, true);
  }
}

function goOnWith() {
  const { result, at } = one.other;
  one.other = null;
  one.base = at;
  hush();
  if (one.viewing) bring(result);
  else if (one.newest !== null) {
    one.stored = null;
    save();
  }
}

function bring(result) {
  one.newest = one.stored = JSON.stringify(result);
  shelve(one, result, false);
  draftState("");
  show(result, false);
}

// Another browser has saved something since: it is taken over where nothing of ours waits.
async function catchUp(mine) {
  await peekNow();
  const response = await askTask(mine.work);
  const said = await read(response);
  if (mine !== one || !response.ok || mine.saving || mine.other || said.saved_at === mine.base || !said.draft) return;
  if (!version || mine.newest !== mine.stored) return void differ(mine, said);
  mine.base = said.saved_at;
  if (mine.newest && same(JSON.parse(mine.newest), said.draft)) return;
  bring(said.draft);
  say("brought", { tone: "info", text: words.brought.replace("{when}", clock(new Date(said.saved_at))) });
}

find("other")?.addEventListener("click", look);
find("go-on-with")?.addEventListener("click", goOnWith);

/* ------------------------------------------------------------------ the server */

// A person who signed out and in again in another tab has a new session, which wants a new token.
async function send(mine, path, body, more = {}) {
  let response = await post(mine, path, body, more);
  if (response.redirected || response.status === 400 || response.status === 401) {
    if (!(await renewToken(mine))) throw new SignedOut();
    response = await post(mine, path, body, more);
    if (response.redirected) throw new SignedOut();
  }
  return response;
}

async function renewToken(mine) {
  const page = await fetch(mine.work, { headers: { Accept: "text/html" } });
  if (page.redirected || !page.ok) return false;
  token = tokenOf(new DOMParser().parseFromString(await page.text(), "text/html")) ?? token;
  return true;
}

function post(mine, path, body, more) {
  return fetch(`${mine.work}/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token },
    body: JSON.stringify(body),
    ...more,
  });
}

class SignedOut extends Error {}

// A network that goes without a word would hold all that is typed after.
const patience = (seconds) => ({ signal: AbortSignal.timeout(seconds * 1000) });

async function read(response) {
  try {
    return await response.json();
  } catch {
    return {};
  }
}

const askTask = (work) => fetch(`${work}/task.json`, { headers: { Accept: "application/json" } });

/* ------------------------------------------------------------------ the acts */

let busy = false;

async function act(path, body) {
  const mine = one;
  let response;
  try {
    response = await send(mine, path, body, patience(60));
  } catch (error) {
    say(error instanceof SignedOut ? "signed-out" : "offline");
    return;
  }
  const said = await read(response);
  if (response.ok && said.next) await leaveFor(said);
  else if (response.status === 401) say("signed-out");
  else if (response.status === 422) say("refused", { lines: said.errors ?? [], text: said.errors?.length ? "" : said.title });
  else if (response.status === 409 && said.draft !== undefined) differ(mine, said);
  else if ([403, 404, 409, 410].includes(response.status)) say("over", { text: said.title ?? words.over, link: true });
  else say("failed");
}

async function leaveFor(said) {
  one.left = true;
  clearShelf(one);
  const address = said.follows === true ? said.next + FOLLOWS : said.next;
  if (said.follows === true && (await follow(said.next, said.time))) return;
  if (navigator.onLine) return void location.assign(address);
  // The browser's own page for this would not say that the answer is in.
  say("later", { tone: "wait" });
  addEventListener("online", () => location.assign(address), { once: true });
}

async function once(button, deed) {
  if (busy || one.left) return;
  busy = true;
  button.setAttribute("aria-busy", "true");
  hush();
  try {
    await deed();
  } finally {
    busy = false;
    button.removeAttribute("aria-busy");
  }
}

function handIn() {
  const mine = one;
  if (mine.other) return void offer();
  if (!mine.mounted) return;
  once(find("hand-in"), async () => {
    let held;
    try {
      held = await ask("collect");
    } catch {
      say("failed", { text: words.silent });
      return;
    }
    if (!held.result) return;
    shelve(mine, held.result, true);
    if (held.complete === false) {
      say("incomplete", { tone: "wait" });
      return;
    }
    draftState(words["handing-in"]);
    await act("submit", { result: held.result, base: mine.base, next: goOn?.checked });
    if (mine === one && !mine.left) draftState(mine.other ? words["not-chosen"] : words.kept);
  });
}

// Whether the next task follows at once is remembered in this browser; a work sample has no choice.
const goOn = find("go-on");
try {
  if (goOn) goOn.checked = localStorage.getItem("doyen:pause") !== "1";
} catch {
  // A closed storage: the next task follows.
}
goOn?.addEventListener("change", () => {
  try {
    localStorage.setItem("doyen:pause", goOn.checked ? "0" : "1");
  } catch {
    // As above.
  }
  if (goOn.checked) lookAhead();
  else giveBackAhead();
});

const skip = find("skip");
function openSkip() {
  if (skip && !skip.open) skip.showModal();
}
skip?.addEventListener("close", () => {
  if (skip.returnValue !== "skip") return;
  const form = skip.querySelector("form");
  const given = new FormData(form);
  const own = given.get("words").trim();
  const reason = own ? `${given.get("why")}: ${own}` : given.get("why");
  skip.returnValue = "";
  once(find("open-skip"), () => act("skip", { reason }));
});

find("hand-in").addEventListener("click", handIn);
find("open-skip")?.addEventListener("click", openSkip);
const giveUp = find("give-up");
find("return")?.addEventListener("click", async () => {
  await peekNow();
  if (one.newest && one.newest !== "[]") giveUp.showModal();
  else once(find("return"), () => act("return", {}));
});
giveUp?.addEventListener("close", () => {
  if (giveUp.returnValue === "return") once(find("return"), () => act("return", {}));
  giveUp.returnValue = "";
});
addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !skip?.open) handIn();
});

// Leaving takes along what was typed in the last moments. The top of the page changes with the task.
document.addEventListener("click", async (event) => {
  const link = event.target.closest(".dy-bench-top a");
  if (!link || !one.mounted || one.left || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  await peekNow();
  location.assign(link.href);
});

async function peekNow() {
  const mine = one;
  if (!mine.mounted || mine.viewing) return;
  const soon = new Promise((resolve) => setTimeout(resolve, 1500));
  const all = ask("peek").then((said) => { keep(said.result); return saved(mine); }).catch(() => {});
  await Promise.race([all, soon]);
}

async function saved(mine) {
  while (mine.saving) await new Promise((resolve) => setTimeout(resolve, 50));
}

/* ------------------------------------------------------------------ time */

const minutes = (unit, value) => new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }).format(value);
function span(milliseconds) {
  const whole = Math.max(0, Math.floor(milliseconds / 60000));
  const hours = Math.floor(whole / 60);
  return hours ? `${minutes("hour", hours)} ${minutes("minute", whole % 60)}` : minutes("minute", whole);
}

function tick() {
  one.due ??= new Date(find("due").dataset.due);
  const began = new Date(find("since").dataset.since);
  find("since-words").textContent = span(Date.now() - began);
  const rest = one.due - Date.now();
  for (const limit of [15, 5]) {
    if (rest > 0 && rest <= limit * 60000 && !one.warned.has(limit)) {
      one.warned.add(limit);
      draftState(words.soon.replace("{left}", span(rest)));
    }
  }
  if (rest <= 0) find("due").className = "dy-due off";
  else find("due").className = rest < Math.min(3600000, (one.due - began) / 4) ? "dy-due stop" : "dy-due";
  find("due-rest").textContent = rest > 0 ? `(${words.rest.replace("{left}", span(rest))})` : "";
  // More time can be asked for once half of it is over, while there is some left.
  const more = find("extend");
  if (more) more.hidden = rest <= 0 || rest > more.dataset.lease * 30000 || more.dataset.extend > more.dataset.extensions;
}

// Said once: whoever goes on typing is not called away again, and what they type is still kept.
function over(mine, text = words.over) {
  if (mine !== one || mine.left || mine.ended) return;
  mine.ended = true;
  say("over", { text, link: true });
}

// Another tab or device may have asked for more time, or ended the task.
function heed(mine, said) {
  if (mine !== one) return;
  if (said.state && said.state !== "active" && isLease) return over(mine);
  if (!said.due_at || +new Date(said.due_at) === +mine.due) return;
  mine.due = new Date(said.due_at);
  find("due-words").textContent = said.words;
  find("due-words").dateTime = said.due_at;
  const more = find("extend");
  if (more) more.dataset.extend = said.extended + 1;
  mine.warned.clear();
  tick();
}

async function alive() {
  const mine = one;
  if (document.hidden || mine.left || busy) return;
  try {
    const response = await send(mine, "alive", {});
    if (!response.ok) return;
    const said = await read(response);
    heed(mine, said);
    if (said.draft_at && said.draft_at !== mine.base && mine.mounted && !mine.saving && !mine.other) await catchUp(mine);
    if (said.answered_at && mine === one) dispatchEvent(new CustomEvent("doyen:answered", { detail: said.answered_at }));
  } catch {
    // Offline or signed out: what keeps drafts says so.
  }
}
const isLease = Boolean(find("due-words")); // a work sample has one time for all its tasks
if (isLease) {
  setInterval(alive, 60000);
  setInterval(lookAhead, 60000);
  // Whoever comes back to the page is seen at once, and hears at once what has changed.
  addEventListener("visibilitychange", alive);
  addEventListener("visibilitychange", lookAhead);
}

document.addEventListener("click", (event) => {
  const more = event.target.closest("[data-extend]");
  if (!more) return;
  const mine = one;
  once(more, async () => {
    try {
      const response = await send(mine, "extend", { number: Number(more.dataset.extend) });
      const said = await read(response);
      if (!response.ok) return void say("no-more-time", { tone: "wait", text: said.title ?? words["no-more-time"] });
      heed(mine, said);
      draftState(words.extended.replace("{when}", clock(mine.due)));
      if (more.hidden) find("hand-in").focus();
    } catch (error) {
      say(error instanceof SignedOut ? "signed-out" : "offline");
    }
  });
});
setInterval(tick, 60000);

/* ------------------------------------------------------------------ files of the task */

// A link to a file dies some minutes after the page's last sign of life, as when the computer slept.
// The frame says that a file failed: it gets fresh links, and what was labelled stays as it is.
async function renewLinks() {
  const mine = one;
  if (mine.left || Date.now() - mine.renewed < 15000) return;
  mine.renewed = Date.now();
  try {
    if (isLease) await send(mine, "alive", {});
    const response = await askTask(mine.work);
    const said = await read(response);
    if (mine !== one) return;
    if (!response.ok || !said.task) return void say("over", { text: said.title ?? words.over, link: true });
    const links = {};
    pair(mine.data, said.task.data, links);
    mine.data = said.task.data;
    if (said.lost?.length) return void say("lost-media", { tone: "wait", lines: said.lost });
    if (!Object.keys(links).length) return void say("no-media", { tone: "wait" });
    say("fresh-media", { tone: "info" });
    tell("links", { links });
  } catch (error) {
    if (mine === one) say(error instanceof SignedOut ? "signed-out" : "offline");
  }
}

// Which link stands where another one stood.
function pair(before, after, links) {
  if (typeof before === "string" && typeof after === "string") {
    if (before !== after && before.startsWith(`${location.origin}/media/`)) links[before] = after;
  } else if (before && after && typeof before === "object" && typeof after === "object") {
    for (const name of Object.keys(before)) pair(before[name], after[name], links);
  }
}

/* ------------------------------------------------------------------ one task after another */

// The next task takes the place of the last in the same frame. Where anything is not as it was, such
// as guidelines, the editor's version or this script, the page is loaded as a whole.
async function follow(address, time) {
  if (!one.mounted || !version || !frame.dataset.print) return false;
  const next = taskAt(address);
  const before = one;
  try {
    tell("clear");
    const there = time && ahead?.work === address && Date.now() - ahead.at < FRESH ? ahead : null;
    ahead = null;
    const [page, given] = there ? [there.page, there.given] : await Promise.all([pageAt(address + FOLLOWS), taskOf(next)]);
    const its = page.querySelector("[data-editor]")?.dataset ?? {};
    if (its.print !== frame.dataset.print || its.version !== version) return false;
    if (!(await hold(next))) return false;
    const mounted = new Promise((resolve, reject) => {
      next.whenMounted = resolve;
      setTimeout(() => reject(new Error("silent")), 10000);
    });
    mounted.catch(() => {}); // it is waited for below, or the page is left
    swap(page, address);
    if (there) began(time);
    one = next;
    waiting.clear();
    before.release();
    take(given);
    tell("show", one.message);
    tick();
    await mounted;
    return true;
  } catch (error) {
    console.warn(error);
    next.release(); // the page that is loaded now takes it
    return false;
  }
}

async function pageAt(address) {
  const response = await fetch(address, { headers: { Accept: "text/html" } });
  if (!response.ok || response.redirected) throw new Error(`page ${response.status}`);
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

async function taskOf(next) {
  const response = await askTask(next.work);
  const said = await read(response);
  if (!response.ok || response.redirected || !said.task) throw new Error(`task ${response.status}`);
  return said;
}

// The parts of the page that are of one task; the guidelines stay where they were being read.
function swap(page, address) {
  for (const fresh of page.querySelectorAll("[data-part]")) {
    const part = document.querySelector(`[data-part="${fresh.dataset.part}"]`);
    const made = document.importNode(fresh, true);
    if (part instanceof HTMLDetailsElement) made.open ||= part.open;
    part.replaceWith(made);
  }
  hush();
  skip?.querySelector("form").reset();
  find("hand-in").setAttribute("aria-disabled", "true");
  token = tokenOf(page) ?? token;
  document.title = page.title;
  frame.dataset.work = address;
  // Back leads to where the person came from, and not through all that was handed in since.
  history.replaceState(null, "", address);
  scrollTo(0, 0);
  dispatchEvent(new Event("doyen:page"));
}

/* ------------------------------------------------------------------ tasks that wait */

// Where the project lets several tasks be in hand, the next ones are taken while this one is worked
// on, and the page and the data of the next are kept here: then it is shown without a request.
let ahead = null;
let looking = false;
const FRESH = 600000; // older than that, questions and guidelines may have changed
const AGAIN = 240000;
const batches = "ahead" in frame.dataset;

async function lookAhead() {
  const mine = one;
  if (!batches || looking || busy || document.hidden || !goOn.checked || !mine.mounted || mine.left) return;
  looking = true;
  let more = false;
  try {
    const response = await send(mine, "ahead", {});
    if (!response.ok || mine !== one) return;
    const said = await read(response);
    more = said.more;
    await keepAhead(said.waiting[0]);
    if (mine === one) tellInHand(said.words);
  } catch {
    // Without it the next task is asked for after the hand-in, as always.
  } finally {
    looking = false;
    // One at a time; and what came meanwhile may have a next task of its own to look for.
    if (more || (mine !== one && one.mounted)) setTimeout(lookAhead, 300);
  }
}

async function keepAhead(work) {
  if (!work) return void (ahead = null);
  if (ahead?.work === work && Date.now() - ahead.at < AGAIN) return;
  const [page, given] = await Promise.all([pageAt(`${work}${FOLLOWS}&ahead=1`), taskOf({ work })]);
  if (page.querySelector("[data-editor]")?.dataset.work === work) ahead = { work, page, given, at: Date.now() };
}

async function giveBackAhead() {
  if (!batches || one.left) return;
  ahead = null;
  try {
    const response = await send(one, "ahead/return", {});
    if (response.ok) tellInHand("");
  } catch {
    // They go back by themselves in some minutes.
  }
}

function tellInHand(said) {
  const mark = find("in-hand");
  mark.hidden = !said;
  find("in-hand-words").textContent = said;
}

// The page was made while the task waited; its time begins now.
function began(time) {
  find("since").dataset.since = time.since;
  find("due").dataset.due = find("due-words").dateTime = time.due_at;
  find("due-words").textContent = time.words;
}

/* ------------------------------------------------------------------ start */

// One tab at a time works on a task; the lock goes with the tab, even when it crashes.
function hold(mine) {
  if (!navigator.locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    navigator.locks.request(mine.shelf, { ifAvailable: true }, (lock) => {
      resolve(Boolean(lock));
      return lock && new Promise((release) => { mine.release = release; });
    });
  });
}

// What the server gives of a task becomes what the frame is told.
function take(said) {
  const before = shelved(one);
  const unsent = before?.pending && before.result ? before.result : null;
  one.base = said.saved_at ?? "";
  if (unsent && said.saved_at && ![undefined, said.saved_at].includes(before.base) && !same(unsent, said.draft)) {
    one.other = { result: said.draft, at: said.saved_at };
  }
  const draft = unsent ?? said.draft;
  if (draft) one.newest = JSON.stringify(draft);
  if (said.draft) one.stored = JSON.stringify(said.draft);
  one.data = said.task.data;
  one.lost = said.lost ?? [];
  one.message = { config: said.config, data: said.task, draft, theme: theme(), fit: fit() };
  dispatchEvent(new CustomEvent("doyen:task", { detail: said }));
}

async function start() {
  setTimeout(() => { find("loading").hidden = one.mounted || !find("notice").hidden; }, 1000);
  let response;
  try {
    response = await askTask(one.work);
  } catch {
    say("offline");
    return;
  }
  if (response.redirected || response.status === 401) return void say("signed-out");
  const said = await read(response);
  if (!response.ok || !said.task) return void say("over", { text: said.title ?? words.over, link: true });
  take(said);
  frame.src = frame.dataset.editor;
  setTimeout(() => { if (!one.mounted && find("notice").hidden) trouble("no-editor"); }, 30000);
  save();
}

tick();
if (await hold(one)) start();
else say("second-tab", { tone: "wait" });
