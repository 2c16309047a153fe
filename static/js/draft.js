// What is typed into a form with data-draft stays in this tab until the server has it: a reload, a
// lost connection or a step back loses nothing. The name of a draft is that of the open question,
// so that what was sent is not offered again; drafts of earlier questions are dropped.

const PREFIX = "doyen:draft:";

function keep(form) {
  const areas = [...form.querySelectorAll("textarea")];
  const name = () => `${PREFIX}${form.dataset.draft}`;
  try {
    const family = `${PREFIX}${form.dataset.draft.split("-").slice(0, 2).join("-")}-`;
    for (const key of Object.keys(sessionStorage)) {
      if (key.startsWith(family) && key !== name()) sessionStorage.removeItem(key);
    }
    const kept = JSON.parse(sessionStorage.getItem(name()) ?? "{}");
    for (const area of areas) {
      if (!area.value && kept[area.name]) area.value = kept[area.name];
    }
  } catch {
    // A full or closed storage: the page works as it does without.
  }
  form.addEventListener("input", () => {
    try {
      const typed = Object.fromEntries(areas.map((area) => [area.name, area.value]));
      sessionStorage.setItem(name(), JSON.stringify(typed));
    } catch {
      // As above.
    }
  });
}

document.querySelectorAll("form[data-draft]").forEach(keep);
