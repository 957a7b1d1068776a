"""The report's pictures, drawn with matplotlib. The same rows give the same bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Rows = Sequence[Mapping[str, Any]]
COLOURS = {"proxy_reward": "#3b6ea5", "evaluator_reward": "#4f9d8f", "gold_reward": "#c08a1e", "other": "#6b7280"}
NAMES = {"proxy_reward": "proxy (the ensemble)", "evaluator_reward": "evaluators", "gold_reward": "gold"}
CYCLE = ["#3b6ea5", "#c08a1e", "#4f9d8f", "#a8577e", "#6b7280", "#8a6d3b", "#5b5ea6", "#9b4f3f"]
STYLE: Any = {
    "axes.edgecolor": "#9aa2ad", "axes.grid": True, "axes.labelcolor": "#4b5563", "axes.labelsize": 9,
    "axes.spines.right": False, "axes.spines.top": False, "axes.titlelocation": "left", "axes.titlesize": 10,
    "figure.constrained_layout.use": True, "font.size": 9, "grid.color": "#eceef1", "legend.frameon": False,
    "legend.fontsize": 8.5, "lines.linewidth": 1.8, "svg.fonttype": "none", "svg.hashsalt": "rlhf",
    "text.color": "#1f2733", "xtick.color": "#6b7280", "ytick.color": "#6b7280", "axes.axisbelow": True,
}  # fmt: skip


def figure(width: float, height: float, columns: int, draw: Callable[[Figure, Sequence[Axes]], None]) -> Figure:
    """Return a figure of some axes side by side, drawn in our style without touching matplotlib's own."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        made = Figure(figsize=(width, height))
        FigureCanvasAgg(made)
        axes = made.subplots(1, columns, squeeze=False)[0]
        draw(made, list(axes))
    return made


def to_svg(made: Figure) -> str:
    """Return a figure as SVG to stand inside a page: no header, metadata, ids of groups, or addresses."""
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context(STYLE):
        made.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<svg [^>]*(viewBox="[^"]*")[^>]*>', r'<svg class="plot" role="img" \1>', svg, count=1)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    return re.sub(r"font: (?:bold )?([\d.]+px) [^;\"]*", r"font-size: \1", svg)


def overoptimisation(rows: Rows) -> Figure:
    """Return proxy, evaluators and gold over steps and over KL: rewards that part company show over-optimisation.

    Gold is absolute, so it is drawn from its value at the first step on; the others count from the reference already.
    """
    start = min(rows, key=lambda row: row["step"]).get("gold_reward", 0.0) if rows else 0.0
    rows = [
        row | {"gold_reward": row["gold_reward"] - start} if "gold_reward" in row else row for row in map(dict, rows)
    ]

    def draw(_: Figure, axes: Sequence[Axes]) -> None:
        for axis, x, label in zip(
            axes, ("step", "kl"), ("step", "KL to the reference, nats per completion"), strict=True
        ):
            for name in NAMES:
                points = sorted((row[x], row[name]) for row in rows if x in row and name in row)
                if points:
                    xs, ys = zip(*points, strict=True)
                    axis.plot(xs, ys, marker="o", markersize=3.5, color=COLOURS[name], label=NAMES[name])
            axis.axhline(0, color="#c9ced6", linewidth=1, zorder=0)
            axis.set_xlabel(label)
        axes[0].set_ylabel("reward above the reference's")
        axes[0].legend(loc="best")

    return figure(9.6, 3.5, 2, draw)


def overoptimisation_picture(rows: Rows, path: Path | str) -> None:
    """Write `overoptimisation` of the rows of curve.csv as a PNG file on white."""
    import matplotlib

    Path(path).parent.mkdir(parents=True, exist_ok=True)
    made = overoptimisation([_filled(row) for row in rows])
    with matplotlib.rc_context(STYLE):
        made.savefig(path, format="png", dpi=150, facecolor="white", metadata={"Software": None})


def _filled(row: Mapping[str, Any]) -> dict[str, float]:
    """Return a row with its blank cells left out, as `csv` gives them."""
    return {key: float(value) for key, value in row.items() if value not in ("", None)}


