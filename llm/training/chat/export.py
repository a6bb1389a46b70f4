"""A trained run → a folder that AutoModelForCausalLM and AutoTokenizer load, in bfloat16."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from transformers import GenerationConfig

from llm.training.chat.tokenizer import for_transformers
from llm.training.chat.training import Run


def export(run: Run, folder: Path) -> None:
    """Write config, weights, tokenizer, chat template and sampling defaults into `folder`."""
    tokenizer = for_transformers(run.tokenizer)
    model = copy.deepcopy(run.model).to(torch.bfloat16)
    model.generation_config = GenerationConfig(
        do_sample=True,
        temperature=0.3,
        top_p=0.9,
        top_k=40,
        max_new_tokens=256,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
