/* What the theme leaves out for readers with a keyboard or a screen reader. */
(() => {
  "use strict";

  // A button must be called what it shows (WCAG 2.5.3).
  for (const element of document.querySelectorAll(
    ".search-button-field, details.hide > summary"
  )) {
    element.removeAttribute("aria-label");
  }

  // The name in the sidebar stands outside every landmark.
  const home = document.querySelector(".sidebar-primary-item > .navbar-brand");
  home?.parentElement.setAttribute("role", "navigation");
  home?.parentElement.setAttribute("aria-label", "Home");

  // A box that scrolls sideways must be reachable by keyboard, others need not.
  const focusWide = () => {
    for (const box of document.querySelectorAll(
      ".formula, .bd-article pre, .pst-scrollable-table-container, .figure-box"
    )) {
      box.toggleAttribute("tabindex", box.scrollWidth > box.clientWidth);
      if (box.hasAttribute("tabindex")) {
        box.tabIndex = 0;
      }
    }
  };
  window.addEventListener("load", focusWide);
  window.addEventListener("resize", focusWide);
})();
