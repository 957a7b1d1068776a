"""`rlhf data check`: the data contract on files, told row by row, with a page."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows import overlays

if TYPE_CHECKING:
    from rlhf_pipeline.curation.findings import Finding

SHOWN_ROWS = 4
PAGE = "contract.html"


def check(console: Console, paths: Sequence[Path], source: str | None, assignments: Sequence[str], out: Path) -> bool:
    """Print what the contract found in files, write its page, and return whether it admits them.

    Raises:
        FileNotFoundError: there is no file.
        MethodError: the files are not recognised, or a setting does not exist.
    """
    from rlhf_pipeline.curation import page
    from rlhf_pipeline.curation.inspection import inspect
    from rlhf_pipeline.params import load_params

    params = load_params()
    found = inspect(paths, source, overlays.read_assignments(assignments), params.curation, params.seed)
    verdict = found.contract.verdict
    told = ", ".join(f"{key}={value}" for key, value in found.recognised.settings.items())
    console.print(
        f"read as {found.recognised.source}" + (f" with {told}" if told else ""), markup=False, soft_wrap=True
    )
    console.print(f"{found.curated.num_read} read, {found.curated.num_kept} pairs kept")
    console.print(_findings(found.findings))
    for broken in (check for check in verdict.checks if not check.passed):
        word = "warning" if broken.bound.severity == "warn" else "refused"
        value = "not measured" if broken.value is None else f"{broken.value:.4g}"
        console.print(f"{word}: {broken.name} {value} {broken.note}".rstrip(), markup=False)
    out.mkdir(parents=True, exist_ok=True)
    (out / PAGE).write_text(page.render(found.curated, found.contract, found.findings), encoding="utf-8")
    console.print(f"contract: {'admitted' if verdict.admitted else 'refused'}; {out / PAGE}", soft_wrap=True)
    return verdict.admitted


def _findings(findings: "Sequence[Finding]") -> Table:
    table = Table("finding", "value", "what", "rows", box=None, pad_edge=False, title_justify="left")
    for finding in findings:
        more = len(finding.rows) - SHOWN_ROWS
        rows = ", ".join(finding.rows[:SHOWN_ROWS]) + (f" and {more} more" if more > 0 else "")
        table.add_row(*map(escape, (finding.name, f"{finding.value:g}", finding.words, rows)))
    return table
