"""A LoRA adapter over the model: merged and unmerged alike, under its own name; what does not fit is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from peft import IA3Config, LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from llm.config import Quantization, WorkerSettings
from llm.worker.errors import LoadError
from llm.worker.loader import load
from tests.llm.worker.running import make_llama, running

LINEAR = ["q_proj", "v_proj", "down_proj"]
PROMPT = torch.arange(40).unsqueeze(0)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    return make_llama(tmp_path_factory.mktemp("base"), width=64, ends=False)


@pytest.fixture(scope="module")
def adapter(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_adapter(base, tmp_path_factory.mktemp("adapter"))


def make_adapter(base: Path, folder: Path) -> Path:
    """A random adapter that changes the model a lot, so that nobody can mistake one for the other."""
    torch.manual_seed(2)
    config = LoraConfig(r=8, lora_alpha=64, target_modules=LINEAR, init_lora_weights=False, task_type="CAUSAL_LM")
    get_peft_model(AutoModelForCausalLM.from_pretrained(base), config).save_pretrained(folder)
    return folder


def logits(base: Path, adapter: Path | None, quantization: Quantization = "none") -> torch.Tensor:
    loaded = load(str(base), quantization, "cpu", lambda *_: None, adapter=None if adapter is None else str(adapter))
    with torch.inference_mode():
        return loaded.model(PROMPT).logits


def test_merged_it_computes_what_peft_computes(base: Path, adapter: Path) -> None:
    from peft import PeftModel

    reference = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), str(adapter)).eval()
    with torch.inference_mode():
        expected = reference(PROMPT).logits
    merged = logits(base, adapter)
    assert torch.allclose(merged, expected, atol=1e-4)
    assert not torch.allclose(merged, logits(base, None), atol=0.1)


def test_beside_quantized_weights_it_stays_unmerged_and_says_the_same(base: Path, adapter: Path) -> None:
    loaded = load(str(base), "nf4", "cpu", lambda *_: None, adapter=str(adapter))
    assert any(".lora_A." in name for name, _ in loaded.model.named_parameters())
    with torch.inference_mode():
        beside = loaded.model(PROMPT).logits
    exact = logits(base, adapter)
    assert torch.nn.functional.cosine_similarity(beside, exact, dim=-1).mean() > 0.9


@pytest.mark.parametrize("quantization", ["none", "int8", "nf4"])
def test_it_is_served_under_its_own_name(base: Path, adapter: Path, quantization: Quantization) -> None:
    settings = WorkerSettings(model=str(base), adapter=str(adapter), quantization=quantization, device="cpu")
    with running(settings) as worker:
        (entry,) = worker.client.get("/v1/models").json()["data"]
        assert (entry["id"], entry["quantization"]) == (str(adapter), quantization)
        assert worker.ask().status_code == 404  # the base model: nobody gets the adapter by accident
        worker.model = str(adapter)
        assert worker.text(max_tokens=8, temperature=0) == worker.text(max_tokens=8, temperature=0)


def refused(base: Path, adapter: Path) -> str:
    with pytest.raises(LoadError) as error:
        logits(base, adapter)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_another_base_model(base: Path, adapter: Path, tmp_path: Path) -> None:
    wider = make_llama(tmp_path, width=128)
    said = refused(wider, adapter)
    assert "does not fit the model" in said and str(base) in said and "size mismatch" in said


def test_a_deeper_base_model(base: Path, tmp_path: Path) -> None:
    config = json.loads((base / "config.json").read_text())
    shallow = make_llama(tmp_path / "shallow", width=64)
    (tmp_path / "shallow" / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 1}))
    assert "layers differ" in refused(shallow, make_adapter(base, tmp_path / "adapter"))


def test_other_layers(base: Path, adapter: Path, tmp_path: Path) -> None:
    config = json.loads((adapter / "adapter_config.json").read_text())
    (tmp_path / "adapter_config.json").write_text(json.dumps({**config, "target_modules": ["query_key_value"]}))
    (tmp_path / "adapter_model.safetensors").write_bytes((adapter / "adapter_model.safetensors").read_bytes())
    assert "query_key_value" in refused(base, tmp_path)


def test_not_an_adapter(base: Path, adapter: Path, tmp_path: Path) -> None:
    assert "holds no adapter" in refused(base, base)
    (tmp_path / "adapter_config.json").write_bytes((adapter / "adapter_config.json").read_bytes())
    assert "has no weights" in refused(base, tmp_path)
    (tmp_path / "adapter_model.bin").write_bytes(b"\x80")
    assert "are pickled (adapter_model.bin)" in refused(base, tmp_path)
    assert "unknown model 'nowhere'" in refused(base, Path("nowhere"))


def test_another_kind_of_adapter(base: Path, tmp_path: Path) -> None:
    config = IA3Config(target_modules=LINEAR, feedforward_modules=["down_proj"], task_type="CAUSAL_LM")
    get_peft_model(AutoModelForCausalLM.from_pretrained(base), config).save_pretrained(tmp_path)
    assert "LoRA only" in refused(base, tmp_path)


def test_an_adapter_in_place_of_the_model(base: Path, adapter: Path, tmp_path: Path) -> None:
    """transformers would follow the name of the base model inside it, wherever that leads."""
    for file in base.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "adapter_config.json").write_bytes((adapter / "adapter_config.json").read_bytes())
    with pytest.raises(LoadError, match=r"belongs into \[worker\] adapter"):
        load(str(tmp_path), "none", "cpu", lambda *_: None)
