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
    """Return the pairs of all splits as one flat table."""
    import pandas

    return pandas.DataFrame([flat(row, name) for name, rows in splits.items() for row in rows], columns=list(COLUMNS))


def flat(row: Row, split: str) -> dict[str, Any]:
    """Return a pair as one flat record."""
    roles = {"prompt_role": row["prompt"][-1]["role"]}
    roles |= {f"{side}_role": row[side][0]["role"] for side in ("chosen", "rejected")}
    texts = {part: text(row[part]).strip() for part in ("prompt", "chosen", "rejected")}
    return {"id": row["id"], "group": row["group"], "split": split, **texts, **roles, "margin": row.get("margin")}


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
    results = batch.validate(
        gx.ExpectationSuite("pairs", [rule for _, rule in rules]), result_format="BOOLEAN_ONLY"
    ).results
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
