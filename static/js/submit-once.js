// A form marked data-once is sent once. The server holds that promise by itself; this only spares
// people the doubt: the button says that it works, and a second press does nothing.

const WAIT = 8000; // after this the button is given back: a download leaves the page where it is

function hold(form, button) {
  form.dataset.sent = "yes";
  if (!button) return;
  button.setAttribute("aria-disabled", "true");
  button.setAttribute("aria-busy", "true");
  setTimeout(() => release(form), WAIT);
}

function release(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("[aria-busy]")) {
    button.removeAttribute("aria-disabled");
    button.removeAttribute("aria-busy");
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-once]") || event.defaultPrevented) return;
  if (form.dataset.sent) event.preventDefault();
  else hold(form, event.submitter);
});

// Back brings the page as it was left, with its buttons held.
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(release));
