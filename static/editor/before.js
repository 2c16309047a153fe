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
