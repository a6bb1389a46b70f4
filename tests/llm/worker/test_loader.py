"""From a name to a model: what is found, what is refused with one clear line, what is quantized."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from llm.builtin import EMBEDDED
from llm.config import Quantization, WorkerSettings
from llm.worker.errors import LoadError
from llm.worker.loader import LoadedModel, load
from llm.worker.names import locate, served_name
from llm.worker.task_loader import load_task
from tests.llm.worker.running import make_llama, running


def quietly(name: str, quantization: Quantization = "none") -> LoadedModel:
    return load(name, quantization, "cpu", lambda reason, progress: None)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_llama(tmp_path_factory.mktemp("small"), width=64)


def copied(source: Path, target: Path) -> Path:
    target.mkdir(exist_ok=True)
    for file in source.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    return target


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("owner/name", ("owner/name", "main")),
        ("owner/name@v1.5", ("owner/name", "v1.5")),
        ("owner/name@abc/def", ("owner/name", "abc/def")),
    ],
)
def test_hub_names(name: str, expected: tuple[str, str]) -> None:
    assert locate(name) == expected


@pytest.mark.parametrize("name", ["/no/such/folder", "./nowhere", "nonsense", "a/b/c", "", "embedded/nowhere"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(LoadError) as refused:
        locate(name)
    assert "\n" not in str(refused.value)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"no config\.json"):
        locate(str(tmp_path))


def test_the_reserved_name() -> None:
    assert served_name("embedded") == "embedded/chat"
    if (EMBEDDED / "chat" / "config.json").is_file():
        assert locate("embedded") == locate("embedded/chat") == (str(EMBEDDED / "chat"), "main")


def test_what_is_known_about_a_model(small: Path) -> None:
    loaded = quietly(str(small))
    assert (loaded.context, loaded.device, loaded.quantization) == (512, "cpu", "none")
    assert loaded.kv_bytes_per_token == 2 * 2 * 2 * 16 * 4
    assert loaded.eos_ids == {loaded.template.encode("<|end|>")[0]}
    assert len(loaded.hidden_ids) == 4
    assert loaded.model.dtype == torch.float32


def test_half_precision_is_computed_in_float32_on_a_cpu(small: Path, tmp_path: Path) -> None:
    copied(small, tmp_path)
    weights = {name: value.to(torch.bfloat16) for name, value in load_file(small / "model.safetensors").items()}
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    config = json.loads((small / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "dtype": "bfloat16"}))
    assert quietly(str(tmp_path)).model.dtype == torch.float32


def test_the_models_own_sampling_defaults(small: Path, tmp_path: Path) -> None:
    copied(small, tmp_path)
    own = {"do_sample": True, "temperature": 0.6, "top_p": 0.9, "top_k": 20}
    (tmp_path / "generation_config.json").write_text(json.dumps(own))
    defaults = quietly(str(tmp_path)).defaults
    assert (defaults.temperature, defaults.top_p, defaults.top_k) == (0.6, 0.9, 20)


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_broken_file(small: Path, tmp_path: Path, file: str) -> None:
    copied(small, tmp_path)
    (tmp_path / file).write_bytes(b"\x00 not what it was")
    with pytest.raises(LoadError) as refused:
        quietly(str(tmp_path))
    assert "\n" not in str(refused.value)


def test_missing_weights_are_not_made_up(small: Path, tmp_path: Path) -> None:
    copied(small, tmp_path)
    weights = load_file(small / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(LoadError, match="missing"):
        quietly(str(tmp_path))


def test_pickled_weights_are_not_read(small: Path, tmp_path: Path) -> None:
    copied(small, tmp_path)
    torch.save(load_file(small / "model.safetensors"), tmp_path / "pytorch_model.bin")
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(LoadError, match=r"are pickled \(pytorch_model\.bin\)"):
        quietly(str(tmp_path))


CODE = """
from transformers import LlamaConfig, LlamaForCausalLM

class OwnConfig(LlamaConfig):
    model_type = "own"

class OwnModel(LlamaForCausalLM):
    config_class = OwnConfig
