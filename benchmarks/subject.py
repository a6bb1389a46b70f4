"""What is measured: a worker with a random model and the shipped settings, or the one that runs at --url."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import load, models


def add_options(parser: argparse.ArgumentParser, model: str = "15m") -> None:
    parser.add_argument("--url", help="measure the worker that runs there, with its model")
    parser.add_argument("--model", choices=list(models.SHAPES), default=model, help="size of the random model")


@contextmanager
def worker(chosen: argparse.Namespace) -> Iterator[load.Server]:
    """The worker that the options name; one that was started here ends with the block."""
    if chosen.url:
        yield load.running(chosen.url)
        return
    with models.saved(chosen.model) as folder, load.worker(folder) as server:
        yield server
