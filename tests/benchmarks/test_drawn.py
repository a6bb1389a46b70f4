"""Models of real shapes, without their memory: counted on the device that holds nothing."""

from __future__ import annotations

import pytest
import torch

from benchmarks import drawn

META, CPU = torch.device("meta"), torch.device("cpu")


@pytest.mark.parametrize(("name", "parameters"), [("1b", 1_235_814_400), ("8b", 8_030_261_248)])
def test_real_shapes_have_as_many_parameters_as_the_published_models(name: str, parameters: int) -> None:
    assert drawn.draw(drawn.REAL_SHAPES[name], META, nf4=False).num_parameters() == parameters


def test_a_step_reads_everything_but_an_input_embedding_of_its_own() -> None:
    tied, own = drawn.REAL_SHAPES["1b"], drawn.REAL_SHAPES["8b"]
    assert drawn.weight_bytes(drawn.draw(tied, META, nf4=False)) == 2 * 1_235_814_400
    assert drawn.weight_bytes(drawn.draw(own, META, nf4=False)) == 2 * (8_030_261_248 - own.vocabulary * own.width)


def test_nf4_takes_about_a_quarter_of_the_layers() -> None:
    shape = drawn.REAL_SHAPES["tiny"]
    embeddings = shape.vocabulary * shape.width * 2
    exact = drawn.weight_bytes(drawn.draw(shape, CPU, nf4=False)) - embeddings
    quantized = drawn.weight_bytes(drawn.draw(shape, CPU, nf4=True)) - embeddings
    assert 0.25 < quantized / exact < 0.35


def test_cache_of_one_token() -> None:
    assert drawn.cache_bytes(drawn.REAL_SHAPES["8b"]) == 128 * 1024
