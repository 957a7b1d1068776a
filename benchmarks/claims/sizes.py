"""How much a claim's lab draws and trains. Part of every measurement's key: another size is another measurement."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """How much a lab draws and trains; the night's own sizes where nothing else is said."""

    num_train: int = 12_000
    num_demonstrations: int = 20_000
    num_prompts: int = 200
    num_samples: int = 64


FULL = Size()
TOY = Size(num_train=120, num_demonstrations=160, num_prompts=12, num_samples=4)
