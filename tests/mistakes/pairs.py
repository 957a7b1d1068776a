"""Pairs of one's own, as a user writes them: 80 good ones, and what is wrong with others."""

import json
from typing import Any

WORDS = ["ba", "de", "fi", "go", "ku", "lar", "men", "nos", "pet", "rid", "sul", "tam"]


def plain(n: int) -> dict[str, Any]:
    """Return a good pair."""
    said = [WORDS[(n // 12**k) % 12] for k in range(4)]
    return {
        "prompt": f"{' '.join(said)} ask {n // 2}",
        "chosen": f"{n} yes {said[0]}",
        "rejected": f"{n} no {said[1]} x",
    }


def lines(*planted: dict[str, Any] | str) -> str:
    """Return the 80 good pairs as JSON lines, with others behind them; text stands as it is."""
    rows = [*(plain(n) for n in range(80)), *planted]
    return "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)


def only(*rows: dict[str, Any]) -> str:
    """Return rows as JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in rows)
