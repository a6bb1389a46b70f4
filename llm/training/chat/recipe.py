"""The numbers of the recipe in one place."""

from __future__ import annotations

from dataclasses import dataclass

from transformers import LlamaConfig

from llm.training.chat.corpus import DRILL, LONG, RIVALS, SHORT, USUAL, Parts
from llm.training.chat.tokenizer import CONTEXT


@dataclass(frozen=True, slots=True)
class Stage:
    """One round: how many conversations of which kinds, the weight of what the assistant does not say, and whether the
    template's notes stand before the messages."""

    parts: Parts
    rest_weight: float = 0.0
    has_notes: bool = False


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run is made of. A round of conversations is the unit of progress and of checkpoints. The `drill_rounds`
    are about memory only: looking back is learned in 2 M tokens there, and hardly in 10 M where questions are rare. The
    `short_rounds` after them have short conversations (three times as many); both put a small weight on what people
    write, so that words are learned too. The `long_rounds` have more long ones (two thirds as many).

    After these `rounds` come `noted_rounds`, with new optimizers and a small rate: several people tell the same kind of
    thing, and the template's notes stand before their questions. Earlier they would delay that it learns to copy."""

    seed: int = 2026
    vocabulary: int = 2048
    hidden: int = 192
    intermediate: int = 384
    layers: int = 5
    heads: int = 6
    rounds: int = 32
    conversations: int = 1000
    drill_rounds: int = 7
    short_rounds: int = 3
    long_rounds: int = 12
    rest_weight: float = 0.1
    matrix_rate: float = 0.02
    other_rate: float = 0.003
    warmup: float = 0.02
    decay: float = 0.55
    noted_rounds: int = 3
    noted_rate: float = 0.3
    batch_tokens: int = 4096

    def config(self, bos: int, eos: int, pad: int) -> LlamaConfig:
        return LlamaConfig(
            vocab_size=self.vocabulary,
            hidden_size=self.hidden,
            intermediate_size=self.intermediate,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            num_key_value_heads=self.heads,
            head_dim=self.hidden // self.heads,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=True,
            bos_token_id=bos,
            eos_token_id=eos,
            pad_token_id=pad,
        )

    def stage(self, index: int) -> Stage:
        """What the round of this index is made of."""
        many = self.conversations
        if index < self.drill_rounds:
            return Stage(((many, DRILL),), self.rest_weight)
        if index < self.drill_rounds + self.short_rounds:
            return Stage(((many * 3, SHORT),), self.rest_weight)
        if index >= self.rounds:
            parts = ((many // 2, RIVALS), (many // 4, USUAL), (many // 16, DRILL))
            return Stage(parts, has_notes=True)
        if index >= self.rounds - self.long_rounds:
            return Stage(((many * 2 // 3, LONG),))
        return Stage(((many, USUAL),))

    def rate(self, at: float) -> float:
        """The factor on the learning rates after so many rounds: warm up, hold, decay linearly to nothing; then once
        more from `noted_rate` to nothing."""
        if at >= self.rounds:
            return self.noted_rate * max(0.0, 1 - (at - self.rounds) / self.noted_rounds)
        progress = at / self.rounds
        if progress < self.warmup:
            return max(0.01, progress / self.warmup)
        return min(1.0, (1 - progress) / self.decay)
