"""Room for each figure before it has arrived, and a box in which a wide one scrolls."""

import struct
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

# Two panels side by side, in pixels: on a phone their text would be too small.
WIDE = 1150


class Figures(SphinxPostTransform):
    default_priority = 5  # before the images are renamed

    def run(self, **kwargs: Any) -> None:
        for image in list(self.document.findall(nodes.image)):
            file = Path(self.app.srcdir, image["uri"])
            if file.suffix == ".png" and file.exists():
                width, height = size(file)
                box = nodes.container(classes=["figure-box"])
                box["classes"] += ["wide"] * (width > WIDE)
                image.replace_self(box)
                box += room(image, width, height)


def size(png: Path) -> tuple[int, int]:
    """Pixels across and down, from the file's header."""
    with png.open("rb") as file:
        width, height = struct.unpack(">II", file.read(24)[16:])
    return width, height


def room(image: nodes.image, width: int, height: int) -> list[nodes.Node]:
    """The image, inside of a box with its proportions."""
    style = f'<div style="aspect-ratio: {width} / {height}">'
    before, after = (nodes.raw("", html, format="html") for html in (style, "</div>"))
    return [before, image.deepcopy(), after]


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_post_transform(Figures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
