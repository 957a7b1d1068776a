"""Small drawings of the report as SVG text: the picture of the stages and an interval against its bound."""

from collections.abc import Mapping
from html import escape

from rlhf_pipeline.evaluation.stages import Family, layers, needed_edges
from rlhf_pipeline.verdicts import Check

COLUMN, ROW, BOX_WIDTH, BOX_HEIGHT = 108, 74, 90, 46
BAR_WIDTH, BAR_HEIGHT, BAR_MARGIN = 170, 22, 10


def stage_picture(families: list[Family], states: Mapping[str, str]) -> str:
    """Return the picture of the stages, each box with its state as CSS class and in words."""
    columns = layers(families)
    rows = max(map(len, columns), default=1)
    places = {
        name: (x, y + (rows - len(column)) / 2) for x, column in enumerate(columns) for y, name in enumerate(column)
    }
    width, height = COLUMN * len(columns), ROW * rows + 8
    edges = [_edge(places[a], places[b], states[b]) for a, b in needed_edges(families)]
    boxes = [_box(family, places[family.name], states[family.name]) for family in families]
    return f'<svg class="stages" viewBox="0 0 {width} {height}" role="img">{"".join(edges + boxes)}</svg>'


def _edge(start: tuple[float, float], end: tuple[float, float], state: str) -> str:
    x1, y1 = start[0] * COLUMN + (COLUMN + BOX_WIDTH) / 2, (start[1] + 0.5) * ROW + 4
    x2, y2 = end[0] * COLUMN + (COLUMN - BOX_WIDTH) / 2, (end[1] + 0.5) * ROW + 4
    return f'<line class="edge {state}" x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"/>'


def _box(family: Family, place: tuple[float, float], state: str) -> str:
    x, y = place[0] * COLUMN + (COLUMN - BOX_WIDTH) / 2, place[1] * ROW + (ROW - BOX_HEIGHT) / 2 + 4
    name, _, judged = family.name.partition("@")
    label = f"{name} × {family.num_stages}" if family.num_stages > 1 else name
    radius = BOX_HEIGHT // 2 if judged else 6
    return (
        f'<g class="box {escape(state)}"><title>{escape(family.desc)}</title>'
        f'<rect x="{x:g}" y="{y:g}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="{radius}"/>'
        f'<text class="name" x="{x + BOX_WIDTH / 2:g}" y="{y + 20:g}">{escape(label)}</text>'
        f'<text class="state" x="{x + BOX_WIDTH / 2:g}" y="{y + 35:g}">{escape(state.replace("-", " "))}</text></g>'
    )


def interval_bar(check: Check) -> str:
    """Return a line with the check's interval and value, its bound as a tick and what is out of bounds shaded."""
    if check.value is None or check.low is None or check.high is None:
        return ""
    limits = [limit for limit in (check.bound.at_least, check.bound.at_most) if limit is not None]
    low, high = min(check.low, *limits), max(check.high, *limits)
    reach = (high - low) or abs(high) or 1.0
    scale = (BAR_WIDTH - 2 * BAR_MARGIN) / reach

    def x(value: float) -> float:
        return round(BAR_MARGIN + (value - low) * scale, 1)

    middle = BAR_HEIGHT / 2
    parts = [f'<line class="axis" x1="0" y1="{middle:g}" x2="{BAR_WIDTH}" y2="{middle:g}"/>']
    if check.bound.at_least is not None:
        parts.append(
            f'<rect class="outside" x="0" y="3" width="{x(check.bound.at_least):g}" height="{BAR_HEIGHT - 6}"/>'
        )
    if check.bound.at_most is not None:
        edge = x(check.bound.at_most)
        parts.append(
            f'<rect class="outside" x="{edge:g}" y="3" width="{BAR_WIDTH - edge:g}" height="{BAR_HEIGHT - 6}"/>'
        )
    parts += [
        f'<line class="bound" x1="{x(limit):g}" y1="1" x2="{x(limit):g}" y2="{BAR_HEIGHT - 1}"/>' for limit in limits
    ]
    parts.append(f'<line class="reach" x1="{x(check.low):g}" y1="{middle:g}" x2="{x(check.high):g}" y2="{middle:g}"/>')
    parts.append(f'<circle class="value" cx="{x(check.value):g}" cy="{middle:g}" r="4"/>')
    state = "passed" if check.passed else "failed"
    return f'<svg class="bar {state}" viewBox="0 0 {BAR_WIDTH} {BAR_HEIGHT}">{"".join(parts)}</svg>'
