"""What Sphinx writes and WCAG no longer accepts."""

from typing import Any

from sphinx.application import Sphinx


def mend_roles(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """The role of an entry in a bibliography is deprecated: in a list, an item."""
    body = context.get("body", "")
    context["body"] = body.replace('role="doc-biblioentry"', 'role="listitem"')


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("html-page-context", mend_roles)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
