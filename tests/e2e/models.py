"""Models made on the spot for what the built-in one is too quick for."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from llm.builtin import EMBEDDED


def slow_model(folder: Path) -> Path:
    """A model with random weights that takes tens of milliseconds per token and never ends a turn by itself.

    It has the built-in model's tokenizer and template. Read greedily: the end-of-turn token has a logit of 0.
    """
    tokenizer = AutoTokenizer.from_pretrained(EMBEDDED / "chat")
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=512,
        intermediate_size=1536,
        num_hidden_layers=12,
        num_attention_heads=8,
        num_key_value_heads=4,
        max_position_embeddings=2048,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=False,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        model.lm_head.weight[tokenizer.all_special_ids] = 0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
