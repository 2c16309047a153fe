// Counts how the text of one answer came: how much was pasted, how often much came at once, how long
// until the first key, how long the page was not in front. No key and no text is kept or sent; the
// counts go with the answer. The page says so, and the server takes them as a hint, never as a fact.

const BURST = 120; // characters in one moment
const form = document.querySelector("form[data-measure]");
const field = form?.elements.namedItem("measured");
const answer = form?.querySelector("textarea[name=answer], textarea[name=text]");

function before() {
  try {
    return JSON.parse(field.value); // the page came back with something to put right
  } catch {
    return { pasted: 0, pastes: 0, bursts: 0, away: 0, away_ms: 0, first_key_ms: null };
  }
}

function measure() {
  const counts = before();
  const shown = performance.now();
  let length = answer.value.length;
  let left = null;

  const write = () => { field.value = JSON.stringify(counts); };
  const leave = () => {
    if (left !== null) return;
    left = performance.now();
    counts.away += 1;
  };
  const come = () => {
    if (left === null) return;
    counts.away_ms += Math.round(performance.now() - left);
    left = null;
    write();
  };

  answer.addEventListener("input", (event) => {
    const more = answer.value.length - length;
    length = answer.value.length;
    counts.first_key_ms ??= Math.round(performance.now() - shown);
    if (/^insertFrom(Paste|Drop|Yank)/.test(event.inputType || "")) {
      counts.pastes += 1;
      counts.pasted += Math.max(0, more);
    } else if (more >= BURST && !/^history/.test(event.inputType || "")) {
      counts.bursts += 1;
    }
    write();
  });
  // Words that were dictated on this page are nobody's paste and no burst.
  answer.addEventListener("dictated", () => { length = answer.value.length; });
  addEventListener("blur", leave);
  addEventListener("focus", come);
  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : come()));
  form.addEventListener("submit", () => { come(); write(); }, { capture: true });
  write();
}

// While the interviewer is still writing there is nothing to answer, and nothing is counted.
if (field && answer) {
  if (form.hidden) form.addEventListener("asked", measure, { once: true });
  else measure();
}
