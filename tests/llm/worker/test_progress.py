"""The progress figure while loading is the share of weights that has been read."""

from __future__ import annotations

from pathlib import Path

from llm.worker.loader import LOADED, LOADING, load


def test_the_figure_follows_the_weights(bytes_folder: Path) -> None:
    seen: list[tuple[str, float]] = []
    load(str(bytes_folder), "none", "cpu", lambda reason, progress: seen.append((reason, progress)))
    shares = [progress for reason, progress in seen if reason.startswith("reading the weights")]
    assert shares[0] == LOADING and shares[-1] == LOADED
    assert len(set(shares)) > 10  # the tiny model has about twenty tensors
    assert [progress for _, progress in seen] == sorted(progress for _, progress in seen)
