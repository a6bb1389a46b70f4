"""The random Llamas that benchmarks run, and prompts for them. It knows no engine and no HTTP.

Speed does not depend on what the weights say, so they are drawn on the spot and nothing is downloaded. The tokenizer is
byte-level as Llama 3's is: whole words first, else bytes. A model only ever says whole words, greedily at least: the
rows of bytes and control tokens are zero. So every answer is as long as was asked for, and reads back as the same ids.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from string import ascii_lowercase
from tempfile import TemporaryDirectory

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel, PreTrainedTokenizerFast
from transformers.utils import logging

BYTES = 256
CONTROLS = ["<|system|>", "<|user|>", "<|assistant|>", "<|end|>"]
TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|> {{ m['content'] | trim }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
AROUND_ONE_MESSAGE = 3  # tokens that the template puts around a single user message
CONTEXT = 2048


@dataclass(frozen=True, slots=True)
class Shape:
    """The numbers that make a Llama's size."""

    vocabulary: int
    width: int
    inner: int
    layers: int
    heads: int
    key_heads: int
    tied: bool = True  # input and output embeddings are one matrix

    def config(self) -> LlamaConfig:
        """`<|end|>`, the last token, is the end of turn."""
        return LlamaConfig(
            vocab_size=self.vocabulary,
            hidden_size=self.width,
            intermediate_size=self.inner,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            num_key_value_heads=self.key_heads,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=self.tied,
            bos_token_id=None,
            eos_token_id=self.vocabulary - 1,
        )


SHAPES = {
    "tiny": Shape(vocabulary=1_000, width=64, inner=128, layers=2, heads=4, key_heads=2),
    "15m": Shape(vocabulary=32_000, width=288, inner=768, layers=6, heads=6, key_heads=6),
    "135m": Shape(vocabulary=49_152, width=576, inner=1536, layers=30, heads=9, key_heads=3),
}


def random_llama(name: str, dtype: torch.dtype) -> PreTrainedModel:
    """The model of that shape, the same weights each time."""
    torch.manual_seed(0)
    model = LlamaForCausalLM(SHAPES[name].config()).to(dtype).eval()
    with torch.no_grad():  # their logit is 0, and the best of thousands of random ones is above that
        rows = model.get_input_embeddings().weight
        rows[:BYTES] = 0
        rows[-len(CONTROLS) :] = 0
    return model


def word_tokenizer(vocabulary: int) -> PreTrainedTokenizerFast:
    """Bytes, then words of four letters with a space before them, then the control tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    known = [*alphabet, *("Ġ" + word for word in words(vocabulary - BYTES - len(CONTROLS)))]
    places = {text: place for place, text in enumerate(known)}
    tokenizer = Tokenizer(models.BPE(vocab=places, merges=[], ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(CONTROLS)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=CONTROLS[-1])
    fast.chat_template = TEMPLATE
    return fast


def words(count: int) -> list[str]:
    """aaaa, aaab, …"""
    return ["".join(letters) for letters in islice(product(ascii_lowercase, repeat=4), count)]


def prompts(count: int, length: int, vocabulary: int, seed: int = 1) -> list[list[int]]:
    """Random token ids, for an engine without HTTP."""
    generator = torch.Generator().manual_seed(seed)
    drawn: list[list[int]] = torch.randint(0, vocabulary, (count, length), generator=generator).tolist()
    return drawn


def sayings(count: int, length: int, seed: int = 1) -> list[str]:
    """Random user messages; alone in its prompt, one makes a prompt of `length` tokens with any of these models."""
    known = words(SHAPES["tiny"].vocabulary - BYTES - len(CONTROLS))
    draw = random.Random(seed)
    return [" ".join(draw.choices(known, k=max(1, length - AROUND_ONE_MESSAGE))) for _ in range(count)]


@contextmanager
def saved(name: str, dtype: torch.dtype = torch.bfloat16) -> Iterator[Path]:
    """A temporary folder with the model and its tokenizer, as from the hub."""
    logging.disable_progress_bar()
    with TemporaryDirectory(prefix="steward-bench-") as folder:
        random_llama(name, dtype).save_pretrained(folder)
        word_tokenizer(SHAPES[name].vocabulary).save_pretrained(folder)
        yield Path(folder)
