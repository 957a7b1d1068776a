"""What a result depends on, as hashes of syntax trees without docstrings: a better comment measures nothing again."""

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import yaml

from rlhf_pipeline.records import hash_text

REPOSITORY = Path(__file__).parents[2]
BENCHMARKS = REPOSITORY / "benchmarks"
CLAIMS, COMMIT = BENCHMARKS / "claims", BENCHMARKS / "clone.py"
PACKAGE = "benchmarks.claims"
WORLD = ("simulation", "curation/sources/simulated.py")
SECTIONS = ("curation.settings", "sft.settings", "sft.trunks", "rewards.settings")
"""Of params.yaml: what the parts are made with."""
ONLOOKERS = REPOSITORY / "rlhf_pipeline/policy/guard"
"""Watches a part being made and changes nothing of it: another rule of the guard trains no policy again."""


@cache
def of(path: Path) -> str:
    """Return the hash of a Python file's syntax tree without docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [  # type: ignore[attr-defined]
                s for s in body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
            ]
    return hash_text(ast.dump(tree))


@cache
def library(*names: str) -> str:
    """Return one hash of files and folders under `rlhf_pipeline/`, without `ONLOOKERS`."""
    found = [path for name in names for path in _files(REPOSITORY / "rlhf_pipeline" / name)]
    return hash_text(*(of(path) for path in found))


def key(claim_file: Path, method: str) -> str:
    """Return what a measurement is filed under: a claim and its method with what they import, and the world."""
    claim = [of(path) for path in [*sorted(_closure(claim_file)), CLAIMS / "sizes.py"]]
    file = REPOSITORY / "rlhf_pipeline" / f"{method}.py"
    return hash_text(*claim, of(file), *map(of, sorted(_shared(file))), library(*WORLD), *_settings())


def _settings() -> Iterator[str]:
    params = yaml.safe_load((REPOSITORY / "params.yaml").read_text(encoding="utf-8"))
    for name in SECTIONS:
        section, _, entry = name.partition(".")
        yield f"{name}: {params[section][entry]}"


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(one for one in path.rglob("*.py") if not one.is_relative_to(ONLOOKERS))


def _closure(start: Path) -> set[Path]:
    """Return a claim's file and what it imports of the benchmarks, directly or not, but for what runs claims."""
    return _reached(start, lambda path: path.is_relative_to(BENCHMARKS) and path.parent != CLAIMS and path != COMMIT)


def _shared(method: Path) -> set[Path]:
    """Return the shared parts that a method imports, directly or not: files with a leading underscore."""
    return _reached(method, lambda path: path.stem.startswith("_") and path.stem != "__init__") - {method}


def _reached(start: Path, is_followed: Callable[[Path], bool]) -> set[Path]:
    reached, todo = set(), [start]
    while todo:
        path = todo.pop()
        if path not in reached:
            reached.add(path)
            todo += filter(is_followed, _imported(path))
    return reached


def _imported(path: Path) -> Iterator[Path]:
    """Return the project's files that a file imports by `from … import`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            base = REPOSITORY.joinpath(*node.module.split("."))
            candidates = [base.with_suffix(".py"), *(base / f"{alias.name}.py" for alias in node.names)]
            yield from (candidate for candidate in candidates if candidate.exists())
