"""The training loop: plain torch, seeded, resumable at every round."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import LlamaForCausalLM

from llm.training.chat.batches import Batch, round_of_batches
from llm.training.chat.muon import Muon
from llm.training.chat.recipe import Recipe
from llm.training.chat.tokenizer import BEGIN, END, PAD, mark


@dataclass(slots=True)
class Progress:
    """How far a run is; kept in its checkpoint. `seconds` counts training only."""

    rounds: int = 0
    tokens: int = 0
    seconds: float = 0.0
    loss: float = 0.0


class Run:
    """A model in training with its optimizers. `advance` trains one round; `save` and `resume` keep everything."""

    def __init__(self, recipe: Recipe, tokenizer: Tokenizer) -> None:
        torch.manual_seed(recipe.seed)
        bos, eos, pad = (mark(tokenizer, token) for token in (BEGIN, END, PAD))
        self.recipe, self.tokenizer, self.progress = recipe, tokenizer, Progress()
        self.model = LlamaForCausalLM(recipe.config(bos, eos, pad))
        self.optimizers = self._new_optimizers()
        self._rates = [optimizer.param_groups[0]["lr"] for optimizer in self.optimizers]

    def _new_optimizers(self) -> list[torch.optim.Optimizer]:
        matrices = [p for name, p in self.model.named_parameters() if p.ndim == 2 and "embed" not in name]
        others = [p for name, p in self.model.named_parameters() if p.ndim != 2 or "embed" in name]
        return [
            Muon(matrices, self.recipe.matrix_rate),
            torch.optim.AdamW(others, self.recipe.other_rate, betas=(0.9, 0.98), weight_decay=0.0),
        ]

    @property
    def is_over(self) -> bool:
        return self.progress.rounds >= self.recipe.rounds + self.recipe.noted_rounds

    def begin_notes(self, folder: Path) -> None:
        """Begin with the rounds that have notes, from the exported model of the rounds before them."""
        self.model.load_state_dict(LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).state_dict())
        self.progress = Progress(self.recipe.rounds)

    def advance(self) -> None:
        """Train one round of conversations and say how it went."""
        start, index, recipe = time.monotonic(), self.progress.rounds, self.recipe
        stage = recipe.stage(index)
        if index == recipe.rounds:
            self._start_anew()
        batches = round_of_batches(
            self.tokenizer, f"{recipe.seed}/{index}", stage.parts, recipe.batch_tokens, stage.has_notes
        )
        losses = []
        for step, batch in enumerate(batches):
            self._set_rates(index + step / len(batches))
            losses.append(self._step(batch, stage.rest_weight))
            if step % 10 == 0:
                print(
                    f"round {index} step {step}/{len(batches)} loss {sum(losses[-10:]) / len(losses[-10:]):.3f}",
                    flush=True,
                )
        tokens, seconds = sum(batch.ids.numel() for batch in batches), time.monotonic() - start
        self.progress = Progress(
            index + 1, self.progress.tokens + tokens, self.progress.seconds + seconds, sum(losses) / len(losses)
        )
        rounds = recipe.rounds + recipe.noted_rounds
        print(
            f"round {index + 1}/{rounds}: loss {self.progress.loss:.4f}, {tokens / seconds:.0f} tokens/s, "
            f"{self.progress.tokens / 1e6:.1f} M tokens in {self.progress.seconds / 60:.1f} min",
            flush=True,
        )

    def save(self, path: Path) -> None:
        """Write everything needed to go on; an interrupted write never damages the older checkpoint."""
        part = path.with_suffix(".part")
        torch.save(
            {
                "model": self.model.state_dict(),
                "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
                "progress": (self.progress.rounds, self.progress.tokens, self.progress.seconds, self.progress.loss),
            },
            part,
        )
        part.replace(path)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint of the same recipe."""
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        self.progress = Progress(*state["progress"])

    def _step(self, batch: Batch, rest_weight: float) -> float:
        loss, said = weighted_loss(self.model, batch, rest_weight)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.model.zero_grad(set_to_none=True)
        return said

    def _start_anew(self) -> None:
        """New optimizers, and the weights as they are exported: whoever begins here with those gets the same."""
        self.model.to(torch.bfloat16).to(torch.float32)
        self.optimizers = self._new_optimizers()

    def _set_rates(self, at: float) -> None:
        for optimizer, rate in zip(self.optimizers, self._rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * self.recipe.rate(at)


def weighted_loss(model: LlamaForCausalLM, batch: Batch, rest_weight: float) -> tuple[Tensor, float]:
    """The loss to train on, and the mean over the assistant's tokens; only weighed positions meet the vocabulary."""
    hidden = model.model(input_ids=batch.ids[:, :-1], use_cache=False).last_hidden_state
    spoken = batch.spoken[:, 1:]
    wanted = spoken if rest_weight == 0 else ~batch.padding[:, 1:]
    logits = model.lm_head(hidden[wanted])
    losses = torch.nn.functional.cross_entropy(logits, batch.ids[:, 1:][wanted], reduction="none")
    weights = torch.where(spoken[wanted], 1.0, rest_weight)
    said = losses.detach()[spoken[wanted]].mean().item()
    return (losses * weights).sum() / weights.sum(), said
