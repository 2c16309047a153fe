// Runs between the editor's vendor code and Label Studio's whole web app: registers the app's
// modules, and never runs its entry.
(() => {
  const entry = Number(document.getElementById("editor").dataset.entry);
  const queue = (self.webpackChunklabelstudio = self.webpackChunklabelstudio || []);
  const push = queue.push;
  queue.push = (chunk) => push.call(queue, chunk[0].includes(entry) ? [chunk[0], chunk[1]] : chunk);
})();
