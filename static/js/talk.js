// The next words of the interviewer, sentence by sentence as the server lets them through.
//
// Without this file the button "Go on" does the same by a page. Asking twice is harmless: the
// server gives the same words, or says that another window has them written at this moment.
//
// The words stand in a live region that is there before them. Each sentence is a part of its own, so
// that a screen reader says it once; for those who asked for that, they come whole, and once.

const place = document.querySelector("[data-next]");
const live = document.querySelector("[data-live]");
const words = document.querySelector("[data-words]");
const go = document.querySelector("[data-go]");
const button = go?.querySelector("button");
const reply = document.querySelector("[data-reply]");
const isWhole = place !== null && "whole" in place.dataset;
const AGAIN = 1500; // milliseconds until another window is asked after
const PATIENCE = 240_000;

let isListening = false;
const begun = Date.now();
const left = new AbortController(); // once a person goes elsewhere, nothing may call them back

function state(text) {
  place.querySelector("[data-state]").textContent = text;
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    rest += value;
    const whole = rest.split("\n");
    rest = whole.pop();
    for (const line of whole) if (line) yield JSON.parse(line);
  }
}

function say(sentence) {
  const part = document.createElement("span");
  part.textContent = words.textContent ? ` ${sentence}` : sentence;
  words.append(part);
}

function end(event, said) {
  words.lang = event.lang;
  if (event.instead) words.textContent = event.instead;
  else if (isWhole) words.textContent = said.join(" ");
  // What this form answers; the text is kept under the name that the page gives it.
  reply.querySelector("[name=number]").value = event.number;
  // Nobody is moved about; only who stands on the button that goes is taken to what it has brought.
  const stands = place.contains(document.activeElement);
  place.hidden = true;
  reply.hidden = false;
  if (stands) live.focus();
  reply.dispatchEvent(new CustomEvent("asked"));
}

function cut() {
  words.textContent = "";
  live.hidden = true;
  go.hidden = false;
  state(place.dataset.cut);
}

async function ask() {
  const answer = await fetch(place.dataset.next, {
    method: "POST",
    headers: { Accept: "application/x-ndjson" },
    body: new URLSearchParams(new FormData(go)),
    signal: left.signal,
  });
  if (!answer.ok || !answer.body || answer.redirected) throw new Error(String(answer.status));
  const said = [];
  for await (const event of lines(answer.body)) {
    if (event.sentence) {
      said.push(event.sentence);
      if (!isWhole) say(event.sentence);
    } else if (event.number) {
      end(event, said);
      return true;
    } else if (event.page) {
      location.replace(event.page);
      return true;
    } else if (event.wait) {
      return false;
    }
  }
  throw new Error("the answer stopped");
}

async function listen() {
  if (isListening) return;
  isListening = true;
  // The button stays for who has just pressed it, so that they keep their place.
  go.hidden = !go.contains(document.activeElement);
  button.setAttribute("aria-disabled", "true");
  live.hidden = false;
  state(place.dataset.writing);
  try {
    while (!(await ask())) {
      if (Date.now() - begun > PATIENCE) throw new Error("another window is too slow");
      left.signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  } catch {
    if (!left.signal.aborted) cut();
  } finally {
    isListening = false;
    button.removeAttribute("aria-disabled");
  }
}

if (place && go) {
  document.addEventListener("submit", (event) => {
    if (event.target !== go) left.abort();
  });
  // Back may bring this page as it was left: then it is asked for anew.
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  go.addEventListener("submit", (event) => {
    event.preventDefault();
    listen();
  });
  if (!("waits" in place.dataset)) listen();
}
