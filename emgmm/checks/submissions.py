"""What was handed in: every file and folder, whose it is, and what is wrong with it.

Learning systems put names into file names. These are read as their documentation says:

- Moodle: ``Ada Lovelace_12345_assignsubmission_file_/04_em.ipynb``, with the number of
  the participant; the part after the last underscore may also be the file;
- Canvas: ``lovelaceada_LATE_678_90123_04_em-1.ipynb``, with the number of the user;
- by hand: a folder for each learner, or ``ada_04_em.ipynb``.
"""

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

LARGEST = 20_000_000  # bytes of a file
MOODLE = re.compile(r"(.+?)_(\d+)_assignsubmission_[a-z]+_?(.*)")
CANVAS = re.compile(r"([^_]+)(?:_LATE)?_(\d+)_\d+_(.+)")
COPY = re.compile(
    r"([ _-]*(\(\d+\)|copy ?\d*|kopie|copie|copia|final|v\d+)|-\d+)+$", re.I
)
ARCHIVES = {".zip", ".7z", ".rar", ".gz", ".tar", ".tgz", ".bz2", ".xz"}
NOISE = {"__MACOSX", "__pycache__", "Thumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class Submission:
    """One file, or a folder that should not be there.

    Attributes
    ----------
    path : Path
        Where it is.
    name : str
        The same below the folder of submissions, fit for printing.
    learner, id : str
        Who, and the number of a learning system if the name has one.
    file : str
        What the learner called it.
    trouble : str
        Why it is not run, if so.
    digest : str
        Of its contents.
    key : str
        Of all that its marks depend on: contents, name, and the files beside it.
    """

    path: Path
    name: str
    learner: str
    id: str
    file: str
    trouble: str = ""
    digest: str = ""
    key: str = ""

    @property
    def who(self) -> tuple[str, str]:
        """Equal for the same learner, however the name is typed."""
        return self.learner.casefold(), self.id


def find(folder: Path, pages: Sequence[str]) -> list[Submission]:
    """Everything below a folder, in the order of the names."""
    found = [_submission(folder, path, pages) for path in _walk(folder)]
    return [replace(s, key=_key(s, found)) for s in found]


def beside(one: Submission, found: Sequence[Submission]) -> list[tuple[Path, Path]]:
    """The learner's other files in that folder and below, and what to call them."""
    folder = one.path.parent
    return [
        (other.path, other.path.relative_to(folder).parent / other.file)
        for other in found
        if other.digest and other.who == one.who and other.path != one.path
        if folder in other.path.parents and other.path.suffix != ".ipynb"
    ]


def _walk(folder: Path) -> Iterator[Path]:
    """All files; folders where they are empty, closed, or called like a notebook."""
    for path in sorted(folder.iterdir(), key=_order):
        if path.name.startswith(".") or path.name in NOISE:
            continue
        if path.is_symlink() or not path.is_dir():
            yield path
            continue
        inside = list(_walk(path)) if os.access(path, os.R_OK | os.X_OK) else []
        if not inside or path.suffix == ".ipynb":
            yield path
        yield from inside


def _order(path: Path) -> tuple[str, int, str]:
    """A copy, ``04_em (1)`` or ``04_em-1``, comes after its original."""
    return COPY.sub("", path.stem), len(path.name), path.name


def _submission(folder: Path, path: Path, pages: Sequence[str]) -> Submission:
    parts = [printable(part) for part in path.relative_to(folder).parts]
    learner, number, file = whose(parts, pages)
    trouble, digest = _trouble(path), ""
    try:
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= LARGEST:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        trouble = f"cannot be read: {error.strerror}"
    return Submission(path, "/".join(parts), learner, number, file, trouble, digest)


def printable(name: str) -> str:
    """A file name as text: names may hold bytes that are none, and line breaks."""
    text = os.fsencode(name).decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def whose(parts: Sequence[str], pages: Sequence[str]) -> tuple[str, str, str]:
    """Learner, number and own file name, from a path below the submissions."""
    parts = [unicodedata.normalize("NFC", part) for part in parts]
    for part in parts:
        if match := MOODLE.fullmatch(part):
            return match[1], match[2], match[3] or parts[-1]
    if match := CANVAS.fullmatch(parts[-1]):
        return match[1], match[2], match[3]
    folders = [part for part in parts[:-1] if part not in pages]
    return folders[0] if folders else _name(parts[-1], pages), "", parts[-1]


def _name(file: str, pages: Sequence[str]) -> str:
    """The learner in ``ada_04_em (1).ipynb``.

    Without one, the file's name: two learners must not become one.
    """
    stem = file.rsplit(".", 1)[0] if "." in file else file
    page = "|".join(map(re.escape, pages)) or "$"
    rest = re.sub(page, "", COPY.sub("", stem), flags=re.I)
    return COPY.sub("", rest.strip(" _-.")).strip(" _-.") or stem


def _trouble(path: Path) -> str:
    if path.is_symlink():
        return "a link; links are not followed"
    if path.is_dir():
        return _trouble_of_folder(path)
    if not path.is_file():
        return "not a file"
    if path.suffix in ARCHIVES:
        return "an archive; unpack it and grade again"
    if path.suffix != ".ipynb":
        return f"not a notebook (*.ipynb) but {path.suffix or 'without an ending'}"
    if path.stat().st_size > LARGEST:
        return f"larger than {LARGEST // 10**6} MB; clear its outputs"
    return "" if path.stat().st_size else "an empty file"


def _trouble_of_folder(path: Path) -> str:
    if not os.access(path, os.R_OK | os.X_OK):
        return "a folder that cannot be opened"
    empty = not any(path.iterdir())
    return "an empty folder" if empty else "a folder, not a notebook"


def _key(one: Submission, found: Sequence[Submission]) -> str:
    if one.trouble:
        return ""
    digests = {other.path: other.digest for other in found}
    around = [(str(name), digests[path]) for path, name in beside(one, found)]
    return hashlib.sha256(repr((one.name, one.digest, around)).encode()).hexdigest()
