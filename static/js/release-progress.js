// The page of a project's releases loads itself again when the build it shows has ended or moved on.

const panel = document.querySelector("[data-progress]");

async function look() {
  try {
    const answer = await fetch(panel.dataset.progress, { headers: { Accept: "application/json" } });
    if (answer.ok) {
      const { state, rows, waits } = await answer.json();
      if (state !== "building" || waits !== "waits" in panel.dataset) return location.reload();
      if (rows) panel.querySelector("progress").value = rows;
    }
  } catch {
    // No connection for a moment: the next look tells.
  }
  setTimeout(look, 3000);
}

if (panel) setTimeout(look, 3000);
