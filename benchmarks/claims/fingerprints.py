"""What a result depends on, as hashes of syntax trees without docstrings: a better comment measures nothing again."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml

from rlhf_pipeline.records import hash_text

REPOSITORY = Path(__file__).parents[2]
PACKAGE = "benchmarks.claims"
WORLD = ("simulation", "curation/sources/simulated.py")
SECTIONS = ("curation.settings", "sft.settings", "sft.trunks", "rewards.settings")
"""Of params.yaml: what the parts are made with."""


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
    """Return one hash of files and folders under `rlhf_pipeline/`."""
    found = [path for name in names for path in _files(REPOSITORY / "rlhf_pipeline" / name)]
    return hash_text(*(of(path) for path in found))


def key(claim_file: Path, method: str) -> str:
    """Return what a measurement is filed under: the claim with the parts it imports, its method, and the world."""
    claim = [of(path) for path in [*sorted(_closure(claim_file)), Path(__file__).with_name("sizes.py")]]
    return hash_text(*claim, of(REPOSITORY / "rlhf_pipeline" / f"{method}.py"), library(*WORLD), *_settings())


def _settings() -> Iterator[str]:
    params = yaml.safe_load((REPOSITORY / "params.yaml").read_text(encoding="utf-8"))
    for name in SECTIONS:
        section, _, entry = name.partition(".")
        yield f"{name}: {params[section][entry]}"


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def _closure(start: Path) -> set[Path]:
    """Return a claim's file and the parts that it imports, directly or not."""
    reached, todo = set(), [start]
    while todo:
        path = todo.pop()
        if path not in reached:
            reached.add(path)
            todo += _parts(path)
    return reached


def _parts(path: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{PACKAGE}."):
            base = REPOSITORY.joinpath(*str(node.module).split("."))
            for candidate in [base.with_suffix(".py"), *(base / f"{alias.name}.py" for alias in node.names)]:
                if candidate.exists() and "parts" in candidate.parts:
                    yield candidate
