"""`rlhf audit` and `rlhf search`: what stands alone, each in a process of its own, for it imports torch."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.guarding import guard

AUDIT = "rlhf_pipeline.validation.auditing"
SEARCH = "rlhf_pipeline.validation.searching"


def run_alone(module: str, models: Sequence[str], options: Mapping[str, Any], flags: Sequence[str] = ()) -> int:
    """Run a module and return its status: 0, 3 where an audit refuses, 1 where it has told a mistake.

    Args:
        module: `AUDIT` or `SEARCH`.
        models: what is audited or searched.
        options: values by the name of the option, a list where there are several; none and no value are left out.
        flags: options without a value.
    """
    from flows.processes import environment

    asked = list(models)
    for name, value in options.items():
        values = value if isinstance(value, list) else [value]
        asked += [name, *map(str, values)] if value not in (None, []) else []
    return subprocess.call([sys.executable, "-m", module, *asked, *flags], env=environment())


def audit(
    models: Annotated[
        list[str] | None, typer.Argument(metavar="MODEL…", help="Folders, hub ids or files of ready scores.")
    ] = None,
    pairs: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="Preferences; again for more.")] = None,
    suite: Annotated[
        list[str] | None, typer.Option(metavar="NAME=DIR", help="A public benchmark and where its files are.")
    ] = None,
    judge: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="The model judges: what it is asked, a prompt file.")
    ] = None,
    bounds: Annotated[Path | None, typer.Option(metavar="FILE", help="YAML: METRIC: {at_least: NUMBER}.")] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where audit.json and the page go.")] = Path("reports/audit"),
    texts: Annotated[Path | None, typer.Option(metavar="FILE", help="Only write the texts to score.")] = None,
    checks: Annotated[list[str] | None, typer.Option("--check", metavar="NAME", help="Only these checks.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Reward models that score at once.")] = 1,
    trust_remote_code: Annotated[bool, typer.Option(help="Run code that comes with a model.")] = False,
) -> None:
    """Ask whether a reward can be trusted; one that is refused ends with 3."""

    def act() -> int:
        options = {"--pairs": pairs, "--suite": suite, "--judge": judge, "--bounds": bounds, "--texts": texts}
        options |= {"--checks": checks, "--out": out, "--threads": [str(threads)]}
        return run_alone(AUDIT, models or [], options, ["--trust-remote-code"] if trust_remote_code else [])

    raise typer.Exit(guard(act, needs_project=False))


def search(
    models: Annotated[list[str], typer.Argument(metavar="MODEL…", help="Reward models, searched for their mistakes.")],
    pairs: Annotated[list[Path], typer.Option(metavar="FILE", help="Preferences to begin from; again for more.")],
    method: Annotated[str, typer.Option(metavar="NAME", help="Of rlhf_pipeline/validation/searches.")],
    policy: Annotated[Path | None, typer.Option(metavar="DIR", help="A language model that writes or answers.")] = None,
    trusted: Annotated[list[str] | None, typer.Option(metavar="MODEL", help="What is believed instead.")] = None,
    judge: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="The trusted model judges: its prompt.")
    ] = None,
    assignments: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE")] = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the pairs go.")] = Path("reports/found.jsonl"),
    threads: Annotated[int, typer.Option(min=1, help="Of the processor.")] = 1,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Look for texts that a reward mishandles, and write them as training pairs."""

    def act() -> int:
        options = {"--pairs": pairs, "--method": method, "--policy": policy, "--trusted": trusted, "--judge": judge}
        options |= {"--set": assignments, "--out": out, "--threads": [str(threads)], "--seed": [str(seed)]}
        return run_alone(SEARCH, models, options)

    raise typer.Exit(guard(act, needs_project=False))
