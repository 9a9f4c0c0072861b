"""Rebuild and check the notebook pairs of chapters/ and chapters/solutions/.

NN_name.md is the source that people edit. NN_name.ipynb holds the same cells with
their outputs; the book shows it and nbval proves it. A solution's NAME is
solutions/NN_name.

    python -m tools.notebooks run [NAME ...]     rebuild the .ipynb and execute it
    python -m tools.notebooks check [NAME ...]   fail if a pair differs (no execution)
"""

import difflib
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

CHAPTERS = Path(__file__).resolve().parents[1] / "chapters"
FOLDERS = (CHAPTERS, CHAPTERS / "solutions")
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def pairs(folders: Iterable[Path] = FOLDERS, names: Iterable[str] = ()) -> list[Path]:
    """The Markdown halves: pages whose header names a kernel."""
    pages = [p for folder in folders for p in sorted(folder.glob("*.md"))]
    files = {name(p): p for p in pages if has_kernel(p)}
    unknown = set(names) - files.keys()
    if unknown:
        raise SystemExit(f"no such chapter: {', '.join(sorted(unknown))}")
    return [p for key, p in files.items() if not names or key in names]


def name(md: Path) -> str:
    """04_em for a chapter, solutions/04_em for its solutions."""
    return f"solutions/{md.stem}" if md.parent.name == "solutions" else md.stem


def has_kernel(page: Path) -> bool:
    head, *rest = page.read_text(encoding="utf-8").split("---\n", 2)
    return not head and bool(rest) and "kernelspec:" in rest[0]


def read_source(md: Path) -> NotebookNode:
    """The notebook of a Markdown half: no outputs, ids that stay from run to run."""
    config = jupytext.config.load_jupytext_configuration_file(
        str(CHAPTERS / "jupytext.toml")
    )
    notebook = jupytext.read(md, config=config)
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{i:02d}"
    return notebook


def execute(notebook: NotebookNode, folder: Path = CHAPTERS) -> NotebookNode:
    """Run all cells in a new kernel; an error in a cell raises."""
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL})
    client = NotebookClient(
        notebook,
        timeout=120,
        record_timing=False,
        coalesce_streams=True,  # one text, in however many pieces it arrived
        extra_arguments=["--log-level=ERROR"],  # a note on TCP would be stderr
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    # The kernel has added its exact version, which differs between machines.
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def run(md: Path) -> None:
    """Write the .ipynb of one chapter, the same bytes whenever the source is."""
    notebook = execute(read_source(md), md.parent)
    nbformat.validate(notebook)
    nbformat.write(notebook, md.with_suffix(".ipynb"))


def flat(notebook: NotebookNode) -> list[str]:
    """What both halves must agree on: kind, options and source of each cell."""
    lines = []
    for cell in notebook.cells:
        options = {
            k: cell.metadata[k] for k in ("tags", "mystnb") if k in cell.metadata
        }
        lines += [f"[{cell.cell_type}] {json.dumps(options, sort_keys=True)}"]
        lines += cell.source.splitlines()
    return lines


def problems(md: Path) -> list[str]:
    """Everything that is wrong with one pair; empty when it is in step."""
    ipynb = md.with_suffix(".ipynb")
    if not ipynb.exists():
        return [f"{ipynb.name} is missing; run make notebooks"]
    stored = nbformat.read(ipynb, as_version=4)
    drift = difflib.unified_diff(
        flat(stored), flat(read_source(md)), ipynb.name, md.name, lineterm=""
    )
    return [*drift, *(f"{ipynb.name}: {what}" for what in output_problems(stored))]


def output_problems(notebook: NotebookNode) -> Iterator[str]:
    """Outputs that nbval would let pass."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if [c.execution_count for c in code] != list(range(1, len(code) + 1)):
        yield "not executed from top to bottom"
    for cell in code:
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"{cell.id} stores an error: {output.ename}"
            if output.get("name") == "stderr":
                yield f"{cell.id} stores text on stderr: {output.text}"


def check(folders: Iterable[Path] = FOLDERS, names: Iterable[str] = ()) -> list[str]:
    """The problems of all pairs, and notebooks that have no source."""
    folders = list(folders)
    found = [line for md in pairs(folders, names) for line in problems(md)]
    known = {md.with_suffix(".ipynb") for md in pairs(folders)}
    stored = {p for folder in folders for p in folder.glob("*.ipynb")}
    return found + [f"{name(p)}.ipynb has no source" for p in sorted(stored - known)]


def main(arguments: list[str]) -> int:
    match arguments:
        case ["run", *names]:
            for md in pairs(names=names):
                print(f"run {md.name}", flush=True)
                run(md)
            return 0
        case ["check", *names]:
            found = check(names=names)
            print("\n".join(found) or "all pairs are in step")
            return bool(found)
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
