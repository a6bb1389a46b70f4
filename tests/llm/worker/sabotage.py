"""Failures on purpose, inside a real model: what its embedding layer sees decides whether a step fails, or hangs.

Run as `python -m tests.llm.worker.sabotage …` it is the real worker process, where a HANG in a prompt hangs the step.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch.nn.modules.module import register_module_forward_pre_hook

HANG = "\x01"
HANG_ID = 189  # its token in the byte models of `running`


@contextmanager
def sabotage(model: torch.nn.Module, look: Callable[[torch.Tensor], None]) -> Iterator[None]:
    """Call `look(ids)` in the loop's thread before each step; whatever it raises is the step's failure."""

    def before(_module: torch.nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
        look(arguments[0])

    (embedding,) = (module for module in model.modules() if isinstance(module, torch.nn.Embedding))
    handle = embedding.register_forward_pre_hook(before)
    try:
        yield
    finally:
        handle.remove()


def _hang(module: torch.nn.Module, arguments: tuple[object, ...]) -> None:
    ids = arguments[0] if arguments else None
    if isinstance(module, torch.nn.Embedding) and isinstance(ids, torch.Tensor) and bool((ids == HANG_ID).any()):
        threading.Event().wait()


if __name__ == "__main__":
    from llm.worker.__main__ import build_command

    register_module_forward_pre_hook(_hang)
    build_command()()
