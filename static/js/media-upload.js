// Sends files in pieces, one after another, so that a slow network loses a piece and not a film.
//
// The server knows how much of a file it has: after a break the same file goes on from there.

const place = document.querySelector("[data-media-upload]");
const find = (name) => place.querySelector(`[data-media-${name}]`);
const PIECE = 4_000_000;
const words = Object.fromEntries(
  [...(find("texts")?.content.querySelectorAll("[data-word]") ?? [])].map((p) => [p.dataset.word, p.textContent]),
);
const fill = (text, facts) => text.replace(/\{(\w+)\}/g, (_whole, name) => facts[name] ?? "");
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const tell = (text) => { find("words").textContent = text; };

class Refused extends Error {}
class SignedOut extends Error {}

// Whatever the network loses is sent again; each request may come twice.
async function send(address, body, type) {
  for (let wait = 1000; ; wait = Math.min(wait * 2, 30_000)) {
    let response;
    try {
      response = await fetch(address, {
        method: "POST",
        headers: { "Content-Type": type, Accept: "application/json", "X-CSRFToken": place.dataset.token },
        body,
      });
    } catch {
      tell(words.waiting);
      await pause(wait);
      continue;
    }
    if (response.redirected || response.status === 401) throw new SignedOut();
    if ([502, 503, 504].includes(response.status)) {
      await pause(wait);
      continue;
    }
    const said = await response.json().catch(() => ({}));
    if (!response.ok) throw new Refused(said.title ?? "");
    return said;
  }
}

const sendJson = (address, body) => send(address, JSON.stringify(body), "application/json");

async function bring(file, replaces, progress) {
  const name = file.webkitRelativePath || file.name;
  const begun = await sendJson(place.dataset.mediaUpload, { name, size: file.size, stamp: String(file.lastModified) });
  let received = begun.received;
  while (received < file.size) {
    progress(received / file.size);
    const piece = file.slice(received, received + PIECE);
    const said = await send(`${begun.pieces}?start=${received}`, piece, "application/octet-stream");
    if (said.received <= received) throw new Refused("");
    received = said.received;
  }
  await sendJson(begun.finish, { replaces });
  progress(1);
}

function refuse(text) {
  const item = document.createElement("li");
  item.textContent = text;
  find("refused").append(item);
  find("trouble").hidden = false;
}

// Some were refused: their reasons stay on the page, and the list shows what came.
async function showWhatCame() {
  const response = await fetch(location.href).catch(() => null);
  if (!response?.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const name of ["h-list", "h-room"]) {
    const [here, there] = [document, fresh].map((page) => page.querySelector(`section[aria-labelledby="${name}"]`));
    if (here && there) here.replaceWith(there);
  }
}

async function bringAll(files, replaces) {
  let done = 0;
  for (const [index, file] of files.entries()) {
    const facts = { name: file.name, number: index + 1, of: files.length };
    const show = (part) => {
      tell(fill(words.sending, facts));
      find("bar").value = (index + part) / files.length;
    };
    show(0);
    try {
      await bring(file, replaces, show);
      done += 1;
    } catch (error) {
      if (error instanceof SignedOut) return void refuse(words.out);
      refuse(error instanceof Refused && error.message ? error.message : fill(words.failed, facts));
    }
  }
  tell(fill(words.done, { number: done, of: files.length }));
  if (done === files.length) location.reload();
  else if (done) await showWhatCame();
}

place?.querySelector("form")?.addEventListener("submit", async (event) => {
  const form = event.target;
  const files = [...form.elements.files.files];
  if (!files.length) return; // the server says what is missing
  event.preventDefault();
  event.stopImmediatePropagation();
  if (form.dataset.sent) return;
  form.dataset.sent = "yes";
  const button = form.querySelector("button");
  button.setAttribute("aria-busy", "true");
  find("refused").replaceChildren();
  find("trouble").hidden = true;
  find("state").hidden = false;
  const stay = (leaving) => leaving.preventDefault();
  addEventListener("beforeunload", stay);
  await bringAll(files, form.elements.replaces.checked).finally(() => {
    removeEventListener("beforeunload", stay);
    button.removeAttribute("aria-busy");
    delete form.dataset.sent;
  });
});
