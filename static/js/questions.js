// Questions beside a task: asked without leaving the page, and answers shown when they come.
//
// The list is the server's own HTML, escaped where it was made. What is typed stays in this tab
// until the server has it.

let panel, list, trouble, count; // of the task that the page shows
const part = () => list.querySelector("[data-questions-part]");
const typing = () => list.querySelector("textarea[id=words]");
const draftName = () => `doyen:question:${location.pathname}`;
let sending = false;

function tell(key) {
  trouble.textContent = key ? trouble.dataset[key] : "";
  trouble.hidden = !key;
}

function keep() {
  try {
    if (typing()?.value) sessionStorage.setItem(draftName(), typing().value);
    else sessionStorage.removeItem(draftName());
  } catch {
    // A closed storage: the page works as it does without.
  }
}

function bring() {
  try {
    const kept = sessionStorage.getItem(draftName());
    if (!kept || !typing() || typing().value) return;
    typing().value = kept;
    panel.open = true;
  } catch {
    // As above.
  }
}

function counted() {
  const { unseen, waiting } = part().dataset;
  const words = unseen > 0 ? count.dataset.answered.replace("{n}", unseen)
    : waiting > 0 ? count.dataset.waiting.replace("{n}", waiting) : "";
  if (count.textContent !== words) count.textContent = words;
}

async function seen() {
  if (!panel.open || document.hidden || part().dataset.unseen === "0") return;
  const token = document.querySelector("meta[name=csrf-token]").content;
  try {
    const response = await fetch(panel.dataset.seen, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token },
      body: "{}",
    });
    if (response.ok && !response.redirected) part().dataset.unseen = "0";
  } catch {
    // The next time tells.
  }
}

function replace(html) {
  list.innerHTML = html;
  counted();
}

async function send(form, submitter) {
  const mine = list;
  const address = new URL(form.action);
  address.searchParams.set("part", "1");
  submitter?.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(address, { method: "POST", body: new FormData(form, submitter), headers: { Accept: "text/html" } });
    if (response.redirected || response.status === 401) return tell("out");
    if (!response.ok && response.status !== 422) return await refused(response);
    if (form.contains(typing()) && response.ok) typing().value = "";
    const html = await response.text();
    if (mine !== list) return; // the next task is here
    const kept = typing()?.value ?? "";
    keep();
    replace(html);
    if (response.ok && kept && typing() && !typing().value) typing().value = kept;
    keep();
    (list.querySelector("[data-said]") ?? list.querySelector("[data-focus]"))?.focus();
  } catch {
    tell("offline");
  } finally {
    submitter?.removeAttribute("aria-busy");
  }
}

// A refusal is a whole page with its words in it, or the sign-in has a new token.
async function refused(response) {
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const words = page.querySelector("main p")?.textContent.trim();
  tell("failed");
  if (response.status < 500 && words) trouble.textContent = words;
}

async function submit(event) {
  event.preventDefault();
  if (sending) return;
  sending = true;
  tell("");
  await send(event.target, event.submitter);
  sending = false;
}

async function look() {
  const here = document.activeElement;
  const empty = here === typing() && !here.value; // whoever has asked, or may ask, is told all the same
  const busy = list.contains(here) && !empty && !here.matches("[data-said]");
  if (sending || busy || list.querySelector("details[open]")) return counted();
  const mine = list;
  try {
    const response = await fetch(panel.dataset.questions, { headers: { Accept: "text/html" } });
    if (!response.ok || response.redirected) return;
    const html = await response.text();
    if (mine !== list) return; // the next task is here
    keep();
    replace(html);
    bring();
    if (empty) typing()?.focus();
    seen();
  } catch {
    // Offline: the next heartbeat tells again.
  }
}

addEventListener("doyen:answered", (event) => {
  if (new Date(event.detail) > new Date(part().dataset.newest || 0)) look();
});

function begin() {
  panel = document.querySelector("[data-questions]");
  list = panel.querySelector("[data-questions-list]");
  trouble = panel.querySelector("[data-questions-trouble]");
  count = panel.querySelector("[data-questions-count]");
  list.addEventListener("submit", submit);
  list.addEventListener("input", keep);
  panel.addEventListener("toggle", seen);
  bring();
  seen();
}

begin();
addEventListener("doyen:page", begin); // the next task has questions of its own
