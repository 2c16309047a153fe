// Shows the PDF documents of a task on the page itself: browsers show none in a sandboxed frame.
//
// Whatever an address gives is taken for a PDF and never for a page, so it can do nothing here.

const place = document.querySelector("[data-documents]");
let held = []; // addresses of what is shown, given back with the task
let current = null;

addEventListener("doyen:task", (event) => {
  const { config, task } = event.detail;
  current = task;
  for (const part of place.querySelectorAll(":scope > section")) part.remove();
  held.forEach((address) => URL.revokeObjectURL(address));
  held = [];
  place.hidden = true;
  const tags = new DOMParser().parseFromString(config, "text/xml").querySelectorAll("Pdf");
  for (const tag of tags) show(addressOf(tag, task.data), task);
});

function addressOf(tag, data) {
  const value = tag.getAttribute("value") ?? "";
  const name = /^\$(\w+)$/.exec(value)?.[1];
  return name ? (Object.hasOwn(data, name) ? data[name] : null) : value;
}

async function show(address, task) {
  const part = place.querySelector("template").content.firstElementChild.cloneNode(true);
  place.append(part);
  place.hidden = false;
  try {
    const bytes = await bytesOf(String(address));
    if (task !== current) return; // the next task is here already
    const whole = URL.createObjectURL(new Blob([bytes], { type: "application/pdf" }));
    held.push(whole);
    part.querySelector("a").href = whole;
    const frame = part.querySelector("iframe");
    frame.src = whole;
    frame.hidden = false;
  } catch {
    part.querySelector("[data-trouble]").hidden = false;
    part.querySelector("a").remove();
  }
}

async function bytesOf(address) {
  const held = /^data:application\/pdf;base64,([A-Za-z0-9+/=\s]+)$/.exec(address);
  if (held) return Uint8Array.from(atob(held[1]), (letter) => letter.charCodeAt(0));
  const url = new URL(address, location.href);
  if (url.origin !== location.origin) throw new Error("elsewhere");
  const response = await fetch(url);
  if (!response.ok) throw new Error(String(response.status));
  return response.arrayBuffer();
}
