// Mounts the editor and talks with the page around the frame.
//
// To the page:   ready, mounted, draft {result}, collected {id, result, complete}, submit {result},
//                hand-in, skip, leave, keys, trouble {code}, height {value}
// From the page: task {config, task, draft, theme, fit}, collect {id}, peek {id}, theme {value},
//                fit {value}, focus
//
// Only the page that frames us is listened to, and only it can read what we say.
(() => {
  const root = document.getElementById("editor");
  const page = root.dataset.page;
  const say = (type, rest = {}) => parent.postMessage({ doyen: type, ...rest }, page);
  let store = null;
  let mounting = false;
  let lastEscape = 0;

  addEventListener("message", (event) => {
    if (event.source !== parent || event.origin !== page || !event.data) return;
    const message = event.data;
    if (message.doyen === "task") mount(message);
    if (message.doyen === "collect") collect(message.id);
    if (message.doyen === "peek") peek(message.id);
    if (message.doyen === "theme") dress(message.value);
    if (message.doyen === "fit") fit(message.value);
    if (message.doyen === "focus") root.querySelector("button, [tabindex='0'], input, textarea")?.focus();
  });

  addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      event.stopImmediatePropagation();
      say("hand-in");
    }
    if (event.key === "?" && !isField(event.target)) say("keys");
    // Twice, since the editor itself uses the first to let go of a mark.
    if (event.key === "Escape" && Date.now() - lastEscape < 800) say("leave");
    if (event.key === "Escape") lastEscape = Date.now();
  }, true);

  const isField = (node) => Boolean(node?.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]"));

  const needed = ["entry", "chunks", "module"].every((name) => root.dataset[name]);
  if (!needed || !self.webpackChunklabelstudio) {
    say("trouble", { code: "no-editor" });
    return;
  }
  const chunks = root.dataset.chunks.split(",").map(Number);
  self.webpackChunklabelstudio.push([["doyen"], {}, (require) => {
    Promise.all(chunks.map((chunk) => require.e(chunk)))
      .then(() => {
        require(Number(root.dataset.module));
        if (!window.LabelStudio) throw new Error("the editor's module does not offer it");
        dressControls(require);
        say("ready");
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

  function dress(theme) {
    document.documentElement.dataset.colorScheme = theme === "dark" ? "dark" : "light";
  }

  // "fill": as high as the frame, and the text scrolls inside. "grow": as high as its content, and
  // the page around scrolls, as on phones.
  function fit(how) {
    root.style.height = how === "fill" ? "100vh" : "";
  }

  function mount(message) {
    if (mounting) return;
    mounting = true;
    dress(message.theme);
    fit(message.fit);
    try {
      new window.LabelStudio(root, {
        config: message.config,
        task: { ...message.task, annotations: [], predictions: [] },
        user: { id: 1, pk: 1, firstName: "", lastName: "" },
        users: [],
        settings: { showLabels: true },
        // Nothing about other people's answers, and no second set of buttons: the page has them.
        interfaces: ["panel", "controls", "side-column", "edit-history"],
        onStorageInitialized: (editor) => begin(editor, message.draft),
        onSubmitAnnotation: (_editor, annotation) => say("submit", { result: taken(annotation) }),
        onUpdateAnnotation: (_editor, annotation) => say("submit", { result: taken(annotation) }),
        onSubmitDraft: async (_editor, annotation) => say("draft", { result: taken(annotation) }),
        onSkipTask: () => say("skip"),
      });
    } catch (error) {
      console.error(error);
      say("trouble", { code: "no-task" });
    }
  }

  function begin(editor, draft) {
    store = editor.annotationStore;
    const annotation = store.addAnnotation({ userGenerate: true });
    store.selectAnnotation(annotation.id);
    if (draft?.length) restore(annotation, draft);
    else annotation.setDefaultValues?.();
    say("mounted");
    tellHeight();
  }

  function restore(annotation, draft) {
    try {
      annotation.deserializeResults(structuredClone(draft));
      annotation.reinitHistory?.();
    } catch (error) {
      console.error(error);
      say("trouble", { code: "no-draft" });
    }
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
    if (annotation) say("collected", { id, result: taken(annotation), complete: null });
  }

  function tellHeight() {
    new ResizeObserver(() => say("height", { value: root.scrollHeight })).observe(root);
  }
})();