"""


@pytest.fixture
def with_code(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder whose model exists in the Python file beside it only."""
    folder = copied(small, tmp_path / "with_code")
    config = json.loads((small / "config.json").read_text())
    own = {"model_type": "own", "auto_map": {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.OwnModel"}}
    (folder / "config.json").write_text(json.dumps(config | own))
    (folder / "own.py").write_text(CODE)
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    return str(folder)


def test_a_models_own_code_is_not_run(with_code: str) -> None:
    with pytest.raises(LoadError, match="brings its own code") as refused:
        quietly(with_code)
    assert f'trust_remote_code = ["{with_code}"]' in str(refused.value)
    with pytest.raises(LoadError, match="brings its own code"):
        load(with_code, "none", "cpu", lambda *_: None, trusted=["owner/other"])


def test_the_code_of_a_model_that_the_owner_named_runs(with_code: str) -> None:
    loaded = load(with_code, "none", "cpu", lambda *_: None, trusted=[with_code])
    assert type(loaded.model).__name__ == "OwnModel"


def test_what_a_model_wants_and_the_engine_has_not(small: Path, tmp_path: Path) -> None:
    copied(small, tmp_path)
    own = {"repetition_penalty": 1.3, "no_repeat_ngram_size": 0, "temperature": 0.5, "do_sample": True}
    (tmp_path / "generation_config.json").write_text(json.dumps(own))
    assert quietly(str(tmp_path)).ignored == {"repetition_penalty": 1.3}


def test_a_model_that_cannot_be_batched_is_refused_before_it_is_read(small: Path, tmp_path: Path) -> None:
    copied(small, tmp_path)
    latent = {"model_type": "deepseek_v3", "kv_lora_rank": 32, "num_hidden_layers": 1, "hidden_size": 64}
    (tmp_path / "config.json").write_text(json.dumps(latent))
    with pytest.raises(LoadError, match="multi-head latent attention"):
        quietly(str(tmp_path))
    types = ["full_attention", "linear_attention"]
    mixed = {"model_type": "llama", "num_hidden_layers": 2, "layer_types": types}
    (tmp_path / "config.json").write_text(json.dumps(mixed))
    with pytest.raises(LoadError, match="layers of type linear_attention"):
        quietly(str(tmp_path))


def test_a_config_that_contradicts_itself(small: Path, tmp_path: Path) -> None:
    copied(small, tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama", "layer_types": ["full_attention"]}))
    with pytest.raises(LoadError, match=r"num_hidden_layers.*must be equal") as refused:
        quietly(str(tmp_path))
    assert "\n" not in str(refused.value)


def test_the_list_of_models_says_how_it_was_loaded_and_why(small: Path, tmp_path: Path) -> None:
    copied(small, tmp_path)
    (tmp_path / "generation_config.json").write_text(json.dumps({"repetition_penalty": 1.3}))
    with running(WorkerSettings(model=str(tmp_path), device="cpu")) as worker:
        (entry,) = worker.client.get("/v1/models").json()["data"]
    assert (entry["quantization"], entry["ignored"]) == ("none", {"repetition_penalty": 1.3})
    assert "with room for 512 tokens" in entry["why"]


def test_nf4_on_a_cpu_needs_widths_of_64(tmp_path: Path) -> None:
    make_llama(tmp_path, width=96)
    with pytest.raises(LoadError, match=r"multiples of 64.*96 wide"):
        quietly(str(tmp_path), "nf4")


def test_auto_does_not_quantize_on_a_cpu(small: Path) -> None:
    assert quietly(str(small), "auto").quantization == "none"


@pytest.mark.parametrize("quantization", ["int8", "nf4"])
def test_quantized_models_answer_many_at_once(small: Path, quantization: Quantization) -> None:
    with running(WorkerSettings(model=str(small), quantization=quantization, device="cpu")) as worker:
        chat = worker.serving.chat
        assert chat is not None and chat.loaded.quantization == quantization
        assert chat.loaded.model.is_quantized
        assert worker.text(say="hello", max_tokens=10, temperature=0) == worker.text(
            say="hello", max_tokens=10, temperature=0
        )


@pytest.mark.skipif(torch.cuda.is_available(), reason="here is a GPU")
def test_a_gpu_that_is_not_there_is_refused_for_every_model(small: Path) -> None:
    with pytest.raises(LoadError, match="torch sees no CUDA GPU"):
        load(str(small), "none", "cuda", lambda reason, progress: None)
    with pytest.raises(LoadError, match=r"\[tasks\] entities: .* torch sees no CUDA GPU"):
        load_task("entities", str(small), "cuda")
