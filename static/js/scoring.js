// Reading an answer by keyboard: a number ticks a check, with the words of the answer that are
// selected as its quote; Enter sends; ? shows the keys. Without this the form works by itself.

// Single keys count only while the focus is in the place of work, and never in a field.
const work = document.querySelector("[data-work]");
const form = document.querySelector("[data-scoring]");
const help = document.querySelector("[data-keys]");
const answer = document.querySelector("[data-answer]");
const said = document.querySelector("[data-said]");
const isField = (target) =>
  target.matches("input:not([type=checkbox]), textarea, select") || target.isContentEditable;

// The words that are selected, as far as they lie in the answer.
const selected = () => {
  const selection = getSelection();
  if (!answer || !selection.rangeCount || selection.isCollapsed) return "";
  const range = selection.getRangeAt(0);
  return answer.contains(range.commonAncestorContainer) ? selection.toString().trim() : "";
};

const tick = (row) => {
  const box = row.querySelector("input[type=checkbox]");
  const quote = row.querySelector("input[type=text]");
  const words = quote ? selected() : "";
  box.checked = words ? true : !box.checked;
  if (words) quote.value = words;
  if (quote && !box.checked) quote.value = "";
  getSelection().removeAllRanges();
  const state = box.checked ? form.dataset.met : form.dataset.missing;
  said.textContent = `${row.dataset.number}: ${state}${words ? ` – ${words}` : ""}`;
};

work.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "?" && !isField(event.target) && help) {
    event.preventDefault();
    help.showModal();
    return;
  }
  if (event.target.closest("a, button, summary") && event.key === "Enter") return;
  if (!form) return;
  if (event.key === "Enter") {
    event.preventDefault();
    if (!event.repeat) form.requestSubmit(form.querySelector("[data-send]"));
    return;
  }
  if (isField(event.target) || !/^[1-9]$/.test(event.key)) return;
  const row = form.querySelector(`[data-number="${event.key}"]`);
  if (row) {
    event.preventDefault();
    tick(row);
  }
});

if (!document.querySelector(".dy-errors")) (document.querySelector("[autofocus]") ?? work).focus();
for (const button of document.querySelectorAll("[data-show-keys]")) {
  button.hidden = false;
  button.addEventListener("click", () => help.showModal());
}
for (const button of document.querySelectorAll("[data-take-words]")) {
  button.hidden = false;
  // The button would take the selection away before it is read.
  button.addEventListener("mousedown", (event) => event.preventDefault());
  button.addEventListener("click", () => {
    if (selected()) tick(button.closest("[data-number]"));
  });
}
