"""The Great Expectations suite on the table of kept pairs.

It sees rows, not pairs, and passes an empty table: so the row count is bounded first.
"""

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rlhf_pipeline.curation.split import PAIR_SPLITS
from rlhf_pipeline.records import Row, text

if TYPE_CHECKING:
    import pandas

COLUMNS = (
    "id",
    "group",
    "split",
    "prompt",
    "chosen",
    "rejected",
    "prompt_role",
    "chosen_role",
    "rejected_role",
    "margin",
)


@dataclass(frozen=True)
class Expectation:
    """One rule of the suite, in words, and whether the table keeps it."""

    words: str
    passed: bool


def table(splits: dict[str, list[Row]]) -> "pandas.DataFrame":
    """Return the pairs of all splits as one flat table, of objects: its texts are those of the rows and no copies."""
    import pandas

    rows = [row for split in splits.values() for row in split]
    columns = {
        "id": [row["id"] for row in rows],
        "group": [row["group"] for row in rows],
        "split": [name for name, split in splits.items() for _ in split],
        "prompt_role": [row["prompt"][-1]["role"] for row in rows],
        "chosen_role": [row["chosen"][0]["role"] for row in rows],
        "rejected_role": [row["rejected"][0]["role"] for row in rows],
        "margin": [row.get("margin") for row in rows],
    }
    columns |= {part: [text(row[part]).strip() for row in rows] for part in ("prompt", "chosen", "rejected")}
    return pandas.DataFrame(columns, columns=list(COLUMNS), dtype=object)


def run_suite(frame: "pandas.DataFrame", num_read: int) -> list[Expectation]:
    """Hold the table of kept pairs against the suite."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("curation")
    batch = (
        source.add_dataframe_asset("pairs").add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    )
    rules = suite(num_read)
    # All at once, for each call hashes the whole table; results come in another order and carry their words with them.
    together = gx.ExpectationSuite("pairs", [rule for _, rule in rules])
    results: list[Any] = batch.validate(together, result_format="BOOLEAN_ONLY").results
    passed = {result.expectation_config.meta["words"]: bool(result.success) for result in results}
    return [Expectation(words, passed[words]) for words, _ in rules]


def suite(num_read: int) -> list[tuple[str, Any]]:
    """Return the rules, each with its meaning in words."""
    from great_expectations import expectations as gxe

    count = gxe.ExpectTableRowCountToBeBetween(min_value=1, max_value=max(num_read, 1))
    rules: list[tuple[str, Any]] = [
        ("there are pairs, and no more than were read", count),
        ("the table has its columns", gxe.ExpectTableColumnsToMatchSet(column_set=list(COLUMNS))),
        ("no id stands twice", gxe.ExpectColumnValuesToBeUnique(column="id")),
        ("every split is a known one", gxe.ExpectColumnValuesToBeInSet(column="split", value_set=list(PAIR_SPLITS))),
        ("every margin is at least 0", gxe.ExpectColumnValuesToBeBetween(column="margin", min_value=0)),
    ]
    for column in ("id", "group", "prompt", "chosen", "rejected"):
        rules.append((f"no {column} is missing", gxe.ExpectColumnValuesToNotBeNull(column=column)))
    for column in ("group", "prompt", "chosen"):
        rules.append((f"no {column} is empty", gxe.ExpectColumnValueLengthsToBeBetween(column=column, min_value=1)))
    for column, role in {"prompt": "user", "chosen": "assistant", "rejected": "assistant"}.items():
        rule = gxe.ExpectColumnValuesToBeInSet(column=f"{column}_role", value_set=[role])
        rules.append((f"every {column} is the {role}'s", rule))
    for words, rule in rules:
        rule.meta = {"words": words}
    return rules
