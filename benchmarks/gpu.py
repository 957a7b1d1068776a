"""What one GPU gives: tokens generated, trained and scored per second, memory, utilisation: `python -m benchmarks.gpu`.

Random weights of real shapes, so nothing is downloaded; how fast a model is does not depend on what it has learned.
Each measurement is a process of its own: `generate` and `train` on the given sizes, `score` with four members.
Utilisation is the arithmetic that the task needs over the card's own measured matrix rate: 2 per weight and token
forward, 2 for the gradient of activations, 2 for that of weights, where weights are trained; what recomputing adds is
not counted. Where there is no CUDA device the same code runs on the processor (`--sizes toy`). The last line is one
JSON object.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Literal

from benchmarks.clone import ROOT

SIZES: Mapping[str, Mapping[str, Any]] = {
    "toy": {"model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 512, "tie_word_embeddings": True},
    "0.5b": {"model_type": "qwen2", "hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24,
             "num_attention_heads": 14, "num_key_value_heads": 2, "vocab_size": 151936, "tie_word_embeddings": True},
    "1.5b": {"model_type": "qwen2", "hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28,
             "num_attention_heads": 12, "num_key_value_heads": 2, "vocab_size": 151936, "tie_word_embeddings": True},
    "8b": {"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
           "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256, "tie_word_embeddings": False},
}  # fmt: skip
"""Qwen2.5-0.5B, Qwen2.5-1.5B and Llama-3.1-8B in shape."""
GENERATE = ("plain", "ours", "static", "continuous", "vllm")
TRAIN = ("full", "full, recompute", "lora", "lora, recompute", "full, liger", "lora, liger")
SCORE = ("one", "heads", "adapters", "independent")
NUM_MEMBERS = 4
GOALS = {"train/8b/lora": 0.4, "train/1.5b/full": 0.4, "generate/ratio": 3.0, "score/heads": 1.1, "score/adapters": 3.0}
"""Aims on one H200: utilisation; times plain `generate`; times the seconds of one member, at most."""


class MissingError(RuntimeError):
    """A variant cannot run here; says what is missing."""


def device() -> str:
    """Return where everything runs."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def matrix_rate(size: int, rounds: int = 20) -> float:
    """Return the arithmetic per second of a bf16 matrix product, the best of a few rounds."""
    import torch

    first, second = (torch.randn(size, size, device=device(), dtype=torch.bfloat16) for _ in range(2))
    return 2 * size**3 / min(timed(lambda: first @ second) for _ in range(rounds))


def timed(act: Callable[[], Any]) -> float:
    """Return the seconds of something, with the device waited for."""
    import torch

    wait = torch.cuda.synchronize if device() == "cuda" else lambda: None
    wait()
    begun = time.perf_counter()
    act()
    wait()
    return time.perf_counter() - begun


