// "Copy" beside code: shown only where the clipboard can be reached, and says when it is done.

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  const words = button.querySelector("span");
  const before = words.textContent;
  const said = button.parentElement.querySelector("[role=status]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    const code = button.closest("figure").querySelector("pre");
    await navigator.clipboard.writeText(code.textContent);
    words.textContent = said.textContent = button.dataset.copied;
    setTimeout(() => { words.textContent = before; said.textContent = ""; }, 4000);
  });
}
