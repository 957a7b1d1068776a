"""Stage `curation`: raw preferences in, splits, prompts, dropped rows and the contract's verdict out."""

from pathlib import Path

from rlhf_pipeline import methods, mistakes
from rlhf_pipeline.curation import annotations, page
from rlhf_pipeline.curation.contract import judge_contract, metrics
from rlhf_pipeline.curation.curate import curate
from rlhf_pipeline.curation.sources import Inputs
from rlhf_pipeline.params import load_params
from rlhf_pipeline.records import derive_seed, whole, write_json, write_rows
from rlhf_pipeline.verdicts import write_verdict

OUT = Path("data/curation")


def main() -> None:
    """Write every file of data/curation/."""
    params = load_params()
    chosen = params.curation
    source = methods.load("curation/sources", chosen.source)
    settings = methods.settings(source, chosen.settings)
    inputs = Inputs(Path(chosen.input), Path(chosen.text), derive_seed(params.seed, "curation", "source"))
    labels = Path(chosen.annotations)
    curated = curate(annotations.add(source.read(inputs, settings), labels, chosen.group), chosen, params.seed)
    contract = judge_contract(curated, chosen.bounds, params.seed)
    for name, rows in curated.tables.items():
        write_rows(OUT / f"{name}.jsonl", rows)
    write_rows(OUT / "dropped.jsonl", curated.dropped + curated.dropped_others)
    write_json(OUT / "gold.json", curated.gold)
    with whole(OUT / "contract.html") as file:
        file.write(page.render(curated, contract))
    write_verdict(OUT / "verdict.json", contract.verdict)
    write_json(OUT / "metrics.json", measured := metrics(curated, contract))

    from rlhf_pipeline.tracking import log_stage

    effective = chosen.model_dump() | {"settings": settings.model_dump(), "seed": params.seed}
    files = [OUT / name for name in ("contract.html", "verdict.json")]
    tables = [OUT / f"{name}.jsonl" for name in curated.tables]
    read = [path for path in (inputs.input, inputs.text, labels) if path.exists()]
    log_stage("curation", metrics=measured, params=effective, artifacts=files, datasets=[*read, *tables])


if __name__ == "__main__":
    with mistakes.told(lower="curation.settings.max_rows of the source hub, or name fewer files in curation.input"):
        main()
