"""Folders and archives, written whole or not at all, with the same bytes each time."""

import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip file can name


def renew(target: Path, files: Mapping[str, bytes]) -> None:
    """Replace a folder by these files, {path inside of it: contents}."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".new-") as name:
        new = Path(name) / target.name
        new.mkdir()
        for path, contents in files.items():
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            (new / path).write_bytes(contents)
        if target.exists():
            shutil.rmtree(target)
        new.rename(target)


def pack(files: Mapping[str, bytes], top: str, target: Path) -> None:
    """Write a zip file of these files below one folder."""
    new = target.with_suffix(".part")
    with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            # By hand: from a file it would take that file's date and rights.
            info = zipfile.ZipInfo(f"{top}/{path}", EARLIEST)
            info.create_system, info.external_attr = 3, 0o100644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, files[path])
    new.replace(target)
