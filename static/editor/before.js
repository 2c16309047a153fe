// Runs before the editor's own files. A document without an origin has no storage, and the editor
// expects one: what it stores lives as long as the frame.
(() => {
  const memory = () => {
    const kept = new Map();
    return {
      getItem: (key) => (kept.has(String(key)) ? kept.get(String(key)) : null),
      setItem: (key, value) => { kept.set(String(key), String(value)); },
      removeItem: (key) => { kept.delete(String(key)); },
      clear: () => kept.clear(),
      key: (index) => [...kept.keys()][index] ?? null,
      get length() { return kept.size; },
    };
  };
  for (const name of ["localStorage", "sessionStorage"]) {
    try {
      window[name].getItem("doyen");
    } catch {
      Object.defineProperty(window, name, { value: memory(), configurable: true });
    }
  }
})();

window.APP_SETTINGS = {
  feature_flags: {},
  feature_flags_default_value: true,
  user: { id: 1 },
  billing: {},
};

// The sandbox lets no form be sent, and stops it before the editor hears of it, which adds texts
// that way: it hears of it from us, and nothing is sent.
(() => {
  const submit = (form) => form.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
  addEventListener("keydown", (event) => {
    const field = event.target;
    if (event.key !== "Enter" || event.defaultPrevented || event.isComposing) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (!(field instanceof HTMLInputElement) || !field.form) return;
    event.preventDefault();
    submit(field.form);
  });
  addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("button, input[type=submit]");
    if (!button || button.type !== "submit" || !button.form || event.defaultPrevented) return;
    event.preventDefault();
    submit(button.form);
  });
})();

// Data under work may hold links and refreshes. The page around lets the frame go nowhere; here
// they do not even try, for a frame that tried shows nothing any more.
(() => {
  addEventListener("click", (event) => {
    const link = event.target instanceof Element && event.target.closest("a, area");
    if (link && !(link.getAttribute("href") ?? "").startsWith("#")) event.preventDefault();
  }, true);
  const tame = (html) => (/<meta/i.test(html) ? String(html).replace(/<meta(?=[\s/>])/gi, "<wbr") : html);
  const own = Object.getOwnPropertyDescriptor(Element.prototype, "innerHTML");
  Object.defineProperty(Element.prototype, "innerHTML", {
    ...own,
    set(html) { own.set.call(this, tame(html)); },
  });
  const set = Element.prototype.setAttribute;
  HTMLMetaElement.prototype.setAttribute = function (name, value) {
    if (String(name).toLowerCase() !== "http-equiv") set.call(this, name, value);
  };
  for (const name of ["appendChild", "insertBefore", "replaceChild"]) {
    const put = Node.prototype[name];
    Node.prototype[name] = function (node, ...rest) {
      if (node instanceof HTMLMetaElement) node.removeAttribute("http-equiv");
      for (const meta of node.querySelectorAll?.("meta") ?? []) meta.removeAttribute("http-equiv");
      return put.call(this, node, ...rest);
    };
  }
  const insert = Element.prototype.insertAdjacentHTML;
  Element.prototype.insertAdjacentHTML = function (where, html) { insert.call(this, where, tame(html)); };
})();
