"""Load the EM explorer on the pages that mount it, and on no others."""

from typing import Any

from sphinx.application import Sphinx

SCRIPTS = ("core.js", "data.js", "state.js", "draw.js", "view.js")


def load(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Files added while a page is written belong to that page alone."""
    if 'class="em-explorer"' in context.get("body", ""):
        app.add_css_file("explorer/explorer.css")
        for name in SCRIPTS:
            app.add_js_file(f"explorer/{name}", defer="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("html-page-context", load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