def create(size: str, kind: str = "causal", num_labels: int = 1) -> Any:
    """Return a model of a shape with random weights in bf16, and no longer context than is used."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification

    shape = dict(SIZES[size])
    config = AutoConfig.for_model(shape.pop("model_type"), **shape, max_position_embeddings=4096)
    config.pad_token_id, config.eos_token_id, config.bos_token_id = 0, 1, None
    made = AutoModelForCausalLM if kind == "causal" else AutoModelForSequenceClassification
    if kind != "causal":
        config.num_labels = num_labels
    with torch.device(device()):
        return made.from_config(config, dtype=torch.bfloat16).eval()


def num_weights(model: Any) -> int:
    """Return the weights that every token is multiplied with: all but an embedding that is only looked up."""
    embedding = 0 if model.config.tie_word_embeddings else model.get_input_embeddings().weight.numel()
    return sum(weight.numel() for weight in model.parameters()) - embedding


def adapter(task: Literal["CAUSAL_LM", "SEQ_CLS"]) -> Any:
    """Return the configuration of adapters as a member or a policy has them by default."""
    from rlhf_pipeline.adapters import Lora, peft_config

    return peft_config(Lora.model_validate({}), task)


def generate(size: str, variant: str, batch: int, prompt: int, new: int) -> dict[str, float]:
    """Return tokens generated per second by one way: every completion has its full length.

    Raises:
        MissingError: the way needs a package or a device that is not here.
    """
    import torch

    from rlhf_pipeline.policy.generation import decode

    ids = torch.randint(2, SIZES[size]["vocab_size"], (batch, prompt), device=device())
    if variant == "vllm":
        return generate_vllm(size, ids.tolist(), new)
    model = create(size)
    options: dict[str, Any] = {
        "max_new_tokens": new,
        "min_new_tokens": new,
        "do_sample": True,
        "top_k": 0,
        "pad_token_id": 0,
    }
    options |= {"eos_token_id": [1]}
    plain = {"input_ids": ids, "attention_mask": torch.ones_like(ids), **options}
    if variant == "ours":
        plain = {
            **plain,
            "min_new_tokens": None,
            "eos_token_id": [SIZES[size]["vocab_size"] + 1],
            "custom_generate": decode,
        }
    if variant == "static":
        if device() == "cpu":
            raise MissingError("a static cache is compiled on a GPU only")
        plain |= {"cache_implementation": "static"}

    def act() -> None:
        with torch.no_grad():
            if variant == "continuous":
                from transformers import GenerationConfig

                model.generate_batch(ids.tolist(), generation_config=GenerationConfig(**options))
            else:
                model.generate(**plain)

    if variant == "continuous" and device() == "cpu":
        raise MissingError("continuous batching needs a GPU")
    act()  # compiles, and fills caches of kernels
    return {"tokens_per_second": batch * new / median(timed(act) for _ in range(3))}


def generate_vllm(size: str, prompts: list[list[int]], new: int) -> dict[str, float]:
    """Return tokens generated per second by vLLM."""
    if find_spec("vllm") is None:
        raise MissingError("vLLM is not installed")
    from vllm import LLM, SamplingParams

    with TemporaryDirectory() as folder:
        create(size).save_pretrained(folder)
        engine = LLM(folder, skip_tokenizer_init=True, gpu_memory_utilization=0.5, max_model_len=len(prompts[0]) + new)
        sampling = SamplingParams(max_tokens=new, min_tokens=new, ignore_eos=True, detokenize=False)
        asked = [{"prompt_token_ids": ids} for ids in prompts]
        seconds = median(timed(lambda: engine.generate(asked, sampling)) for _ in range(3))
    return {"tokens_per_second": len(prompts) * new / seconds}


def train(size: str, variant: str, batch: int, length: int) -> dict[str, float]:
    """Return tokens trained per second and the arithmetic they need: forward, backward and the optimizer's step.

    Raises:
        MissingError: the variant needs a package that is not here.
    """
    import torch

    model = create(size).train()
    weights = num_weights(model)
    if "liger" in variant:
        if find_spec("liger_kernel") is None or device() == "cpu":
            raise MissingError("liger-kernel and a GPU")
        from liger_kernel.transformers import _apply_liger_kernel_to_instance

        _apply_liger_kernel_to_instance(model=model)
    if "recompute" in variant:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    if "lora" in variant:
        from peft import get_peft_model

        model.enable_input_require_grads()
        model = get_peft_model(model, adapter("CAUSAL_LM"))
    changed = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(changed, lr=1e-5, fused=device() == "cuda")
    ids = torch.randint(2, SIZES[size]["vocab_size"], (batch, length), device=device())

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        model(input_ids=ids, labels=ids, use_cache=False).loss.backward()
        optimizer.step()

    step()
    seconds = median(timed(step) for _ in range(5))
    per_token = 2 * weights + 2 * weights + (2 * sum(w.numel() for w in changed) if "lora" in variant else 2 * weights)
    return {
        "tokens_per_second": batch * length / seconds,
        "arithmetic_per_second": per_token * batch * length / seconds,
    }


def score(size: str, variant: str, batch: int, length: int) -> dict[str, float]:
    """Return the seconds of scoring a batch by one member, or by four of a kind."""
    import torch

    ids = torch.randint(2, SIZES[size]["vocab_size"], (batch, length), device=device())
    model = create(size, "scorer", NUM_MEMBERS if variant == "heads" else 1)
    calls: list[Callable[[], Any]] = [lambda: model(input_ids=ids)]
    if variant == "independent":
        others = [model, *(create(size, "scorer") for _ in range(NUM_MEMBERS - 1))]
        calls = [lambda other=other: other(input_ids=ids) for other in others]  # type: ignore[misc]
    if variant == "adapters":
        from peft import get_peft_model

        config = adapter("SEQ_CLS")
        adapted = get_peft_model(model, config, adapter_name="0")
        for number in range(1, NUM_MEMBERS):
            adapted.add_adapter(str(number), config)

        def chosen(number: int) -> Any:
            adapted.set_adapter(str(number))
            return adapted(input_ids=ids)

        calls = [lambda number=number: chosen(number) for number in range(NUM_MEMBERS)]  # type: ignore[misc]

    def act() -> None:
        with torch.no_grad():
            for call in calls:
                call()

    act()
    return {"seconds": median(timed(act) for _ in range(5))}


def memory() -> float:
    """Return the most memory that was taken, in GiB: of the device, or of this process."""
    import torch

    if device() == "cuda":
        return torch.cuda.max_memory_allocated() / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def measure(what: str, size: str, variant: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Return one measurement, or why there is none."""
    import torch

    try:
        if what == "generate":
            found = generate(size, variant, asked.batch, asked.prompt, asked.new)
        elif what == "train":
            found = train(size, variant, asked.rows, asked.length)
        else:
            found = score(size, variant, asked.rows, asked.length)
        return found | {"peak_gib": memory()}
    except MissingError as error:
        return {"missing": str(error)}
    except torch.OutOfMemoryError:
        return {"missing": "memory"}


