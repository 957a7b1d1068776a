"""The command `rlhf`. Exit codes: 0 ok, 1 failed, 2 usage, 3 refused, 130 interrupted."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from flows import alone
from flows.guarding import FAILED, OK, REFUSED, console, guard
from flows.stages import Outcome

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Train language models from human feedback, and promote them only when every gate holds.",
    epilog="Exit codes: 0 ok, 1 failed, 2 usage, 3 refused, 130 interrupted.",
)

data = typer.Typer(no_args_is_help=True, help="Look at data before a night reads it.")
app.add_typer(data, name="data")
annotate = typer.Typer(no_args_is_help=True, help="Ask for labels where they teach most, and take them in.")
app.add_typer(annotate, name="annotate")

Profile = Annotated[str | None, typer.Option("--profile", help="Write profiles/NAME.yaml into params.yaml first.")]
Assignments = Annotated[list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Write one value.")]
NoPromote = Annotated[bool, typer.Option("--no-promote", help="Leave the champion alone.")]


@app.command(epilog="Example: rlhf run --profile hh --set policy.algorithm=rloo --no-promote")
def run(
    profile: Profile = None,
    assignments: Assignments = None,
    no_promote: NoPromote = False,
    at: Annotated[str | None, typer.Option(metavar="REV", help="Run a git revision in a worktree.")] = None,
) -> None:
    """Bring the whole graph up to date, promote what passed, and tell it in one table."""
    if at:
        from flows.worktree import run_at

        raise typer.Exit(guard(lambda: run_at(at, _arguments(profile, assignments, no_promote), Path.cwd())))
    raise typer.Exit(guard(lambda: _run(profile, assignments or [], not no_promote)))


@app.command(epilog="Example: rlhf promote")
def promote(
    allow_looser_bounds: Annotated[
        bool, typer.Option("--allow-looser-bounds", help="Though the champion was held to tighter ones.")
    ] = False,
) -> None:
    """Make the present policy the champion, if every gate holds and it beats the present one."""

    def act() -> int:
        from flows import promotion
        from flows.graph import read_graph

        return _tell("promotion", promotion.promote(read_graph(), allow_looser=allow_looser_bounds))

    raise typer.Exit(guard(act))


@app.command(epilog="Example: rlhf rollback")
def rollback() -> None:
    """Make the champion before the present one champion again."""

    def act() -> int:
        from flows import promotion

        return _tell("rollback", promotion.rollback())

    raise typer.Exit(guard(act))


@app.command(epilog="Example: rlhf report")
def report() -> None:
    """Render reports/latest.html from whatever exists under data/."""

    def act() -> int:
        from flows import night

        code = _tell("report", night.render_report())
        console().print(str(night.REPORT.resolve()), soft_wrap=True)
        return code

    raise typer.Exit(guard(act))


@app.command(epilog="Example: rlhf ui")
def ui() -> None:
    """Serve MLflow and Prefect on loopback until Ctrl-C."""

    def act() -> int:
        from flows.servers import show

        show(Path("logs"))
        return OK

    raise typer.Exit(guard(act))


@app.command(epilog="Example: rlhf methods rewards/objectives")
def methods(folder: Annotated[str | None, typer.Argument(help="Only this folder.")] = None) -> None:
    """List what can be chosen, with the paper of each."""
    from rich.table import Table

    from flows import catalogue
    from rlhf_pipeline.methods import MethodError, folders, suggest

    def act() -> int:
        if folder and folder not in folders():
            raise MethodError(f"no folder of methods: {folder}.{suggest(folder, folders())}")
        for name in [folder] if folder else folders():
            table = Table(title=name, title_justify="left", box=None, show_header=False, pad_edge=False, min_width=60)
            for entry in catalogue.read(name):
                table.add_row(entry.name, entry.summary, entry.paper)
            console().print(table)
        return OK

    raise typer.Exit(guard(act, needs_project=False))


@app.command(epilog='Example: rlhf schedule --cron "0 2 * * *" --profile hh')
def schedule(
    cron: Annotated[str, typer.Option(help="When: minute, hour, day, month, weekday.")],
    at: Annotated[str, typer.Option(metavar="REV", help="What each night checks out.")] = "HEAD",
    profile: Profile = None,
    assignments: Assignments = None,
    no_promote: NoPromote = False,
) -> None:
    """Serve the night as a Prefect deployment; each runs in a worktree beside the repository."""

    def act() -> int:
        from flows.schedule import serve

        serve(cron, at, _arguments(profile, assignments, no_promote), Path.cwd())
        return OK

    raise typer.Exit(guard(act))


app.command(epilog="Example: rlhf audit my-reward-model --pairs pairs.jsonl --out reports/audit")(alone.audit)
app.command(epilog="Example: rlhf search my-model --pairs p.jsonl --method quality_diversity_red_team")(alone.search)


@data.command("check", epilog="Example: rlhf data check votes.jsonl --source voted --set first=answer_a")
def check_data(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files or folders, all of one form.")],
    source: Annotated[str | None, typer.Option(metavar="NAME", help="How to read them; else told by columns.")] = None,
    assignments: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Of the source.")] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the page goes.")] = Path("reports/data"),
) -> None:
    """Run the data contract on files and print what it found, by row; refused data ends with 3."""
    paths, folder = [file.resolve() for file in files], out.resolve()

    def act() -> int:
        from flows.checking import check

        return OK if check(console(), paths, source, assignments or [], folder) else REFUSED

    raise typer.Exit(guard(act))


@annotate.command("export", epilog="Example: rlhf annotate export --count 200 --from policy")
def export_items(
    count: Annotated[int, typer.Option(min=1, metavar="N", help="How many pairs to label.")],
    source: Annotated[
        Literal["pairs", "policy"], typer.Option("--from", help="Train pairs, or own samples.")
    ] = "pairs",
    pool: Annotated[Path | None, typer.Option(metavar="FILE", help="Unlabelled: prompt, first, second.")] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Of the folder in annotation/.")] = None,
) -> None:
    """Write the pairs whose label would teach most, for Label Studio, Argilla and as lines."""
    files = pool.resolve() if pool else None

    def act() -> int:
        from flows.annotation.exporting import export

        return OK if export(console(), source, count, files, name) else FAILED

    raise typer.Exit(guard(act))


@annotate.command("import", epilog="Example: rlhf annotate import project-1.json --name round-1")
def import_answers(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What the labelling tool exported.")],
    annotator: Annotated[str | None, typer.Option("--annotator-column", metavar="NAME", help="Who answered.")] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Of the labels; else the file's.")] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Leave out answers that cannot be used.")] = False,
) -> None:
    """Check answers row by row and add them to the train pairs of the next night; refused ones end with 3."""
    path = file.resolve()

    def act() -> int:
        from flows.annotation.importing import take_in

        return OK if take_in(console(), path, annotator, name, partial) else REFUSED

    raise typer.Exit(guard(act))


def main() -> None:
    """Run the command."""
    app()


def _run(profile: str | None, assignments: list[str], wants_promotion: bool) -> int:
    from flows import night, overlays
    from flows.lock import only_night

    shown = console()
    with only_night() as cache:
        for line in overlays.apply(profile, assignments):
            shown.print(line, markup=False, highlight=False, soft_wrap=True)
        return night.run(shown, cache, wants_promotion)


def _arguments(profile: str | None, assignments: list[str] | None, no_promote: bool) -> list[str]:
    sets = [part for assignment in assignments or [] for part in ("--set", assignment)]
    return [*(["--profile", profile] if profile else []), *sets, *(["--no-promote"] if no_promote else [])]


def _tell(name: str, outcome: Outcome) -> int:
    from flows.night import EXIT_CODES

    console().print(f"{name}: {outcome.state}" + (f": {outcome.reason}" if outcome.reason else ""), soft_wrap=True)
    return OK if outcome.is_good else EXIT_CODES.get(outcome.state, FAILED)


if __name__ == "__main__":
    main()
