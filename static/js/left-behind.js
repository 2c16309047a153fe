// What was typed without a network in a page that was closed meanwhile: the bench keeps it in this
// browser, and only this browser has it. It is sent before its task is taken again.
//
// A task that a tab has open is that tab's; what the server does not take stays where it is.

const token = document.querySelector("input[name=csrf_token]")?.value;

async function send(shelf) {
  const kept = JSON.parse(localStorage.getItem(shelf));
  if (!kept?.pending || !kept.result?.length) return;
  const response = await fetch(`${shelf.slice("doyen:".length)}/draft`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token },
    body: JSON.stringify({ result: kept.result, base: kept.base ?? "" }),
  });
  if (response.redirected) return;
  // Handed in from elsewhere, it is of no use any more; another version is chosen on the bench.
  const isOver = response.status === 409 && (await response.json()).draft === undefined;
  if (response.ok || isOver) localStorage.removeItem(shelf);
}

try {
  for (const shelf of Object.keys(localStorage)) {
    if (!token || !/^doyen:\/work\/\d+$/.test(shelf)) continue;
    await navigator.locks.request(shelf, { ifAvailable: true }, (lock) => lock && send(shelf));
  }
} catch {
  // A closed storage, or no network: the next visit tries again.
}
