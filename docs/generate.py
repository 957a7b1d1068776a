"""Write what the documentation takes from the code: docs/methods.md and the picture of the stages in README.md.

`make docs` runs it; `python docs/generate.py --check` fails where a page is out of date, and a test calls that.
"""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the script may run from anywhere

from flows import catalogue  # noqa: E402
from rlhf_pipeline import methods  # noqa: E402

PICTURE = re.compile(r"(<!-- stages: made by `make docs` -->\n).*?(<!-- end of stages -->)", re.DOTALL)
HEAD = """# Methods

Made by `make docs` from the files themselves. A method is chosen in `params.yaml` by its file's name; its settings
stand beside the choice. `rlhf methods` prints the same list.
"""


def methods_page() -> str:
    """Return docs/methods.md: one table per folder of methods, one row per method."""
    return HEAD + "".join(folder_section(folder) for folder in methods.folders())


def folder_section(folder: str) -> str:
    """Return a folder's heading, what it is for, and its table."""
    package = (methods.PACKAGE / folder / "__init__.py").read_text(encoding="utf-8")
    purpose = package.removeprefix('"""Methods:').partition("\n")[0].strip().removesuffix('"""')
    rows = [method_row(folder, entry) for entry in catalogue.read(folder)]
    head = ["| method | what it does | settings (default) | paper |", "| --- | --- | --- | --- |"]
    table = "\n".join([*head, *rows] if rows else ["None yet."])
    return f"\n## {folder}\n\n{purpose[0].upper()}{purpose[1:]}\n\n{table}\n"


def method_row(folder: str, entry: catalogue.Entry) -> str:
    """Return a method's row: its file, what it is, its settings, its paper."""
    path = f"rlhf_pipeline/{folder}/{entry.name}.py"
    number = entry.paper.removeprefix("arXiv:")
    paper = entry.paper if number == entry.paper else f"[{number}](https://arxiv.org/abs/{number})"
    cells = [f"[`{entry.name}`](../{path})", entry.summary, settings(methods.load(folder, entry.name)), paper]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def settings(module: ModuleType) -> str:
    """Return a method's settings with their defaults."""
    return ", ".join(f"`{name}` ({shown(field)})" for name, field in module.Params.model_fields.items())


def shown(field: Any) -> str:
    """Return a setting's default in few characters."""
    text = "required" if field.is_required() else str(field.get_default(call_default_factory=True))
    return text if len(text) <= 24 else text[:21] + "…"


def stages_picture() -> str:
    """Return the graph of dvc.yaml in mermaid: named stages joined, gates apart, no arrow that others imply."""
    import networkx
    from dvc.repo import Repo

    with Repo(str(ROOT)) as repo:
        arrows = {(node_of(b), node_of(a)) for a, b in repo.index.graph.edges}  # DVC's edges point upstream
        names = [node_of(stage) for stage in repo.index.stages]
    graph = networkx.DiGraph(sorted((a, b) for a, b in arrows if a != b))
    graph.add_nodes_from(names)
    lines = [f"    {key(name)}{shape(name)}" for name in sorted(graph, key=names.index)]
    lines += [f"    {key(a)} --> {key(b)}" for a, b in sorted(networkx.transitive_reduction(graph).edges)]
    return "```mermaid\nflowchart TD\n" + "\n".join(lines) + "\n```\n"


def node_of(stage: Any) -> str:
    """Return a stage's name in the picture: gates stay apart, stages that a named map repeats are one."""
    task, _, name = stage.addressing.partition("@")
    return f"gate {name}" if task == "gate" else f"{task} (one per name)" if name else task


def key(name: str) -> str:
    """Return a node's identifier in mermaid."""
    return name.replace(" (one per name)", "").replace(" ", "_")


def shape(name: str) -> str:
    """Return a node's box: a gate is a rhombus."""
    return f'{{{{"{name}"}}}}' if name.startswith("gate") else f'["{name}"]'


def pages() -> dict[Path, str]:
    """Return every page that this script writes, with what it should hold."""
    readme = ROOT / "README.md"
    picture = stages_picture()
    text = PICTURE.sub(lambda found: found[1] + picture + found[2], readme.read_text(encoding="utf-8"))
    return {ROOT / "docs/methods.md": methods_page(), readme: text}


def main() -> int:
    """Write the pages, or with --check name those that are out of date."""
    stale = {path: text for path, text in pages().items() if not path.exists() or path.read_text("utf-8") != text}
    for path, text in stale.items():
        print(f"{path.relative_to(ROOT)}: {'out of date, run `make docs`' if '--check' in sys.argv else 'written'}")
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
    return int(bool(stale) and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
