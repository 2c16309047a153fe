// An answer in the editor's frame, to look at. Nothing is sent to the server from here but questions
// for the answer itself, and nothing that the frame says can change anything.

const frame = document.querySelector("[data-editor]");
const find = (name) => document.querySelector(`[data-${name}]`);
const words = Object.fromEntries(
  [...find("words").content.querySelectorAll("[data-word]")].map((p) => [p.dataset.word, p.textContent]),
);
const phone = matchMedia("(max-width: 991.98px), (max-height: 499.98px)");
const theme = () => document.documentElement.dataset.bsTheme ?? "light";
const fit = () => (phone.matches ? "grow" : "fill");
const key = location.pathname;
let message = null;
let mounted = false;
let renewed = 0;

const tell = (type, rest = {}) => frame.contentWindow.postMessage({ doyen: type, task: key, ...rest }, "*");

addEventListener("message", (event) => {
  if (event.source !== frame.contentWindow || event.origin !== "null" || !event.data) return;
  const said = event.data;
  if (said.task !== null && said.task !== key) return;
  const heard = {
    ready: () => message && tell("show", message),
    mounted: () => { mounted = true; find("loading").hidden = true; },
    leave: () => document.querySelector(".dy-bench-top a").focus(),
    height: () => grow(said.value),
    trouble: () => say(["no-editor", "no-draft"].includes(said.code) ? said.code : "no-task"),
    media: renewLinks,
  };
  if (Object.hasOwn(heard, said.doyen)) heard[said.doyen]();
});

function grow(height) {
  const wanted = Math.min(Math.max(Number(height) || 0, 320), 20000);
  frame.style.height = phone.matches ? `${wanted}px` : "";
}

new MutationObserver(() => mounted && tell("theme", { value: theme() })).observe(
  document.documentElement, { attributeFilter: ["data-bs-theme"] },
);
phone.addEventListener("change", () => {
  frame.style.height = "";
  if (mounted) tell("fit", { value: fit() });
});

function say(code) {
  find("loading").hidden = true;
  const notice = find("notice");
  find("notice-title").textContent = words[`${code}-title`];
  find("notice-words").textContent = words[code];
  notice.hidden = false;
  notice.focus();
}

async function ask() {
  const response = await fetch(frame.dataset.source, { headers: { Accept: "application/json" } });
  if (response.redirected || !response.ok) throw new Error(String(response.status));
  return response.json();
}

// A link to a file dies some minutes after its making: the frame says that one failed.
async function renewLinks() {
  if (Date.now() - renewed < 15000) return;
  renewed = Date.now();
  try {
    const said = await ask();
    const links = {};
    pair(message.data.data, said.task.data, links);
    message.data = said.task;
    tell("links", { links });
  } catch {
    say("gone");
  }
}

function pair(before, after, links) {
  if (typeof before === "string" && typeof after === "string") {
    if (before !== after && before.startsWith(`${location.origin}/media/`)) links[before] = after;
  } else if (before && after && typeof before === "object" && typeof after === "object") {
    for (const name of Object.keys(before)) pair(before[name], after[name], links);
  }
}

async function start() {
  setTimeout(() => { find("loading").hidden = mounted || !find("notice").hidden; }, 1000);
  let said;
  try {
    said = await ask();
  } catch (error) {
    say(error instanceof TypeError ? "offline" : "gone");
    return;
  }
  message = { config: said.config, data: said.task, draft: said.result, theme: theme(), fit: fit(), readonly: true };
  dispatchEvent(new CustomEvent("doyen:task", { detail: said })); // documents.js shows PDFs
  frame.src = frame.dataset.editor;
  setTimeout(() => { if (!mounted && find("notice").hidden) say("no-editor"); }, 30000);
}

if (frame) start();
