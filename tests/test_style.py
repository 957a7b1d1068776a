"""What STYLE asks of every file: short, typed, named for what it holds, and naming no machine."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = sorted(path.parent for path in ROOT.glob("*/__init__.py"))
SOURCES = sorted(path for folder in CODE for path in folder.rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION, LONGEST_CHAIN = 300, 50, 4
NAMELESS = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
MACHINE = re.compile(r"(?<![\w.~-])/(?:work|root|home|Users|opt/(?:pypi|wheels))/")
REGISTRY = re.compile(r"pypi\.org|pythonhosted\.org|index-url[\s=:]+(?:http|file)|-{2}find-links", re.IGNORECASE)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[Function]:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return (node for node in nodes if isinstance(node, Function))


def where(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{node.lineno}"


def chain(node: ast.If) -> int:
    """Return how many conditions an if and its elifs test."""
    after = node.orelse
    return 1 + (chain(after[0]) if len(after) == 1 and isinstance(after[0], ast.If) else 0)


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_is_named_for_nothing():
    files = [*SOURCES, *(ROOT / "tests").rglob("*.py")]
    words = {path: {path.stem.removeprefix("test_").strip("_"), path.parent.name} for path in files}
    assert [str(path.relative_to(ROOT)) for path, names in words.items() if names & NAMELESS] == []


def test_files_are_short():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_functions_are_short():
    lengths = {where(p, f): f.end_lineno - f.lineno + 1 for p in SOURCES for f in functions(p)}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}


def test_no_chain_of_ifs_stands_where_a_table_or_a_folder_should():
    nodes = [(path, node) for path in SOURCES for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    assert [where(path, n) for path, n in nodes if isinstance(n, ast.If) and chain(n) > LONGEST_CHAIN] == []


def test_every_public_function_is_typed():
    untyped = []
    for path in SOURCES:
        for function in functions(path):
            given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
            bare = [a.arg for a in given if a.annotation is None and a.arg not in ("self", "cls")]
            if not function.name.startswith("_") and (bare or function.returns is None):
                untyped.append(f"{where(path, function)} {function.name}({', '.join(bare)})")
    assert untyped == []


def test_every_package_and_module_says_what_it_is():
    silent = [p for p in SOURCES if not ast.get_docstring(ast.parse(p.read_text(encoding="utf-8")))]
    assert [str(path.relative_to(ROOT)) for path in silent] == []


def test_nothing_committed_names_a_machine_or_a_registry():
    found = []
    for path in tracked():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(ROOT)}:{n}"
            for n, line in enumerate(lines, 1)
            if MACHINE.search(line) or REGISTRY.search(line)
        ]
    assert found == []


@pytest.mark.parametrize(
    "line", ["cd /" + "work/main", "open('/" + "root/x')", "https://pypi" + ".org/simple", "--index-url " + "https://x"]
)
def test_the_guard_sees_a_planted_path(line):
    assert MACHINE.search(line) or REGISTRY.search(line)


def test_the_guard_of_chains_counts_conditions():
    two = ast.parse("if a: pass\nelif b: pass\nelse: pass").body[0]
    assert chain(two) == 2
