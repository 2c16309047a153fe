// "Print" on sheets that are kept: shown only where a script can open the dialog.

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
