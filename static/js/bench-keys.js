// The keys of the bench beside those of the editor: a list by "?", single letters for what is on the
// page. Letters work outside fields only, and a setting of this browser turns them off.

const OFF = "doyen:letters-off";
const find = (name) => document.querySelector(`[data-${name}]`);
const letters = find("letters");
const dialog = find("keys-dialog");

const open = (details) => { if (details) details.open = true; };
const deeds = {
  e: () => find("editor").focus(),
  g: () => {
    const field = document.getElementById("guidelines-search");
    open(field.closest("details"));
    field.focus();
  },
  q: () => {
    open(find("questions"));
    document.querySelector("[data-questions] textarea")?.focus();
  },
  s: () => find("open-skip")?.click(),
};

function show() {
  if (!dialog.open && !document.querySelector("dialog[open]")) dialog.showModal();
}

const isField = (node) => node.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

addEventListener("doyen:keys", () => letters.checked && show());
addEventListener("keydown", (event) => {
  if (!letters.checked || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (isField(event.target) || document.querySelector("dialog[open]")) return;
  const deed = event.key === "?" ? show : Object.hasOwn(deeds, event.key.toLowerCase()) && deeds[event.key.toLowerCase()];
  if (!deed) return;
  event.preventDefault();
  deed();
});

try {
  letters.checked = localStorage.getItem(OFF) !== "1";
} catch {
  // A closed storage: letters work.
}
letters.addEventListener("change", () => {
  try {
    if (letters.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  } catch {
    // As above.
  }
});
