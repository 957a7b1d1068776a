"""Stage `gate@<stage>`: let the night go on, or fail. Reads a verdict, judges nothing."""

import sys

from rlhf_pipeline import mistakes
from rlhf_pipeline.params import load_params
from rlhf_pipeline.records import write_json
from rlhf_pipeline.verdicts import read_verdict


def main(stage: str) -> None:
    """Write data/gate/<stage>.json, or exit with the checks that failed."""
    verdict = read_verdict(f"data/{stage}/verdict.json")
    enforced = load_params().gate.enforce
    if enforced and not verdict.admitted:
        failed = [c.words() for c in verdict.checks if not c.passed and c.bound.severity == "block"]
        sys.exit(f"refused: {stage}: {', '.join(failed)} (see data/{stage}/verdict.json and {stage}.bounds)")
    # An admitted verdict is the same file either way: not to enforce must not train anything before the refusal again.
    passed = {"admitted": verdict.admitted, "enforced": enforced or verdict.admitted}
    write_json(f"data/gate/{stage}.json", passed)


if __name__ == "__main__":
    with mistakes.told():
        main(sys.argv[1])
