"""The numbers of the recipe in one place."""

from __future__ import annotations

from dataclasses import dataclass

from transformers import LlamaConfig

from llm.training.chat.tokenizer import CONTEXT


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run is made of. A round of conversations is the unit of progress and of checkpoints. The `first_rounds`
    have short conversations and a small weight on what people write, so that words are learned before dialogue."""

    seed: int = 2026
    vocabulary: int = 2048
    hidden: int = 192
    intermediate: int = 384
    layers: int = 5
    heads: int = 6
    rounds: int = 32
    conversations: int = 1000
    first_rounds: int = 6
    rest_weight: float = 0.1
    matrix_rate: float = 0.02
    other_rate: float = 0.003
    warmup: float = 0.02
    decay: float = 0.45
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

    def rate(self, progress: float) -> float:
        """The factor on the learning rates at this share of the run: warm up, hold, decay linearly to nothing."""
        if progress < self.warmup:
            return max(0.01, progress / self.warmup)
        return min(1.0, max(0.0, (1 - progress) / self.decay))
