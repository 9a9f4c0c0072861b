"""Set every formula while the book is built: pages carry drawings, not TeX.

MathJax in the browser would cost each page two megabytes and most of a second, and the
text would jump when the formulas arrive. The same MathJax runs here once, in the V8
engine of mini-racer, and a mistake in a formula is a warning of the build. Where that
engine does not start, MathJax sets the formulas in the browser after all.
"""

import atexit
import importlib.util
import json
import re
import shutil
import sys
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

# The book is built without installing tools/ as a package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import sources
from tools.equations import registry

LOG = logging.getLogger(__name__)
PARTS = (
    "core",
    "loader",
    "adaptors/liteDOM",
    "input/tex-full",
    "output/svg",
    "output/svg/fonts/tex",
    "a11y/assistive-mml",
)
# The glyphs of a page are drawn once, in its cache; the formulas refer to them.
SETUP = """
const {adaptors, handlers, input, output, mathjax, a11y} = MathJax._;
const adaptor = adaptors.liteAdaptor.liteAdaptor();
const handler = handlers.html_ts.RegisterHTMLHandler(adaptor);
a11y["assistive-mml"].AssistiveMmlHandler(handler);
const svg = new output.svg_ts.SVG({
  fontCache: "global",
  font: new output.svg.fonts.tex_ts.TeXFont(),
});
const page = mathjax.mathjax.document("", {
  InputJax: new input.tex_ts.TeX({packages: ["base", "ams", "boldsymbol"]}),
  OutputJax: svg,
});
const draw = (tex, display) => adaptor.outerHTML(page.convert(tex, {display}));
const style = () => adaptor.textContent(svg.styleSheet(page));
const glyphs = () => {
  const drawn = adaptor.innerHTML(svg.fontCache.getCache());
  svg.fontCache.clearCache();
  return drawn;
};
0
"""


IN_PAGE = "mathjax/tex-svg-full.js"
ONLY_FORMULAS = 'window.MathJax = {options: {processHtmlClass: "math"}}'
SECOND_BEST = """
FORMULAS ARE LEFT TO THE BROWSER: mini-racer does not start here ({reason}).
MathJax in the page sets them instead: all pages work without a network, but each loads
two megabytes more, its text jumps, and mistakes in formulas are not found.
"""


def mathjax_file(name: str) -> Path:
    """A file of MathJax in the package that brings it."""
    spec = importlib.util.find_spec("sphinx-mathjax-offline")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "static" / "mathjax" / name


@cache
def engine() -> Any:
    """V8 with MathJax in it, or None where there is no V8."""
    try:
        from py_mini_racer import MiniRacer

        v8 = MiniRacer()
    except Exception as reason:  # whatever it is, the book can be built
        print(SECOND_BEST.format(reason=reason), file=sys.stderr, flush=True)
        return None
    # An engine left open waits, from Python 3.12 on, for ever for its own thread. Not
    # at build-finished, which Sphinx does not send when it is interrupted.
    atexit.register(v8.close)
    v8.eval("var global = globalThis, MathJax = {}; 0")
    for part in PARTS:
        v8.eval(mathjax_file(f"{part}.js").read_text(encoding="utf-8") + "\n;0")
    v8.eval(SETUP)
    return v8


def drawn(node: nodes.Element, display: bool) -> str:
    """The formula as SVG for the eye and as MathML for a screen reader."""
    tex = node.astext().strip()
    if engine() is None:
        return escape(rf"\[{tex}\]" if display else rf"\({tex}\)")
    html = str(engine().eval(f"draw({json.dumps(tex)}, {json.dumps(display)})"))
    if mistake := re.search('data-mjx-error="([^"]*)"', html):
        LOG.warning("formula: %s: %s", mistake[1], node.astext(), location=node)
    return html


def inline(self: Any, node: nodes.Element) -> None:
    self.body.append(self.starttag(node, "span", "", CLASS="math notranslate"))
    self.body.append(drawn(node, display=False) + "</span>")
    raise nodes.SkipNode


def displayed(self: Any, node: nodes.Element) -> None:
    """Three cells of a row: number, formula (which may scroll), link to the code."""
    self.body.append(self.starttag(node, "div", CLASS="math notranslate"))
    if node["number"]:
        number = get_node_equation_number(self, node)
        self.body.append(f'<span class="eqno">({number})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append(f'<div class="formula">{drawn(node, display=True)}</div>')
    self.body.append(link_to_code(self.builder, node["label"]) + "</div>\n")
    raise nodes.SkipNode


@cache
def functions() -> dict[str, str]:
    """The function that carries out each equation. Its source leads to its entry."""
    return {e.label: e.functions[0] for e in registry() if e.functions}


def link_to_code(builder: Any, label: str) -> str:
    if label not in functions():
        return ""
    page, anchor = sources.place(functions()[label])
    target = builder.get_relative_uri(builder.current_docname, page)
    text = f"code: <code>{functions()[label].split('.', 1)[1]}</code>"
    return f'<a class="to-code" href="{target}#{anchor}">{text}</a>'


def complete(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Add what the formulas of the page refer to, and how they stand in the line."""
    body = context.get("body", "")
    if "<mjx-container" in body:
        context["body"] += (
            '<svg class="glyphs" aria-hidden="true" width="0" height="0">'
            f"{engine().eval('glyphs()')}</svg>"
        )
        context["metatags"] += f"<style>{engine().eval('style()')}</style>"
    elif 'class="math ' in body:
        app.add_js_file(None, body=ONLY_FORMULAS)
        app.add_js_file(IN_PAGE, defer="defer")


def copy_mathjax(app: Sphinx, error: Exception | None) -> None:
    """For the pages that set their formulas themselves."""
    if error is None and engine() is None:
        target = Path(app.outdir, "_static", IN_PAGE)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(mathjax_file(target.name), target)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer("ready", (inline, None), (displayed, None))
    app.connect("html-page-context", complete)
    app.connect("build-finished", copy_mathjax)
    # One engine keeps the glyphs of one page at a time.
    return {"parallel_read_safe": True, "parallel_write_safe": False}