def trajectory(rows: Rows) -> Figure:
    """Return what the policy's own trajectory holds besides the reward, one small picture each."""
    wanted = {
        "kl": "KL, nats per completion", "completion_tokens": "tokens per completion",
        "disagreement": "members' disagreement", "truncated_fraction": "share cut off",
    }  # fmt: skip
    shown = [name for name in wanted if any(name in row for row in rows)] or ["kl"]

    def draw(_: Figure, axes: Sequence[Axes]) -> None:
        for axis, name in zip(axes, shown, strict=True):
            points = [(row["step"], row[name]) for row in rows if name in row]
            axis.plot([x for x, _ in points], [y for _, y in points], color="#4b5563", linewidth=1.4)
            axis.set_title(wanted[name])
            axis.set_xlabel("step")

    return figure(9.6, 2.2, len(shown), draw)


def learning_curves(curves: Mapping[str, Rows], value: str, label: str) -> Figure:
    """Return one line per model over its training steps."""

    def draw(_: Figure, axes: Sequence[Axes]) -> None:
        for number, (name, rows) in enumerate(sorted(curves.items())):
            points = [(row["step"], row[value]) for row in rows if value in row]
            colour = CYCLE[number % len(CYCLE)]
            axes[0].plot([x for x, _ in points], [y for _, y in points], color=colour, label=name, linewidth=1.5)
        axes[0].set_xlabel("step")
        axes[0].set_ylabel(label)
        axes[0].legend(loc="best", ncols=2)

    return figure(4.7, 2.9, 1, draw)


def accuracy_intervals(findings: Rows) -> Figure:
    """Return value and interval of each finding in a row of its own, the ensemble's drawn bold."""
    names = [finding["metric"].partition("/")[2] for finding in findings]

    def draw(_: Figure, axes: Sequence[Axes]) -> None:
        for y, (name, finding) in enumerate(zip(names, findings, strict=True)):
            is_joint = name == "ensemble"
            colour = "#3b6ea5" if is_joint else "#9aa2ad"
            low, high = finding.get("low"), finding.get("high")
            if low is not None and high is not None:
                axes[0].plot([low, high], [y, y], color=colour, linewidth=3 if is_joint else 2, solid_capstyle="round")
            axes[0].plot([finding["value"]], [y], "o", color=colour, markersize=7 if is_joint else 5)
        axes[0].set_yticks(range(len(names)), [name.replace("_", " ").replace("/", ", ") for name in names])
        axes[0].set_ylim(len(names) - 0.5, -0.5)
        axes[0].set_xlabel("test pairs ordered as labelled, with 95 % interval")

    return figure(4.7, max(1.6, 0.75 + 0.32 * len(findings)), 1, draw)


def calibration(rows: Rows) -> Figure:
    """Return observed against predicted share of preferred sides; on the diagonal the ensemble knows how sure it is."""

    def draw(_: Figure, axes: Sequence[Axes]) -> None:
        ends = [0.5, 1.0] if all(row["predicted"] >= 0.5 for row in rows) else [0.0, 1.0]
        axes[0].plot(ends, ends, color="#c9ced6", linewidth=1.2, linestyle="--")
        axes[0].plot([r["predicted"] for r in rows], [r["observed"] for r in rows], marker="o", color="#3b6ea5")
        axes[0].set_xlabel("predicted share")
        axes[0].set_ylabel("observed share")

    return figure(4.7, 2.9, 1, draw)


def rejection(rows: Rows) -> Figure:
    """Return accuracy over the share of test pairs kept: where disagreement marks mistakes it falls to the right."""

    def draw(_: Figure, axes: Sequence[Axes]) -> None:
        axes[0].plot([r["coverage"] for r in rows], [r["accuracy"] for r in rows], marker="o", color="#3b6ea5")
        axes[0].set_xlabel("share of test pairs kept, least disputed first")
        axes[0].set_ylabel("ordered as labelled")

    return figure(4.7, 2.9, 1, draw)


def attributes(before: Mapping[str, float], after: Mapping[str, float]) -> Figure:
    """Return each gold attribute of the reference and of the policy on one line, the moved ones first."""
    names = sorted(before.keys() & after.keys(), key=lambda name: (-(after[name] - before[name]), name))

    def draw(_: Figure, axes: Sequence[Axes]) -> None:
        for y, name in enumerate(names):
            colour = "#4f9d8f" if after[name] >= before[name] else "#b3412e"
            axes[0].plot([before[name], after[name]], [y, y], color=colour, linewidth=2.2, alpha=0.55)
            axes[0].plot([before[name]], [y], "o", color="#9aa2ad")
            axes[0].plot([after[name]], [y], "o", color=colour)
        axes[0].set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
        axes[0].set_ylim(len(names) - 0.5, -0.5)
        axes[0].set_xlabel("gold attribute, mean over completions that are asked for it; 1 is best")

    return figure(9.6, 0.9 + 0.27 * len(names), 1, draw)
