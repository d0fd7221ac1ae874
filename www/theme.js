// Before anything is painted: the theme of the last visit, else the system's.
(function () {
  var chosen = null;
  try {
    chosen = JSON.parse(localStorage.getItem("mapscope.theme"));
  } catch (refused) {
    // No storage in this browser: the system's preference is enough.
  }
  if (chosen !== "light" && chosen !== "dark") {
    chosen = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  document.documentElement.dataset.theme = chosen;
})();
