/* A symbol shows what the page of notation says about it: on hover and on focus. */
(() => {
  "use strict";
  let open = null;

  const hide = () => {
    open?.box.classList.remove("shown");
    open = null;
  };

  const show = (link, box) => {
    hide();
    open = { link, box };
    box.classList.add("shown");
    const at = link.getBoundingClientRect();
    const size = box.getBoundingClientRect();
    const frame = box.offsetParent.getBoundingClientRect();
    const right = document.documentElement.clientWidth - size.width - 8;
    const below = at.bottom + size.height + 8 < window.innerHeight;
    const left = Math.max(8, Math.min(at.left, right));
    const top = below ? at.bottom : at.top - size.height;
    box.style.left = `${left - frame.left}px`;
    box.style.top = `${top - frame.top}px`;
  };

  for (const link of document.querySelectorAll("a.symbol")) {
    const box = document.getElementById(link.getAttribute("aria-describedby"));
    link.addEventListener("mouseenter", () => show(link, box));
    link.addEventListener("focus", () => show(link, box));
    link.addEventListener("blur", hide);
  }
  // It stays while the pointer is on the symbol or on the preview, which touch.
  document.addEventListener("mousemove", (event) => {
    const inside = open && [open.link, open.box].some((e) => e.contains(event.target));
    if (open && !inside && document.activeElement !== open.link) {
      hide();
    }
  });
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
})();
