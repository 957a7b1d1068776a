"""What `benchmarks/gpu.py` times: ways to generate, train and score with models of real shapes and random weights."""

import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Literal

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
NUM_MEMBERS = 4


class MissingError(RuntimeError):
    """A variant cannot run here; says what is missing."""


def device() -> str:
    """Return where everything runs."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


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
