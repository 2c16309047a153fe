// A passkey is made or shown: the browser asks its person, and the answer goes into the form.
// The server has said what to ask for in data-options; it alone decides what the answer is worth.

const form = document.querySelector("form[data-passkey]");

const bytes = (text) => Uint8Array.from(
  atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0),
);

function text(buffer) {
  const signs = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(signs).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const keys = (list) => (list || []).map((key) => ({ ...key, id: bytes(key.id) }));

function asked() {
  const options = JSON.parse(form.dataset.options);
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  if (options.excludeCredentials) options.excludeCredentials = keys(options.excludeCredentials);
  if (options.allowCredentials) options.allowCredentials = keys(options.allowCredentials);
  return options;
}

function answered(credential) {
  const { response } = credential;
  const parts = { clientDataJSON: text(response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) parts[name] = text(response[name]);
  }
  if (response.getTransports) parts.transports = response.getTransports();
  return JSON.stringify({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response: parts,
    extensions: JSON.stringify(credential.getClientExtensionResults()),
  });
}

function say(which) {
  for (const name of ["says", "failed", "missing"]) {
    form.querySelector(`[data-${name}]`).hidden = name !== which;
  }
}

async function ask() {
  if (!navigator.credentials || !window.PublicKeyCredential) return say("missing");
  say("says");
  try {
    const credential = await navigator.credentials[form.dataset.passkey]({ publicKey: asked() });
    form.elements.credential.value = answered(credential);
    form.submit();
  } catch {
    say("failed");
  }
}

if (form) {
  form.querySelector("[data-again]").addEventListener("click", ask);
  ask();
}
