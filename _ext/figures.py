"""Room for each figure before it has arrived, a box in which a wide one scrolls, and
files of a third of the size."""

from pathlib import Path
from typing import Any

from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

# Two panels side by side, in inches: on a phone their text would be too small.
WIDE = 7.2


class Figures(SphinxPostTransform):
    default_priority = 5  # before the images are renamed

    def run(self, **kwargs: Any) -> None:
        for image in list(self.document.findall(nodes.image)):
            file = Path(self.app.srcdir, image["uri"])
            if file.suffix == ".png" and file.exists():
                with Image.open(file) as png:
                    wide = png.width / png.info["dpi"][0] > WIDE
                    place(image, *png.size, wide)


def place(image: nodes.image, width: int, height: int, wide: bool) -> None:
    """Put the image into a box that may scroll, and one with its proportions."""
    box = nodes.container(classes=["figure-box"] + ["wide"] * wide)
    image.replace_self(box)
    style = f'<div style="aspect-ratio: {width} / {height}">'
    before, after = (nodes.raw("", html, format="html") for html in (style, "</div>"))
    box += [before, image.deepcopy(), after]


def lighten(app: Sphinx, error: Exception | None) -> None:
    """256 colors are enough for drawings; fine screens need many pixels."""
    for file in Path(app.outdir, "_images").glob("*.png"):
        with Image.open(file) as png:
            few = png.convert("RGB").quantize(256)
        few.save(file, optimize=True)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_post_transform(Figures)
    app.connect("build-finished", lighten)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
