// Finds words in the guidelines beside a task: every place is marked, one is the current one.
// Enter goes to the next, Shift and Enter to the one before, Escape ends the search.

const LONGEST = 2000; // more marks than this help nobody and make the page slow
const box = document.querySelector("[data-search]");
const text = document.querySelector(".dy-guidelines");

function begin() {
  const field = box.querySelector("input");
  const found = box.querySelector("[data-found]");
  const language = document.documentElement.lang;
  const original = text.cloneNode(true);
  let marks = [];
  let at = 0;
  let timer = 0;

  // Folded one sign after another, so that places in the folded text are places in the text.
  const fold = (words) => [...words].map((sign) => {
    const plain = sign.normalize("NFD").replace(/\p{M}/gu, "").toLocaleLowerCase(language);
    return plain.length === sign.length ? plain : sign;
  }).join("");

  function clear() {
    text.replaceChildren(...original.cloneNode(true).childNodes);
    marks = [];
  }

  function mark(node, wanted) {
    const folded = fold(node.data);
    let from = 0;
    const pieces = [];
    for (let place = folded.indexOf(wanted); place >= 0 && marks.length < LONGEST; place = folded.indexOf(wanted, from)) {
      pieces.push(node.data.slice(from, place));
      const made = document.createElement("mark");
      made.textContent = node.data.slice(place, place + wanted.length);
      pieces.push(made);
      marks.push(made);
      from = place + wanted.length;
    }
    if (pieces.length) node.replaceWith(...pieces, node.data.slice(from));
  }

  function show() {
    for (const [index, one] of marks.entries()) one.toggleAttribute("data-current", index === at);
    marks[at]?.scrollIntoView({ block: "nearest" });
    found.textContent = !field.value.trim() ? ""
      : marks.length ? box.dataset.foundWords.replace("{at}", at + 1).replace("{all}", marks.length)
        : box.dataset.noneWords;
  }

  function search() {
    clear();
    const wanted = fold(field.value.trim());
    if (wanted) {
      const walk = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
      const nodes = [];
      while (walk.nextNode()) nodes.push(walk.currentNode);
      nodes.forEach((node) => mark(node, wanted));
    }
    at = 0;
    show();
  }

  function step(by) {
    if (!marks.length) return;
    at = (at + by + marks.length) % marks.length;
    show();
  }

  box.hidden = false;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, 120);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      step(event.shiftKey ? -1 : 1);
    }
    if (event.key === "Escape" && field.value) {
      field.value = "";
      search();
    }
  });
  for (const button of box.querySelectorAll("[data-search-step]")) {
    button.addEventListener("click", () => step(Number(button.dataset.searchStep)));
  }
}

if (box && text) begin();
