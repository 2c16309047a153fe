// Mounts the editor and talks with the page around the frame.
//
// To the page:   ready, mounted, draft {result}, collected {id, result, complete}, submit {result},
//                hand-in, skip, leave, keys, trouble {code}, height {value}, media
// From the page: show {config, data, draft, theme, fit, readonly}, clear, collect {id}, peek {id},
//                links {links}, theme {value}, fit {value}, focus
//
// With `readonly` an answer is shown to look at: nothing in it can be changed, and of what the editor
// could hand in, keep or leave nothing is said.
//
// Every message names its task. `show` of another task ends the one before: its editor is destroyed
// and its element thrown away before the next one is made, and nothing of it is answered any more.
// Only the page that frames us is listened to, and only it can read what we say.
(() => {
  let root = document.getElementById("editor");
  const page = root.dataset.page;
  const facts = { ...root.dataset };
  let task = null;
  let editor = null;
  let store = null;
  let watch = null;
  let unmount = null;
  let readonly = false;
  let gone = Promise.resolve(); // kept once the editor of an earlier task is no more
  let lastEscape = 0;
  const say = (type, rest = {}) => parent.postMessage({ doyen: type, task, ...rest }, page);

  addEventListener("message", (event) => {
    if (event.source !== parent || event.origin !== page || !event.data) return;
    const message = event.data;
    if (message.doyen === "show" && message.task !== task) show(message);
    if (message.doyen === "clear") clear();
    if (message.task !== task) return;
    if (message.doyen === "collect") collect(message.id);
    if (message.doyen === "peek") peek(message.id);
    if (message.doyen === "links") relink(message.links);
    if (message.doyen === "theme") dress(message.value);
    if (message.doyen === "fit") fit(message.value);
    if (message.doyen === "focus") root.querySelector("button, [tabindex='0'], input, textarea")?.focus();
  });

  addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      event.stopImmediatePropagation();
      if (!readonly) say("hand-in");
    }
    if (event.key === "?" && !isField(event.target)) say("keys");
    // Twice, since the editor itself uses the first to let go of a mark.
    if (event.key === "Escape" && Date.now() - lastEscape < 800) say("leave");
    if (event.key === "Escape") lastEscape = Date.now();
  }, true);

  // What was done is told within a second: the editor itself takes its time, and a browser may die.
  let soon = null;
  for (const kind of ["pointerup", "keyup", "change"]) {
    addEventListener(kind, () => {
      soon ??= setTimeout(() => {
        soon = null;
        if (store?.selected && !readonly) say("draft", { result: soFar(store.selected) });
      }, 1000);
    }, true);
  }

  const isField = (node) => Boolean(node?.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]"));

  const needed = ["entry", "chunks", "module"].every((name) => facts[name]);
  if (!needed || !self.webpackChunklabelstudio) {
    say("trouble", { code: "no-editor" });
    return;
  }
  const chunks = facts.chunks.split(",").map(Number);
  self.webpackChunklabelstudio.push([["doyen"], {}, (require) => {
    Promise.all(chunks.map((chunk) => require.e(chunk)))
      .then(() => {
        require(Number(facts.module));
        if (!window.LabelStudio) throw new Error("the editor's module does not offer it");
        dressControls(require);
        unmount = unmounting(require);
        say("ready", { version: facts.version, stays: Boolean(unmount) });
      })
      .catch((error) => {
        console.error(error);
        say("trouble", { code: "no-editor" });
      });
  }]);

  // The styles of buttons and layout live in a module of the web app whose entry we withhold.
  function dressControls(require) {
    for (const id in require.m) {
      if (!require.m[id].toString().includes("tailwindcss v3")) continue;
      const style = document.createElement("style");
      style.textContent = require(id).A.toString();
      document.head.prepend(style);
      return;
    }
  }

  // The editor's own end leaves what it has drawn: React takes that away.
  function unmounting(require) {
    for (const id in require.m) {
      if (!require.m[id].toString().includes(".unmountComponentAtNode=function")) continue;
      return require(id).unmountComponentAtNode;
    }
    return null;
  }

  function dress(theme) {
    document.documentElement.dataset.colorScheme = theme === "dark" ? "dark" : "light";
  }

  // "fill": as high as the frame, and the text scrolls inside. "grow": as high as its content, and
  // the page around scrolls, as on phones.
  function fit(how) {
    root.style.height = how === "fill" ? "100vh" : "";
  }

  async function show(message) {
    clear();
    task = message.task;
    readonly = message.readonly === true;
    await gone;
    if (task !== message.task) return;
    dress(message.theme);
    fit(message.fit);
    // What the editor still says of an earlier task is said to nobody.
    const mine = task;
    const ours = (type, rest) => mine === task && !readonly && say(type, rest);
    try {
      editor = new window.LabelStudio(root, {
        config: message.config,
        task: { ...message.data, annotations: [], predictions: [] },
        user: { id: 1, pk: 1, firstName: "", lastName: "" },
        users: [],
        settings: { showLabels: true },
        // Nothing about other people's answers, and no second set of buttons: the page has them.
        interfaces: readonly ? ["side-column"] : ["panel", "controls", "side-column", "edit-history"],
        onStorageInitialized: (made) => mine === task && begin(made, message.draft),
        onSubmitAnnotation: (_editor, annotation) => ours("submit", { result: taken(annotation) }),
        onUpdateAnnotation: (_editor, annotation) => ours("submit", { result: taken(annotation) }),
        onSubmitDraft: async (_editor, annotation) => ours("draft", { result: soFar(annotation) }),
        onSkipTask: () => ours("skip"),
      });
    } catch (error) {
      console.error(error);
      say("trouble", { code: "no-task" });
    }
  }

  // Nothing of a task stays: neither its store, nor what it drew, nor what it kept. Where the editor
  // does not let go, nothing is mounted over it: the page hears nothing, and loads itself anew.
  function clear() {
    if (!editor) return;
    watch?.disconnect();
    unmark();
    const former = editor;
    task = editor = store = watch = null;
    unmount(root);
    gone = new Promise((resolve, reject) => {
      setTimeout(() => { // what React still ends, it ends before
        try {
          former.destroy();
          window.Htx = null;
          resolve();
        } catch (error) {
          reject(error);
        }
      }, 30);
    });
    const fresh = root.cloneNode(false);
    root.replaceWith(fresh);
    root = fresh;
    for (const node of [...document.body.children]) {
      if (node !== root && node.tagName !== "SCRIPT" && node.textContent.trim()) node.remove();
    }
    localStorage.clear();
    sessionStorage.clear();
    getSelection()?.removeAllRanges();
    scrollTo(0, 0);
  }

  // A mark takes its spans out of the text, which it cannot any more once the text is gone.
  function unmark() {
    for (const region of store?.selected?.regions ?? []) region.removeHighlight?.();
  }

  function begin(made, draft) {
    store = made.annotationStore;
    const annotation = store.addAnnotation({ userGenerate: true });
    store.selectAnnotation(annotation.id);
    if (draft?.length) restore(annotation, draft);
    else if (!readonly) annotation.setDefaultValues?.();
    if (readonly && !isStill(annotation)) {
      say("trouble", { code: "no-task" });
      clear();
      return;
    }
    say("mounted");
    watch = new ResizeObserver(() => say("height", { value: root.scrollHeight }));
    watch.observe(root);
  }

  // An editor that cannot be held still shows nothing.
  function isStill(annotation) {
    annotation.setReadonly?.(true);
    annotation.setEditable?.(false);
    return annotation.isReadOnly?.() === true;
  }

  function restore(annotation, draft) {
    try {
      annotation.deserializeResults(structuredClone(draft.filter((part) => !part.typed)));
      annotation.reinitHistory?.();
      for (const part of draft) {
        if (part.typed) annotation.names.get(part.from_name)?.setValue(part.value.text[0]);
      }
    } catch (error) {
      console.error(error);
      say("trouble", { code: "no-draft" });
    }
  }

  // Words that stand in a field and are not added yet are no part of an answer, and typed all the
  // same: a draft has them as parts of their own, and they come back into their field.
  function soFar(annotation) {
    const parts = taken(annotation);
    for (const field of annotation.names.values()) {
      if (field.type !== "textarea" || !field._value || field._value === field.value) continue;
      const value = { text: [field._value] };
      parts.push({ id: field.name, from_name: field.name, to_name: field.toname, type: "textarea", value, typed: true });
    }
    return parts;
  }

  // What crosses the border is plain data.
  function taken(annotation) {
    return JSON.parse(JSON.stringify(annotation.serializeAnnotation()));
  }

  function collect(id) {
    const annotation = store?.selected;
    if (!annotation) {
      say("collected", { id, result: null, complete: false });
      return;
    }
    annotation.beforeSend?.();
    const complete = annotation.validate();
    say("collected", { id, result: taken(annotation), complete });
  }

  // What is there so far, without disturbing whoever works on it.
  function peek(id) {
    const annotation = store?.selected;
    if (annotation) say("collected", { id, result: soFar(annotation), complete: null });
  }

  // A file that cannot be loaded may only need a fresh link; the page asks for one.
  const isFile = (address) => String(address ?? "").startsWith(`${page}/media/`);
  addEventListener("error", (event) => {
    const node = event.target;
    if (node instanceof HTMLElement && isFile(node.currentSrc || node.src)) say("media");
  }, true);

  // What plays goes on at its place, and what was labelled is not touched.
  function relink(links) {
    for (const node of document.querySelectorAll("img, audio, video, source")) {
      const link = links[node.src.split("?")[0]];
      if (!link) continue;
      const player = node.closest("audio, video");
      const at = player?.currentTime;
      node.src = link;
      if (at) player.addEventListener("loadedmetadata", () => { player.currentTime = at; }, { once: true });
      player?.load();
    }
  }
})();