def in_process(asked: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Return what a process of its own measures."""
    numbers = [f"--{name}={getattr(asked, name)}" for name in ("batch", "prompt", "new", "rows", "length")]
    command = [sys.executable, "-m", "benchmarks.gpu", "--measure", *names, *numbers]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"missing": f"it failed: {done.stderr.strip().splitlines()[-1]}"}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def summarise(found: Mapping[str, Mapping[str, Any]], sizes: Sequence[str], rate: float) -> dict[str, Any]:
    """Return the last line: everything measured, with ratios and utilisation."""
    told: dict[str, Any] = {name: dict(one) for name, one in found.items()}
    for name, one in told.items():
        if "arithmetic_per_second" in one:
            one["utilisation"] = one["arithmetic_per_second"] / rate
        if name.startswith("generate/") and "tokens_per_second" in one:
            plain = told[name.rpartition("/")[0] + "/plain"].get("tokens_per_second")
            one["times_plain"] = one["tokens_per_second"] / plain if plain else None
        if name.startswith("score/") and "seconds" in one:
            alone = told[name.rpartition("/")[0] + "/one"].get("seconds")
            one["times_one"] = one["seconds"] / alone if alone else None
    return {
        "device": device_name(),
        "matrix_tflops": rate / 1e12,
        "sizes": list(sizes),
        "goals": GOALS,
        "measured": told,
    }


def device_name() -> str:
    """Return the device's name."""
    import platform

    import torch

    return torch.cuda.get_device_name() if device() == "cuda" else platform.processor() or platform.machine()


def main(arguments: Sequence[str]) -> None:
    """Measure everything, print a line each and, as the last line, one JSON object."""
    parser = argparse.ArgumentParser("python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["0.5b", "1.5b", "8b"])
    parser.add_argument("--batch", type=int, default=64, help="completions drawn together")
    parser.add_argument("--prompt", type=int, default=256, help="tokens of a prompt")
    parser.add_argument("--new", type=int, default=256, help="tokens of a completion")
    parser.add_argument("--rows", type=int, default=8, help="rows trained or scored together")
    parser.add_argument("--length", type=int, default=1024, help="tokens of a row")
    parser.add_argument("--matrix", type=int, default=8192, help="rows and columns of the matrix whose rate counts")
    parser.add_argument("--out", type=Path, help="a file for the last line")
    parser.add_argument(
        "--measure", nargs=3, metavar=("WHAT", "SIZE", "VARIANT"), help="what a process of its own is given"
    )
    asked = parser.parse_args(arguments)
    if asked.measure:
        what, size, variant = asked.measure
        print(json.dumps(measure(what, size, variant, asked)))
        return
    rate, found = matrix_rate(asked.matrix), {}
    for size in asked.sizes:
        for what, variants in (("generate", GENERATE), ("train", TRAIN), ("score", SCORE)):
            for variant in variants:
                name = f"{what}/{size}/{variant}"
                found[name] = in_process(asked, what, size, variant)
                print(name, found[name], flush=True)
    last = json.dumps(summarise(found, asked.sizes, rate))
    if asked.out:
        asked.out.write_text(last + "\n", encoding="utf-8")
    print(last)


if __name__ == "__main__":
    main(sys.argv[1:])
