// Applies the kept theme before anything is painted; src/state/theme.ts owns the key and its values.
(function () {
  try {
    var theme = localStorage.getItem('assay.theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  } catch (_) {
    // Storage can be forbidden: the system's theme it is.
  }
})();
