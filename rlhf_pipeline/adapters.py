"""Low-rank adapters: training that changes few weights, and the plain checkpoint that comes of it.

Hu et al. 2021 (arXiv:2106.09685); on weights of four bits, Dettmers et al. 2023 (arXiv:2305.14314).
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.mistakes import Mistake

if TYPE_CHECKING:
    from peft import LoraConfig
    from transformers import BitsAndBytesConfig, PreTrainedModel

HEADS = ["lm_head", "score"]


class MissingPackageError(Mistake, ModuleNotFoundError):
    """A setting needs a package that is not installed; says how to install it."""


class Lora(MethodParams):
    """Settings of the adapters."""

    rank: int = Field(16, ge=1, description="of the two matrices that are trained beside each that is not")
    alpha: float = Field(32.0, gt=0, description="what they add is multiplied by alpha / rank")
    dropout: float = Field(0.0, ge=0, lt=1, description="of what goes into them")
    targets: list[str] | Literal["all-linear"] = Field("all-linear", description="names of the layers that get them")
    four_bit: bool = Field(False, description="keep the other weights in four bits while training")


def peft_config(lora: Lora | None, task: Literal["CAUSAL_LM", "SEQ_CLS"]) -> LoraConfig | None:
    """Return PEFT's configuration; the head of a sequence classifier is trained whole and kept."""
    if lora is None:
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,  # type: ignore[arg-type]  # a factor; PEFT divides by the rank
        lora_dropout=lora.dropout,
        target_modules=lora.targets,
        modules_to_save=["score"] if task == "SEQ_CLS" else None,
        task_type=task,
    )


def quantization(lora: Lora | None) -> BitsAndBytesConfig | None:
    """Return how weights are read in four bits, or None.

    Raises:
        MissingPackageError: bitsandbytes is not installed.
    """
    if lora is None or not lora.four_bit:
        return None
    require("bitsandbytes", "lora.four_bit", "pip install -e '.[gpu]'")
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
        llm_int8_skip_modules=HEADS,  # in spite of its name, of four bits too
    )


def require(package: str, setting: str, remedy: str) -> None:
    """Refuse a setting whose package is not installed.

    Raises:
        MissingPackageError: says what to do about it.
    """
    if find_spec(package) is None:
        raise MissingPackageError(f"{setting} needs {package}, which is not installed: {remedy}")


def merge(trained: Any, lora: Lora, reload: Callable[[], PreTrainedModel]) -> PreTrainedModel:
    """Return a model with its adapters added into its weights.

    Args:
        trained: a PEFT model.
        lora: its settings.
        reload: returns the model as it was before training, not in four bits; adapters trained beside four bits are
            added to that, so that a plain checkpoint comes of it.
    """
    if not lora.four_bit:
        return trained.merge_and_unload()
    from peft import PeftModel

    with TemporaryDirectory() as folder:
        trained.save_pretrained(folder)
        plain: Any = PeftModel.from_pretrained(reload(), folder)
    return plain.merge_and_unload()
