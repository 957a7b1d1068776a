"""docs/claims.md: a row per claim, with what was measured and what it shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.claims.book import Arm
from benchmarks.claims.catalogue import Entry
from benchmarks.claims.judging import MIN_SEEDS, Effect

HEAD = f"""# Claims

Does each method do here what its paper says? Written by `python -m benchmarks.claims`; each row is one file in
`benchmarks/claims/`, committed before its first run. An effect is paired over seeds that redraw world, data and
training, and is positive in the direction that the paper claims. `holds`: the whole 95 % t interval lies beyond the
smallest size that counts, and survives a false discovery rate of 5 % in its family. `reversed`: the same on the other
side. `negligible`: the interval lies within plus or minus that size. All else is `inconclusive`; so is what has fewer
than {MIN_SEEDS} seeds. A row whose files changed after it was measured says so; it is measured anew when it is run.
"""
COLUMNS = ("claim", "method", "paper", "what the paper says", "metric", "effect (95 %)", "smallest", "seeds", "verdict",
           "seconds", "date", "commit")  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A claim with its effect, after the family's false discovery rate, and how it was measured."""

    entry: Entry
    effect: Effect
    settings: Mapping[Arm, Mapping[str, object]]
    seconds: float
    """Per seed, parts that were made for it included, both arms."""
    date: str
    commit: str


def render(
    rows: Sequence[Row], missing: Sequence[str], by_construction: Mapping[str, str], measured: Mapping[str, str]
) -> str:
    """Return the page; methods true by construction come with their tests, those measured elsewhere with the page."""
    families = sorted({row.entry.family for row in rows})
    parts = [HEAD]
    for family in families:
        lines = ["| " + " | ".join(COLUMNS) + " |", "| " + " | ".join("---" for _ in COLUMNS) + " |"]
        lines += [_line(row) for row in rows if row.entry.family == family]
        parts.append(f"## {family}\n\n" + "\n".join(lines) + "\n")
    for head, accounted in (
        ("True by construction\n\nShown by unit tests, no claims.", by_construction),
        ("Measured elsewhere\n\nOf this project, with no paper's claim: what they are worth.", measured),
    ):
        if accounted:
            told = [f"- `{method}`: {where}" for method, where in sorted(accounted.items())]
            parts.append(f"## {head}\n\n" + "\n".join(told) + "\n")
    if missing:
        parts.append("## Without a claim\n\n" + "\n".join(f"- `{name}`" for name in missing) + "\n")
    return "\n".join(parts)


def _line(row: Row) -> str:
    claim, effect = row.entry.claim, row.effect
    shown = "-" if effect.verdict == "missing" else f"{effect.value:+.3f} ({effect.low:+.3f} to {effect.high:+.3f})"
    verdict = f"{effect.verdict}: {effect.note}" if effect.note else effect.verdict
    cells = (
        f"`{row.entry.name}`", f"`{claim.method}`", claim.paper, claim.says, claim.metric, shown, f"{claim.smallest:g}",
        str(effect.num_seeds), verdict, f"{row.seconds:.0f}", row.date or "-", row.commit[:7] or "-",
    )  # fmt: skip
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
