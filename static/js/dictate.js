// Dictation of an answer: recorded in the browser after a click and no sooner, sent once when it is
// stopped, and gone. The words go into the field, where they can be changed like any others.
// Where the browser cannot record, nothing is shown: typing is there in any case.

const KINDS = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4", "audio/webm"];
const box = document.querySelector("[data-dictate]");
const part = (name) => box.querySelector(`[data-part=${name}]`);
const form = box?.closest("form");
const answer = () => form?.querySelector("textarea[name=answer], textarea[name=text]");

let recorder = null;
let stream = null;
let sound = null;
let clock = null;
let pieces = [];
let drop = false;

function say(words) {
  part("say").textContent = words;
}

function show(state) {
  part("agree").hidden = state !== "agree";
  part("record").hidden = state === "agree";
  part("begin").hidden = state !== "ready";
  part("stop").hidden = part("discard").hidden = part("level").hidden = state !== "recording";
}

function token() {
  return form.querySelector("input[name=csrf_token]").value;
}

async function post(url, body, type) {
  const headers = { Accept: "application/json", "X-CSRFToken": token() };
  if (type) headers["Content-Type"] = type;
  const reply = await fetch(url, { method: "POST", body, headers, credentials: "same-origin" });
  const kind = reply.headers.get("Content-Type") || "";
  const found = kind.includes("json") ? await reply.json() : {};
  if (!reply.ok) throw new Error(found.title || found.detail || box.dataset.failed);
  return found;
}

async function agree() {
  try {
    await post(box.dataset.agree, new URLSearchParams({ version: box.dataset.version }));
    show("ready");
    say(box.dataset.agreed);
    part("begin").focus();
  } catch (trouble) {
    say(trouble instanceof TypeError ? box.dataset.failed : trouble.message);
  }
}

function level() {
  const context = new AudioContext();
  const meter = context.createAnalyser();
  meter.fftSize = 512;
  context.createMediaStreamSource(stream).connect(meter);
  const values = new Uint8Array(meter.fftSize);
  const begun = performance.now();
  clock = setInterval(() => {
    meter.getByteTimeDomainData(values);
    const most = values.reduce((high, one) => Math.max(high, Math.abs(one - 128)), 0);
    part("level").querySelector("meter").value = Math.min(1, most / 90);
    const seconds = Math.floor((performance.now() - begun) / 1000);
    part("level").querySelector("span").textContent = box.dataset.seconds.replace("0", seconds);
    if (seconds >= Number(box.dataset.longest)) recorder.stop();
  }, 150);
  return context;
}

async function begin() {
  say("");
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  } catch (trouble) {
    say(trouble.name === "NotFoundError" ? box.dataset.none : box.dataset.denied);
    return;
  }
  const mimeType = KINDS.find((kind) => MediaRecorder.isTypeSupported(kind));
  recorder = new MediaRecorder(stream, { mimeType, audioBitsPerSecond: 32000 });
  pieces = [];
  drop = false;
  recorder.addEventListener("dataavailable", (event) => pieces.push(event.data));
  recorder.addEventListener("stop", ended);
  recorder.start();
  sound = level();
  show("recording");
  say(box.dataset.recording);
  part("stop").focus();
}

function release() {
  clearInterval(clock);
  sound?.close();
  for (const track of stream?.getTracks() || []) track.stop();
  stream = sound = null;
}

async function ended() {
  release();
  show("ready");
  part("begin").focus();
  const recording = new Blob(pieces, { type: recorder.mimeType });
  pieces = [];
  if (drop) return say(box.dataset.dropped);
  if (recording.size > Number(box.dataset.largest)) return say(box.dataset.large);
  say(box.dataset.sending);
  part("begin").setAttribute("aria-disabled", "true");
  try {
    const found = await post(box.dataset.url, recording, recording.type);
    write(found.words);
    say(box.dataset.done);
  } catch (trouble) {
    say(trouble instanceof TypeError ? box.dataset.failed : trouble.message);
  }
  part("begin").removeAttribute("aria-disabled");
}

function write(words) {
  const field = answer();
  const gap = field.value && !/\s$/.test(field.value) ? " " : "";
  field.value = (field.value + gap + words).slice(0, field.maxLength > 0 ? field.maxLength : undefined);
  field.dispatchEvent(new CustomEvent("dictated"));
  field.focus();
}

function stop(away) {
  drop = away;
  if (recorder?.state === "recording") recorder.stop();
}

if (box && answer() && window.MediaRecorder && navigator.mediaDevices) {
  box.hidden = false;
  show(box.dataset.isAgreed ? "ready" : "agree");
  part("yes").addEventListener("click", agree);
  part("begin").addEventListener("click", () => {
    if (!part("begin").hasAttribute("aria-disabled")) begin();
  });
  part("stop").addEventListener("click", () => stop(false));
  part("discard").addEventListener("click", () => stop(true));
  addEventListener("pagehide", () => { drop = true; release(); });
}
