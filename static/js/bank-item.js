// The editor of an item: what is typed is shown at the side as candidates see it, and leaving with
// words that are not saved is asked about. Rows are added by the server, which keeps what was typed.

const form = document.querySelector("form[data-bank-item]");
const here = document.querySelector("[data-preview-here]");
const WAIT = 700;
let timer = 0;
let asked = 0;
let saved = state();

function state() {
  return new URLSearchParams(new FormData(form)).toString();
}

async function look() {
  const number = (asked += 1);
  const sent = new FormData(form);
  sent.set("language", new URLSearchParams(location.search).get("language") ?? "");
  try {
    const answer = await fetch(form.dataset.preview, { method: "POST", body: sent });
    if (answer.ok && number === asked) here.innerHTML = await answer.text();
  } catch {
    // The network is away: the page stays as it is, and the next change asks again.
  }
}

form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(look, WAIT);
});

form.addEventListener("submit", () => {
  saved = state();
});

addEventListener("beforeunload", (event) => {
  if (state() !== saved) event.preventDefault();
});
