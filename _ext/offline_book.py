"""Keep the built pages self-contained: no page may ask another host for anything."""

import importlib.util
import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx


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


def copy_mathjax(app: Sphinx, error: Exception | None) -> None:
    """One file of MathJax holds all that the book uses; the package has 24 MB."""
    spec = importlib.util.find_spec("sphinx-mathjax-offline")
    if error is None and spec is not None and spec.origin is not None:
        name = app.config.mathjax_path
        target = Path(app.outdir, "_static", name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(spec.origin).parent / "static" / name, target)


def setup(app: Sphinx) -> dict[str, Any]:
    # Late, so that every other extension has added its files by then.
    app.connect("html-page-context", drop_thebe, priority=900)
    app.connect("build-finished", copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
