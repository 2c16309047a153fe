// Light or dark. A person's choice comes with the page, from their cookie; without one the system
// decides, and a second cookie tells the server, so that the next page starts in the right colours.

const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");

function remember(name, value) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax${secure}`;
}

function follow() {
  const theme = dark.matches ? "dark" : "light";
  root.dataset.bsTheme = theme;
  remember("scheme", theme);
  for (const button of document.querySelectorAll("[data-theme-switch]")) {
    button.value = theme === "dark" ? "light" : "dark";
  }
}

if (!document.cookie.split("; ").some((pair) => pair.startsWith("theme="))) {
  follow();
  dark.addEventListener("change", follow);
  document.addEventListener("DOMContentLoaded", follow);
}
