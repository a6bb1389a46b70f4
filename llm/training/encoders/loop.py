"""The training loop of the built-in encoder models: AdamW, warm-up, linear decay, and the mean of the weights' way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

REPORT_STEPS = 50


@dataclass(frozen=True, slots=True)
class Rates:
    """Learning rates and what goes with them; `keep` is how much of the mean each step leaves."""

    adapter: float = 1e-3
    head: float = 2e-3
    decay: float = 0.01
    warmup: float = 0.06
    keep: float = 0.998


class Loop:
    """One model's training over a known number of steps."""

    def __init__(self, model: nn.Module, steps: int, rates: Rates) -> None:
        self.model, self.steps, self.rates = model, steps, rates
        self.done = 0
        self._loss = 0.0
        self._trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._mean = [parameter.detach().clone() for parameter in self._trained]
        self._optimizer = torch.optim.AdamW(self._groups(), weight_decay=rates.decay, betas=(0.9, 0.98))
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, self._factor)

    def step(self, loss: torch.Tensor) -> None:
        """Learn from one batch's loss."""
        loss.backward()  # type: ignore[no-untyped-call]  # torch says so little of its types
        nn.utils.clip_grad_norm_(self._trained, 1.0)
        self._optimizer.step()
        self._schedule.step()
        self._optimizer.zero_grad(set_to_none=True)
        self.done += 1
        self._loss += float(loss.detach())
        if self.done % REPORT_STEPS == 0:
            print(f"step {self.done} of {self.steps}, loss {self._loss / REPORT_STEPS:.4f}", flush=True)
            self._loss = 0.0
        keep = min(self.rates.keep, self.done / (self.done + 10))
        with torch.no_grad():
            torch._foreach_lerp_(self._mean, [parameter.detach() for parameter in self._trained], 1 - keep)

    def take_mean(self) -> None:
        """Put the mean in the place of the last weights."""
        with torch.no_grad():
            for parameter, mean in zip(self._trained, self._mean, strict=True):
                parameter.copy_(mean)

    def save(self, path: Path, epochs: int) -> None:
        """Keep what going on after so many epochs takes."""
        path.parent.mkdir(parents=True, exist_ok=True)
        state = {
            "epochs": epochs,
            "done": self.done,
            "trained": [parameter.detach() for parameter in self._trained],
            "mean": self._mean,
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "random": torch.get_rng_state(),
        }
        torch.save(state, path)

    def resume(self, path: Path) -> int:
        """Go on from a checkpoint of ours, if there is one; the epochs that are done."""
        if not path.exists():
            return 0
        state = torch.load(path, weights_only=True)
        self.done, self._mean = state["done"], state["mean"]
        with torch.no_grad():
            for parameter, kept in zip(self._trained, state["trained"], strict=True):
                parameter.copy_(kept)
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
        torch.set_rng_state(state["random"])
        return int(state["epochs"])

    def _groups(self) -> list[dict[str, object]]:
        named = [(name, parameter) for name, parameter in self.model.named_parameters() if parameter.requires_grad]
        return [
            {"params": [parameter for name, parameter in named if "lora_" in name], "lr": self.rates.adapter},
            {"params": [parameter for name, parameter in named if "lora_" not in name], "lr": self.rates.head},
        ]

    def _factor(self, step: int) -> float:
        progress = step / max(1, self.steps)
        if progress < self.rates.warmup:
            return (step + 1) / max(1.0, self.steps * self.rates.warmup)
        return max(0.0, (1 - progress) / (1 - self.rates.warmup))
