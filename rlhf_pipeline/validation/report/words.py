"""Names of metrics and checks in plain words, and numbers as people read them."""

from collections.abc import Mapping

from rlhf_pipeline.verdicts import Bound, Check

PHRASES = {
    "accuracy": "Test pairs ordered as their label says",
    "accuracy_shorter_chosen": "Test pairs whose shorter side was chosen ordered as their label says",
    "agreement": "Pairs of members that order a pair alike",
    "brier": "Brier score of the predicted preference",
    "completion_tokens": "Tokens per completion",
    "contradictory_pairs": "Pairs that contradict another",
    "contrast_consistency": "Contrast items whose fitting completion scores higher",
    "cycle_fraction": "Prompts whose preferences go round in a circle",
    "degenerate_low": "Degenerate completions that score below the good one",
    "disagreement": "Standard deviation over members",
    "disagreement_auroc": "Chance that a mistake is more disputed among members than a right answer",
    "distinct_2": "Distinct word pairs among a prompt's samples",
    "distinct_2_change": "Change of distinct word pairs, policy less reference",
    "dropped": "Rows dropped",
    "dropped_fraction": "Share of rows dropped",
    "duplicate_pairs": "Pairs that stand twice",
    "ece": "Expected calibration error",
    "empty_fraction": "Share of empty completions",
    "evaluator_gain": "Gain over the reference by the evaluators",
    "evaluator_reward": "Evaluators' reward",
    "gold_agreement": "Test pairs ordered as gold orders them",
    "gold_gain": "Gain over the reference by gold",
    "gold_gap_closed": "Share of the gap to the best possible that was closed",
    "gold_reward": "Gold reward",
    "hack_alarm": "Signs of a hacked reward among the samples saved in training",
    "gx": "Rules of the table suite",
    "kl": "KL to the reference, nats per completion",
    "leaked_groups": "Groups that stand in more than one split",
    "leaked_prompts": "Prompts that stand in more than one split",
    "length_bias": "By how much more often the longer side is preferred than by annotators",
    "length_correlation": "Correlation of reward and length",
    "longer_chosen_fraction": "Pairs whose chosen side is the longer",
    "num_dropped": "Rows dropped",
    "num_dropped_others": "Rows dropped that are no pairs",
    "num_kept": "Rows kept",
    "num_read": "Rows read",
    "prefers_longer": "Pairs whose longer side is preferred",
    "proxy_gain": "Gain over the reference by the ensemble",
    "proxy_reward": "Ensemble's reward",
    "rows": "Rows",
    "self_repetition": "Share of word triples repeated within a completion",
    "single_edit_accuracy": "Pairs one edit apart ordered right",
    "temperature": "Margin at which the ensemble is 73 % sure",
    "truncated_fraction": "Share of completions cut off",
    "undisputed_accuracy": "Least disputed half of test pairs ordered as labelled",
    "win_rate": "Share of samples better than the reference's",
}
SUBJECTS = {
    "ensemble": "the ensemble",
    "evaluator": "by the evaluators",
    "gold": "by gold",
    "member_mean": "the mean member",
    "policy": "the policy",
    "proxy": "by the ensemble",
    "reference": "the reference",
}
COUNTED = ("rows", "dropped")
"""Their second part names a table or a filter, not whom something is said of."""


def title(name: str, descriptions: Mapping[str, str] | None = None) -> str:
    """Return a metric in plain words: as its check describes it, or what `accuracy/ensemble` measures, and of whom."""
    if descriptions and descriptions.get(name):
        return descriptions[name].rstrip(".")
    base, _, subject = name.partition("/")
    phrase = PHRASES.get(base, base.replace("_", " ").capitalize())
    plain = subject.replace("_", " ").replace("/", ", ")
    whom = plain if base in COUNTED else SUBJECTS.get(subject, plain)
    return f"{phrase}, {whom}" if whom else phrase


def number(value: float | None) -> str:
    """Return a number with three digits that matter, whole numbers whole; a dash where there is none."""
    if value is None:
        return "–"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}".replace("-", "−")
    digits = 3 if abs(value) < 1 else 2 if abs(value) < 100 else 0
    written = f"{value:,.{digits}f}"
    return written.replace("-", "−" if any(digit in written for digit in "123456789") else "")


def interval(low: float | None, high: float | None) -> str:
    """Return an interval in words; nothing where it is unknown or reads as a single number."""
    return "" if low is None or high is None or number(low) == number(high) else f"{number(low)} to {number(high)}"


def bound(bound: Bound) -> str:
    """Return what a bound demands."""
    sides = [("at least", bound.at_least), ("at most", bound.at_most)]
    return " and ".join(f"{word} {f'{limit:g}'.replace('-', '−')}" for word, limit in sides if limit is not None)


def outcome(check: Check) -> str:
    """Return what came of a check in one word."""
    if check.passed:
        return "passed"
    return "warned" if check.bound.severity == "warn" else "refused"


def sentence(check: Check, descriptions: Mapping[str, str] | None = None) -> str:
    """Return a check with its numbers as one line."""
    return f"{title(check.name, descriptions)}: {figures(check)}"


def figures(check: Check) -> str:
    """Return a check's numbers and its bound in words."""
    if check.value is None:
        return f"{check.note or 'not measured'}; must be {bound(check.bound)}."
    reach = interval(check.low, check.high)
    span = f" (95 % interval {reach})" if reach else ""
    return f"{number(check.value)}{span}; must be {bound(check.bound)}."
