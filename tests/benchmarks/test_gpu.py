"""Tests of the GPU's benchmark on the processor: the same code at toy size, and the arithmetic by hand."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from benchmarks import gpu, gpu_variants
from benchmarks.gpu import GENERATE, LOOP, SCORE, TRAIN

SMALL = ["--batch=8", "--prompt=8", "--new=4", "--rows=2", "--length=16", "--matrix=64"]


def measured(what, variant):
    return gpu.measure(what, "toy", variant, SimpleNamespace(batch=2, prompt=8, new=4, rows=2, length=16))


@pytest.mark.parametrize("variant", ["plain", "ours"])
def test_tokens_are_generated_on_the_processor_too(variant):
    assert measured("generate", variant)["tokens_per_second"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("variant", LOOP)
def test_whole_steps_are_timed_on_the_processor_too(variant):
    found = gpu.measure("loop", "toy", variant, SimpleNamespace(batch=8, prompt=8, new=4, rows=4, length=16))
    assert found["tokens_per_second"] * found["seconds_per_step"] == pytest.approx(8 * 4)


def test_what_needs_a_gpu_or_a_package_says_so():
    assert measured("generate", "static") == {"missing": "a static cache is compiled on a GPU only"}


@pytest.mark.slow
def test_every_variant_is_measured_or_says_what_is_missing():
    command = [sys.executable, "-m", "benchmarks.gpu", "--sizes", "toy", *SMALL]
    done = subprocess.run(command, cwd=gpu.ROOT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])["measured"]
    wanted = {("generate", GENERATE), ("train", TRAIN), ("score", SCORE), ("loop", LOOP)}
    assert set(found) == {f"{what}/toy/{variant}" for what, variants in wanted for variant in variants}
    for name, one in found.items():
        assert one.get("peak_gib", 0) > 0 or "failed" not in one["missing"], name
    assert found["score/toy/independent"]["times_one"] > 0
    assert found["train/toy/full"]["utilisation"] > 0
    assert found["loop/toy/profile"]["times_trl"] > 0


def test_weights_that_only_look_up_are_not_multiplied_with():
    tied = gpu_variants.create("toy")
    # Two layers: q and o 64 x 64, k and v 64 x 32, three of 64 x 128, two norms of 64; a last norm; the tied head.
    own = 2 * (2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 128 + 2 * 64) + 64 + 512 * 64
    assert gpu_variants.num_weights(tied) == own


def test_ratios_are_to_the_plain_way_and_to_one_member():
    found = {
        "generate/toy/plain": {"tokens_per_second": 10.0},
        "generate/toy/ours": {"tokens_per_second": 25.0},
        "train/toy/full": {"tokens_per_second": 1.0, "arithmetic_per_second": 5e11},
        "score/toy/one": {"seconds": 2.0},
        "score/toy/heads": {"seconds": 2.1},
        "score/toy/adapters": {"missing": "memory"},
    }
    told = gpu.summarise(found, ["toy"], 1e12)["measured"]
    assert told["generate/toy/ours"]["times_plain"] == 2.5
    assert told["train/toy/full"]["utilisation"] == 0.5
    assert told["score/toy/heads"]["times_one"] == pytest.approx(1.05)
    assert told["score/toy/adapters"] == {"missing": "memory"}
