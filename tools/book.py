"""The book of an edition, as built pages: the web book with fewer or more of them.

It is built from a folder that holds the sources of this edition and nothing else. What
is not there cannot be found, by a reader or by a search.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from tools import folders

ROOT = Path(__file__).resolve().parents[1]
EDITIONS = ROOT / "tools" / "editions"
TEACHERS = ("For teachers", "Solutions")  # parts of _toc.yml
# On the making of the web book.
WEB_ONLY = ("chapters/about", "chapters/benchmarks", "chapters/accuracy")
ANSWER = re.compile(r"^% answer\n.*?^% end of answer\n", re.MULTILINE | re.DOTALL)
NOT_READ = re.compile(r"(^|/)(objects\.inv|\.buildinfo)$|\.map$")


def page(name: str, *, answers: bool) -> str:
    """A page of tools/editions/, with or without what stands between its marks."""
    text = EDITIONS.joinpath(f"{name}.md").read_text(encoding="utf-8")
    return text if answers else ANSWER.sub("", text)


def contents(kind: str) -> dict[str, Any]:
    """The table of contents of an edition."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    if kind == "student":
        toc["parts"] = [p for p in toc["parts"] if p["caption"] not in TEACHERS]
    for part in toc["parts"]:
        part["chapters"] = [c for c in part["chapters"] if c["file"] not in WEB_ONLY]
    more = [{"file": name.removesuffix(".md")} for name in own_pages(kind)]
    toc["parts"].append({"caption": "For this class", "chapters": more})
    return toc


def own_pages(kind: str) -> dict[str, str]:
    """The pages that the web book has not, {path: text}."""
    if kind == "student":
        return {"chapters/pretest.md": page("pretest", answers=False)}
    answers = page("exam", answers=True).replace("# An exam", "# Answers to an exam", 1)
    return {
        "chapters/exam.md": page("exam", answers=False),
        "chapters/exam_answers.md": answers,
    }


def config() -> str:
    """That of the web book, from another folder and without copies of the sources."""
    found = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    sphinx = found["sphinx"]
    sphinx["local_extensions"] = dict.fromkeys(
        sphinx["local_extensions"], str(ROOT / "_ext")
    )
    sphinx["config"]["html_static_path"] = [str(ROOT / "assets")]
    sphinx["config"]["html_copy_source"] = False
    return str(yaml.safe_dump(found))


def sources(kind: str) -> dict[str, bytes]:
    """All that the book of an edition is built from, {path: contents}."""
    toc = contents(kind)
    made = own_pages(kind) | {"_config.yml": config(), "_toc.yml": yaml.safe_dump(toc)}
    files = {name: text.encode() for name, text in made.items()}
    names = [toc["root"], *(c["file"] for p in toc["parts"] for c in p["chapters"])]
    wanted = [f"{name}{end}" for name in names for end in (".ipynb", ".md")]
    wanted += ["chapters/references.bib", "assets/favicon.svg"]
    wanted += ["emgmm/em.py"]  # lines of it stand in the engine room
    wanted += ["tools/editions/pretest.md"] * (kind == "instructor")  # in the guide
    found = {name: ROOT / name for name in wanted if (ROOT / name).exists()}
    return files | {name: file.read_bytes() for name, file in found.items()}


def pages(kind: str) -> dict[str, bytes]:
    """The built pages of an edition, {path: contents}; a warning stops the build."""
    program = str(Path(sys.executable).with_name("jupyter-book"))
    with tempfile.TemporaryDirectory() as name:
        folders.renew(Path(name, "course"), sources(kind))
        source = str(Path(name, "course"))
        command = [program, "build", source, "-W", "-n", "--keep-going", "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{done.stdout[-1000:]}\n{done.stderr}")
        html = Path(source, "_build", "html")
        files = {p.relative_to(html).as_posix(): p for p in sorted(html.rglob("*"))}
        return {
            f"book/{name}": path.read_bytes()
            for name, path in files.items()
            if path.is_file() and not NOT_READ.search(name)
        }
