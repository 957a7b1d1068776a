"""`rlhf annotate export`: the items whose label would teach most, in the form of every labelling tool."""

from pathlib import Path

from rich.console import Console

from flows.annotation import argilla, label_studio, plain_lines
from flows.annotation.items import FOLDER, ITEMS, books, check_name
from flows.stages import run_tool
from rlhf_pipeline.methods import MethodError
from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.records import read_rows

MODULE = "rlhf_pipeline.policy.candidates"
LOG = Path("logs/annotation.log")
FORMS = (label_studio, argilla, plain_lines)
ENSEMBLE = "data/validation/ensemble.json"
NEEDED = {
    "pairs": ["data/curation/train.jsonl", ENSEMBLE],
    "policy": ["data/policy/model", "data/curation/policy_prompts.jsonl", ENSEMBLE],
}


def export(console: Console, source: str, count: int, pool: Path | None, name: str | None) -> bool:
    """Choose items in a process of its own and write them; return whether there were any.

    Raises:
        Mistake: no night wrote what is chosen from.
        MethodError: there is an export of this name, or the name cannot be a folder's.
    """
    for path in NEEDED[source]:
        if not Path(path).exists():
            raise Mistake(f"no {path}: run a night first, rlhf run")
    folder = _folder(name, "files" if pool else source)
    items = folder / ITEMS
    asked = [part for path in books() for part in ("--asked", str(path))]
    chosen = ["--source", source, "--count", str(count), *(["--pool", str(pool)] if pool else []), *asked]
    draft = Path(".cache") / f"{folder.name}.{ITEMS}"
    if run_tool(MODULE, *chosen, "--out", str(draft), group=None, log=LOG):
        console.print(f"error: {_last_line(LOG)}; see {LOG}", markup=False, soft_wrap=True)
        return False
    rows = read_rows(draft)
    if not rows:
        console.print(f"nothing left to ask: every item of {pool or source} was asked, or is held out", soft_wrap=True)
        return False
    folder.mkdir(parents=True)
    draft.rename(items)
    for form in FORMS:
        for file, text in form.files(rows).items():
            (folder / file).write_text(text, encoding="utf-8")
    short = "" if len(rows) == count else f" ({count} asked for; there are no more)"
    console.print(f"{len(rows)} items of {len({row['topic'] for row in rows})} topics{short} in {folder}")
    return True


def _folder(name: str | None, source: str) -> Path:
    """Return a folder that is not there yet: labels may be under way in one that is."""
    if name is None:
        number = next(n for n in range(1, 10_000) if not (FOLDER / f"{source}-{n}").exists())
        return FOLDER / f"{source}-{number}"
    if (FOLDER / check_name(name)).exists():
        raise MethodError(f"there is an export in {FOLDER / name}: give another --name")
    return FOLDER / name


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1][:200] if lines else "the choice of items ended without a word"
