"""What is known so far, one JSON text per line: it survives whatever stops the grader.

The first line says by what was graded. Then follow starts and results.
"""

import json
import os
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Terms = dict[str, Any]


class Journal:
    """A file that only grows; each line is on the disk before anything else happens."""

    def __init__(self, path: Path, terms: Terms) -> None:
        self.path = path
        self.differs = differing(path, terms)
        entries = [] if self.differs else list(entries_of(path))
        self.done = {e["done"]: e["record"] for e in entries if "done" in e}
        self.starts = Counter(e["start"] for e in entries if "start" in e)
        self._lock = threading.Lock()
        self._file = path.open("ab" if entries else "wb")
        if not entries:
            self._write({"terms": terms})

    def start(self, key: str) -> None:
        """A notebook is about to run: whatever happens next may be its doing."""
        self._write({"start": key})

    def finish(self, key: str, record: dict[str, Any]) -> None:
        self._write({"done": key, "record": record})

    def close(self) -> None:
        self._file.close()

    def _write(self, entry: dict[str, Any]) -> None:
        """In front a line break, too: the last line may be half a line."""
        with self._lock:
            self._file.write(b"\n" + json.dumps(entry).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())


def entries_of(path: Path) -> Iterator[dict[str, Any]]:
    """The lines that are whole."""
    for line in path.read_bytes().splitlines() if path.exists() else []:
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # cut off when the machine went down
        if isinstance(entry, dict):
            yield entry


def differing(path: Path, terms: Terms) -> list[str]:
    """In what an earlier run was another one; nothing when there was none."""
    for entry in entries_of(path):
        if before := entry.get("terms"):
            return [name for name in terms if before.get(name) != terms[name]]
    return []
