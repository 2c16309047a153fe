// The bench: brings the task into the editor's frame, keeps drafts, hands in.
//
// Nothing that was typed is lost: each state of the answer goes to this browser's storage first and
// to the server right after. Every request may be sent twice.

const frame = document.querySelector("[data-editor]");
const work = frame.dataset.work;
const tokenOf = (page) => page.querySelector("meta[name=csrf-token]")?.content;
let token = tokenOf(document);
const language = document.documentElement.lang;
const find = (name) => document.querySelector(`[data-${name}]`);
const handInButton = find("hand-in");
const words = Object.fromEntries(
  [...find("words").content.querySelectorAll("[data-word]")].map((p) => [p.dataset.word, p.textContent]),
);
const phone = matchMedia("(max-width: 991.98px), (max-height: 499.98px)");

/* ------------------------------------------------------------------ the frame */

const waiting = new Map();
let asked = 0;
let mounted = false;
let task = null;

// The frame has no origin of its own, so nothing narrower than "*" reaches it. What we tell it is
// the task, which it shows; the frame is known by its window.
const tell = (type, rest = {}) => frame.contentWindow.postMessage({ doyen: type, ...rest }, "*");

addEventListener("message", (event) => {
  if (event.source !== frame.contentWindow || event.origin !== "null" || !event.data) return;
  const said = event.data;
  const heard = {
    ready: () => task && tell("task", task),
    mounted: begin,
    draft: () => keep(said.result),
    submit: handIn,
    skip: openSkip,
    "hand-in": handIn,
    leave: () => handInButton.focus(),
    keys: () => dispatchEvent(new Event("doyen:keys")),
    height: () => grow(said.value),
    trouble: () => trouble(said.code),
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
  mounted = true;
  find("loading").hidden = true;
  handInButton.removeAttribute("aria-disabled");
  // The keys of labels work at once, unless the person is somewhere else already.
  if (document.activeElement === document.body) frame.focus();
}

function trouble(code) {
  if (!["no-editor", "no-task", "no-draft"].includes(code)) return;
  find("loading").hidden = true;
  say(code);
}

const theme = () => document.documentElement.dataset.bsTheme ?? "light";
const fit = () => (phone.matches ? "grow" : "fill");
new MutationObserver(() => mounted && tell("theme", { value: theme() })).observe(
  document.documentElement, { attributeFilter: ["data-bs-theme"] },
);
phone.addEventListener("change", () => {
  frame.style.height = "";
  if (mounted) tell("fit", { value: fit() });
});

/* ------------------------------------------------------------------ what the person is told */

function say(key, { lines = [], text = words[key], link = false, tone = "stop" } = {}) {
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

const shelf = `doyen:${work}`;
let newest = null; // the answer as it last was, as text
let stored = null; // the answer as the server last took it
let saving = false;

function shelve(result, pending) {
  try {
    localStorage.setItem(shelf, JSON.stringify({ result, pending }));
  } catch {
    // A full or closed storage: the server's copy has to do.
  }
}

function shelved() {
  try {
    return JSON.parse(localStorage.getItem(shelf));
  } catch {
    return null;
  }
}

function clearShelf() {
  try {
    localStorage.removeItem(shelf);
  } catch {
    // As above.
  }
}

function keep(result) {
  const text = JSON.stringify(result);
  if (left || text === newest || (newest === null && !result.length)) return;
  newest = text;
  shelve(result, true);
  save();
}

async function save() {
  if (saving || left || newest === stored) return;
  saving = true;
  const text = newest;
  draftState(words.saving);
  try {
    const response = await send("draft", { result: JSON.parse(text) }, { keepalive: text.length < 50000 });
    if (!response.ok) throw new Error(String(response.status));
    stored = text;
    if (text === newest) shelve(JSON.parse(text), false);
    draftState(words.saved.replace("{when}", clock(new Date())));
    if (find("notice").dataset.why === "signed-out") hush();
  } catch (error) {
    draftState(error instanceof SignedOut ? words["kept-out"] : words.kept);
  }
  saving = false;
  if (newest !== text) save();
}

async function peek() {
  if (!mounted || busy || left) return;
  try {
    keep((await ask("peek")).result);
  } catch {
    // The editor is busy; the next look comes soon.
  }
}

setInterval(peek, 3000);
setInterval(save, 20000); // what could not be sent is tried again
addEventListener("online", save);
addEventListener("visibilitychange", () => document.hidden && peek());

/* ------------------------------------------------------------------ the server */

// A person who signed out and in again in another tab has a new session, which wants a new token.
async function send(path, body, more = {}) {
  let response = await post(path, body, more);
  if (response.redirected || response.status === 400 || response.status === 401) {
    if (!(await renewToken())) throw new SignedOut();
    response = await post(path, body, more);
    if (response.redirected) throw new SignedOut();
  }
  return response;
}

async function renewToken() {
  const page = await fetch(location.pathname, { headers: { Accept: "text/html" } });
  if (page.redirected || !page.ok) return false;
  token = tokenOf(new DOMParser().parseFromString(await page.text(), "text/html")) ?? token;
  return true;
}

function post(path, body, more) {
  return fetch(`${work}/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token },
    body: JSON.stringify(body),
    ...more,
  });
}

class SignedOut extends Error {}

async function read(response) {
  try {
    return await response.json();
  } catch {
    return {};
  }
}

/* ------------------------------------------------------------------ the acts */

let busy = false;
let left = false; // the task is out of our hands: nothing is kept any more

async function act(path, body) {
  let response;
  try {
    response = await send(path, body);
  } catch (error) {
    say(error instanceof SignedOut ? "signed-out" : "offline");
    return;
  }
  const said = await read(response);
  if (response.ok && said.next) leaveFor(said.next);
  else if (response.status === 401) say("signed-out");
  else if (response.status === 422) say("refused", { lines: said.errors ?? [], text: said.errors?.length ? "" : said.title });
  else if ([403, 404, 409, 410].includes(response.status)) say("over", { text: said.title ?? words.over, link: true });
  else say("failed");
}

function leaveFor(address) {
  left = true;
  clearShelf();
  location.assign(address);
}

async function once(button, deed) {
  if (busy || left) return;
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
  if (!mounted) return;
  once(handInButton, async () => {
    let held;
    try {
      held = await ask("collect");
    } catch {
      say("failed", { text: words.silent });
      return;
    }
    if (!held.result) return;
    shelve(held.result, true);
    if (held.complete === false) {
      say("incomplete", { tone: "wait" });
      return;
    }
    draftState(words["handing-in"]);
    await act("submit", { result: held.result, next: goOn?.checked });
    if (!left) draftState(words.kept);
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
});

const skip = find("skip");
function openSkip() {
  if (skip && !skip.open) skip.showModal();
}
skip?.addEventListener("close", () => {
  if (skip.returnValue !== "skip") return;
  const given = new FormData(skip.querySelector("form"));
  const own = given.get("words").trim();
  const reason = own ? `${given.get("why")}: ${own}` : given.get("why");
  skip.returnValue = "";
  once(find("open-skip"), () => act("skip", { reason }));
});

handInButton.addEventListener("click", handIn);
find("open-skip")?.addEventListener("click", openSkip);
const giveUp = find("give-up");
find("return")?.addEventListener("click", async () => {
  await peekNow();
  if (newest && newest !== "[]") giveUp.showModal();
  else once(find("return"), () => act("return", {}));
});
giveUp?.addEventListener("close", () => {
  if (giveUp.returnValue === "return") once(find("return"), () => act("return", {}));
  giveUp.returnValue = "";
});
addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !skip?.open) handIn();
});

// Leaving takes along what was typed in the last moments.
document.querySelector(".dy-bench-top a").addEventListener("click", async (event) => {
  if (!mounted || left || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const address = event.currentTarget.href;
  await peekNow();
  location.assign(address);
});

async function peekNow() {
  if (!mounted) return;
  const soon = new Promise((resolve) => setTimeout(resolve, 1500));
  const all = ask("peek").then((said) => { keep(said.result); return saved(); }).catch(() => {});
  await Promise.race([all, soon]);
}

async function saved() {
  while (saving) await new Promise((resolve) => setTimeout(resolve, 50));
}

/* ------------------------------------------------------------------ time */

const minutes = (unit, value) => new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }).format(value);
function span(milliseconds) {
  const whole = Math.max(0, Math.floor(milliseconds / 60000));
  const hours = Math.floor(whole / 60);
  return hours ? `${minutes("hour", hours)} ${minutes("minute", whole % 60)}` : minutes("minute", whole);
}

const since = new Date(find("since").dataset.since);
let due = new Date(find("due").dataset.due);
const more = find("extend");
const warned = new Set();
function tick() {
  find("since-words").textContent = span(Date.now() - since);
  const rest = due - Date.now();
  for (const limit of [15, 5]) {
    if (rest > 0 && rest <= limit * 60000 && !warned.has(limit)) {
      warned.add(limit);
      draftState(words.soon.replace("{left}", span(rest)));
    }
  }
  if (rest <= 0) find("due").className = "dy-due off";
  else find("due").className = rest < 3600000 ? "dy-due stop" : "dy-due";
  // More time can be asked for once half of it is over, while there is some left.
  if (more) more.hidden = rest <= 0 || rest > more.dataset.lease * 30000 || more.dataset.extend > more.dataset.extensions;
}

// Another tab or device may have asked for more time, or ended the task.
function heed(said) {
  if (said.state && said.state !== "active") return void (left || say("over", { link: true }));
  if (!said.due_at || +new Date(said.due_at) === +due) return;
  due = new Date(said.due_at);
  find("due-words").textContent = said.words;
  find("due-words").dateTime = said.due_at;
  if (more) more.dataset.extend = said.extended + 1;
  warned.clear();
  tick();
}

async function alive() {
  if (document.hidden || left || busy) return;
  try {
    const response = await send("alive", {});
    if (!response.ok) return;
    const said = await read(response);
    heed(said);
    if (said.answered_at) dispatchEvent(new CustomEvent("doyen:answered", { detail: said.answered_at }));
  } catch {
    // Offline or signed out: what keeps drafts says so.
  }
}
if (find("due-words")) { // a lease: a work sample has one time for all its tasks
  setInterval(alive, 60000);
  // Whoever comes back to the page is seen at once, and hears at once what has changed.
  addEventListener("visibilitychange", alive);
}

more?.addEventListener("click", () => once(more, async () => {
  try {
    const response = await send("extend", { number: Number(more.dataset.extend) });
    const said = await read(response);
    if (!response.ok) return void say("no-more-time", { tone: "wait", text: said.title ?? words["no-more-time"] });
    heed(said);
    draftState(words.extended.replace("{when}", clock(due)));
    if (more.hidden) find("hand-in").focus();
  } catch (error) {
    say(error instanceof SignedOut ? "signed-out" : "offline");
  }
}));
tick();
setInterval(tick, 60000);

/* ------------------------------------------------------------------ start */

async function start() {
  setTimeout(() => { find("loading").hidden = mounted || !find("notice").hidden; }, 1000);
  let response;
  try {
    response = await fetch(`${work}/task.json`, { headers: { Accept: "application/json" } });
  } catch {
    say("offline");
    return;
  }
  if (response.redirected || response.status === 401) return void say("signed-out");
  const said = await read(response);
  if (!response.ok || !said.task) return void say("over", { text: said.title ?? words.over, link: true });
  const before = shelved();
  const draft = before?.pending && before.result ? before.result : said.draft;
  if (draft) newest = JSON.stringify(draft);
  if (said.draft) stored = JSON.stringify(said.draft);
  task = { config: said.config, task: said.task, draft, theme: theme(), fit: fit() };
  dispatchEvent(new CustomEvent("doyen:task", { detail: said }));
  frame.src = frame.dataset.editor;
  setTimeout(() => { if (!mounted && find("notice").hidden) trouble("no-editor"); }, 30000);
  save();
}

// One tab at a time works on a task; the lock goes with the tab, even when it crashes.
if (navigator.locks) {
  navigator.locks.request(shelf, { ifAvailable: true }, (lock) => {
    if (!lock) return say("second-tab", { tone: "wait" });
    start();
    return new Promise(() => {});
  });
} else {
  start();
}
