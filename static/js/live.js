// The live page of a project asks for its changing part again and again, quietly: not while nobody
// looks, not while somebody is in it with the keyboard. Without it, loading the page does the same.

const place = document.querySelector("[data-live]");
const state = document.querySelector("[data-live-state]");
const part = () => place.querySelector("[data-live-part]");

function told() {
  state.textContent = part().dataset.asOf;
}

function replace(html) {
  const opened = [...place.querySelectorAll("details")].map((one) => one.open);
  const top = scrollY;
  place.innerHTML = html; // our own page's part, escaped where it was made
  place.querySelectorAll("details").forEach((one, index) => { one.open = opened[index] ?? false; });
  scrollTo({ top });
  told();
}

async function look() {
  if (document.hidden || place.contains(document.activeElement)) return;
  try {
    const response = await fetch(place.dataset.live, { headers: { Accept: "text/html" } });
    const when = part().dataset.when;
    if (response.redirected || response.status === 401) state.textContent = state.dataset.out.replace("{when}", when);
    else if (response.ok) replace(await response.text());
    else throw new Error(String(response.status));
  } catch {
    state.textContent = state.dataset.failed.replace("{when}", part().dataset.when);
  }
}

async function again() {
  await look();
  setTimeout(again, Number(part().dataset.every) * 1000);
}

told();
setTimeout(again, Number(part().dataset.every) * 1000);
document.addEventListener("visibilitychange", look);
