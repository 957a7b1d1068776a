import yaml

from rlhf_pipeline.policy.card import Origin, render, write

ORIGIN = Origin(
    base="../models/base", reference="first", algorithm="grpo", settings={"beta": 0.1, "lora": None}, source="pairs",
    num_prompts=240, aggregator="mean_minus_std",
    members={"a": {"trunk": "first", "pairs": "data/denoising/train.jsonl", "objective": "bradley_terry"},
             "b": {"trunk": "kept", "pairs": "data/curation/test.jsonl", "objective": "bradley_terry", "ready": True}},
    gates={"curation": {"admitted": True, "enforced": True}, "validation": {"admitted": False, "enforced": False}},
)  # fmt: skip


def test_a_card_tells_origin_data_members_and_verdicts():
    card = render(ORIGIN)
    for told in (
        "`../models/base`",
        "`pairs`; 240 prompts",
        "| a | first | data/denoising/train.jsonl | bradley_terry |",
        "| b | kept | none, a ready model |  |",
    ):
        assert told in card
    assert "- curation: admitted\n" in card
    assert "- validation: refused, and the gate was not enforced" in card
    assert "mean minus std" in card


def test_the_head_is_what_the_hub_reads(tmp_path):
    write(tmp_path, ORIGIN)
    _, head, _ = (tmp_path / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    assert yaml.safe_load(head) == {
        "library_name": "transformers", "pipeline_tag": "text-generation", "tags": ["rlhf", "trl", "grpo"],
    }  # fmt: skip


def test_code_that_was_trusted_is_told():
    from dataclasses import replace

    assert "trust_remote_code" not in render(ORIGIN)
    assert "trust_remote_code=True" in render(replace(ORIGIN, trust_remote_code=True))
