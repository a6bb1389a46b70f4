"""A spread model's cache, on one device: a CPU called by two names goes the whole way that a second GPU would."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from accelerate import dispatch_model
from transformers import AutoModelForCausalLM, ContinuousBatchingConfig, GenerationConfig, PreTrainedModel

from llm.worker.spreading import is_spread, reach_across
from tests.llm.worker.running import make_llama, until

PROMPTS = [list(range(40)), list(range(7))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(4)
    return make_llama(tmp_path_factory.mktemp("spread"), width=64, ends=False)


def generated(model: PreTrainedModel, home: torch.device | None) -> list[list[int]]:
    manager = model.init_continuous_batching(
        generation_config=GenerationConfig(max_new_tokens=8, do_sample=False, eos_token_id=-1),
        continuous_batching_config=ContinuousBatchingConfig(page_size=16, num_blocks=16, max_batch_tokens=32),
    )
    manager.warmup()
    if home is not None:
        reach_across(manager.batch_processor.cache, home)
    manager.start()
    try:
        names = [manager.add_request(prompt, max_new_tokens=8) for prompt in PROMPTS]
        done: dict[str, list[int]] = {}

        def all_done() -> bool:
            result = manager.get_result(timeout=0.1)
            if result is not None and result.is_finished():
                done[result.request_id] = result.generated_tokens
            return len(done) == len(names)

        until(all_done, 60)
        return [done[name] for name in names]
    finally:
        manager.stop(block=True)


def test_keys_and_values_that_travel_say_the_same(folder: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    assert not is_spread(model)
    expected = generated(model, home=None)
    modules = ["model.embed_tokens", "model.layers.0", "model.layers.1", "model.norm", "model.rotary_emb", "lm_head"]
    hooked = dispatch_model(model, dict.fromkeys(modules, "cpu"), main_device="cpu", force_hooks=True)
    assert generated(hooked, home=torch.device("cpu:0")) == expected


def test_a_model_on_two_devices_is_seen(folder: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(folder)
    model.hf_device_map = {"model.layers.0": 0, "model.layers.1": 1}
    assert is_spread(model)
