"""Which claims there are: the folders are the families, their files the claims."""

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.claims import Claim, Settings, fingerprints
from benchmarks.claims.lab import Lab
from rlhf_pipeline import methods

FOLDER = Path(__file__).parent
NOT_FAMILIES = {"parts"}
FORMATS = ("curation/sources", "validation/benchmarks")
"""Folders whose methods read what others publish, and measure it as they do."""
FORMULAS = (
    "curation/filters/contradictions", "curation/filters/exact_duplicates", "curation/filters/length",
    "curation/filters/usable", "validation/checks/accuracy", "validation/checks/agreement",
)  # fmt: skip
"""Methods that count what they are told to count."""

GATES, PREDICTS, ENSEMBLES = "docs/gates.md", "docs/audit-predicts.md", "docs/ensembles.md"
MEASURED = {
    "validation/checks/annotators": GATES, "validation/checks/degenerate": GATES,
    "validation/checks/invariance": GATES, "validation/checks/phrase_gain": GATES, "validation/checks/spread": GATES,
    "validation/checks/length_bias": PREDICTS, "validation/checks/sensitivity": PREDICTS,
    "validation/checks/single_edits": PREDICTS, "validation/checks/surface_bias": PREDICTS,
    "validation/checks/word_bias": PREDICTS, "validation/checks/uncertainty": ENSEMBLES,
}  # fmt: skip
"""Checks of this project's own, which repeat no paper's claim: the page that says what they are worth."""


@dataclass(frozen=True)
class Entry:
    """A claim with where it stands."""

    family: str
    name: str
    file: Path
    module: ModuleType
    stale_key: str | None = None
    """What its measurements are filed under where its files have changed since and nothing was measured again."""

    @property
    def claim(self) -> Claim:
        """Return what is claimed."""
        claim: Claim = self.module.CLAIM
        return claim

    @cached_property
    def key(self) -> str:
        """Return what its measurements are filed under."""
        return self.stale_key or fingerprints.key(self.file, self.claim.method)

    def measure(self, lab: Lab, settings: Settings) -> float:
        """Return the metric of one arm."""
        return float(self.module.measure(lab, settings))


def read(names: tuple[str, ...] = (), family: str | None = None, folder: Path = FOLDER) -> list[Entry]:
    """Return the claims by these names and of this family; all where nothing is said.

    Raises:
        MethodError: a name or family is unknown; names near ones.
    """
    files = [path for path in sorted(folder.glob("*/*.py")) if not path.stem.startswith("_")]
    files = [path for path in files if path.parent.name not in NOT_FAMILIES]
    _refuse_unknown("claim", names, [path.stem for path in files])
    _refuse_unknown("family", (family,) if family else (), sorted({path.parent.name for path in files}))
    chosen = [p for p in files if (not names or p.stem in names) and family in (None, p.parent.name)]
    return [Entry(path.parent.name, path.stem, path, _import(path)) for path in chosen]


def by_construction() -> dict[str, str]:
    """Return the methods that are a format or a formula, each with the file of its tests: they claim nothing."""
    names = [f"{folder}/{name}" for folder in FORMATS for name in methods.names(folder)] + list(FORMULAS)
    return {name: f"tests/{name.rpartition('/')[0]}/test_{name.rpartition('/')[2]}.py" for name in names}


def methods_without_claim(entries: list[Entry], accounted: Mapping[str, str]) -> list[str]:
    """Return the methods that no claim is about and that are not accounted for otherwise."""
    every = [f"{folder}/{name}" for folder in methods.folders() for name in methods.names(folder)]
    claimed = {entry.claim.method for entry in entries}
    return [name for name in every if name not in claimed and name not in accounted]


def _refuse_unknown(kind: str, names: tuple[Any, ...], known: list[str]) -> None:
    for name in names:
        if name not in known:
            raise methods.MethodError(f"unknown {kind} '{name}'.{methods.suggest(name, known)}")


def _import(path: Path) -> ModuleType:
    if path.is_relative_to(FOLDER):
        return importlib.import_module(f"{fingerprints.PACKAGE}.{path.parent.name}.{path.stem}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
