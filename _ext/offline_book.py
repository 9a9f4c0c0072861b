"""Keep the built pages self-contained: no page may ask another host for anything."""

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config


def drop_thebe(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Take sphinx-thebe off the page: Jupyter Book 1.x loads it from a CDN.

    Its inline script also arrives twice, which the browser reports as an error.
    """
    context["script_files"] = [
        js
        for js in context.get("script_files", [])
        if "thebe" not in f"{js.filename} {js.attributes.get('body')}".lower()
    ]
    context["css_files"] = [
        css for css in context.get("css_files", []) if "thebe" not in str(css.filename)
    ]
    # The root page's template lacks it, and the theme's script complains.
    context.setdefault("default_mode", "auto")


def use_icon_font(app: Sphinx, error: Exception | None) -> None:
    """The theme loads its icons twice: as a font, and as a script of 1.5 MB."""
    if error is None and app.builder.format == "html":
        script = Path(app.outdir, "_static", "scripts", "fontawesome.js")
        script.write_text("", encoding="utf-8")


def drop_launch_buttons(app: Sphinx, config: Config) -> None:
    """Colab and Binder read a repository: no address in _config.yml, no buttons."""
    options = config.html_theme_options
    if not options.get("repository_url"):
        options.pop("launch_buttons", None)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("config-inited", drop_launch_buttons)
    # Late, so that every other extension has added its files by then.
    app.connect("html-page-context", drop_thebe, priority=900)
    app.connect("build-finished", use_icon_font)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
