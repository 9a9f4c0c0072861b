/* What the theme leaves out for readers with a keyboard or a screen reader. */
(() => {
  "use strict";

  // A button must be called what it shows (WCAG 2.5.3).
  const nameButtons = () => {
    for (const element of document.querySelectorAll(
      ".search-button-field, details.hide > summary"
    )) {
      element.removeAttribute("aria-label");
    }
    for (const button of document.querySelectorAll(".theme-switch-button")) {
      for (const icon of button.querySelectorAll("svg, i")) {
        icon.removeAttribute("title");
        icon.removeAttribute("role");
        icon.removeAttribute("aria-labelledby");
        icon.setAttribute("aria-hidden", "true");
        icon.querySelectorAll("title").forEach((title) => title.remove());
      }
    }
  };

  // The name in the sidebar stands outside every landmark.
  const nameHome = () => {
    const home = document.querySelector(".sidebar-primary-item > .navbar-brand");
    if (home) {
      home.parentElement.setAttribute("role", "navigation");
      home.parentElement.setAttribute("aria-label", "Home");
    }
  };

  // A box that scrolls sideways must be reachable by keyboard.
  const focusWide = () => {
    for (const box of document.querySelectorAll(
      ".bd-article div.math, .bd-article div.highlight pre, .bd-article table.table"
    )) {
      if (box.scrollWidth > box.clientWidth) {
        box.tabIndex = 0;
      }
    }
  };

  const repair = () => {
    nameButtons();
    nameHome();
    focusWide();
  };
  repair();
  // The theme draws its icons, and MathJax its formulas, after this script has run.
  new MutationObserver(repair).observe(document.body, {
    childList: true,
    subtree: true,
  });
})();
