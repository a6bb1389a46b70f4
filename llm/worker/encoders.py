"""An encoder and its tokenizer: texts → windows of token ids → what the model's head says. No asyncio, no HTTP."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from llm.worker.classifiers import Activation, Array, Window
from llm.worker.errors import ApiError, LoadError
from llm.worker.letter_case import SETTING, letter_case
from llm.worker.pooling import Mode, pool

Head = Literal["tokens", "text", "vector"]
UNSTATED_LENGTH = 512  # tokens, for a model that names no longest input
LENGTHS_BEYOND = 10**6  # tokenizers that know no limit name a number of this kind


class Encoder:
    """One model for one kind of output. `windows` belongs to one thread, `run` to another."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        head: Head,
        mode: Mode = "mean",
        longest: int | None = None,
    ) -> None:
        """`mode` is how a "vector" is pooled; `longest` shortens the windows. Raises LoadError where it cannot work."""
        if not tokenizer.is_fast:
            raise LoadError(f"its tokenizer ({type(tokenizer).__name__}) cannot say where a token lies in the text")
        self.labels: dict[int, str] = {int(place): str(name) for place, name in model.config.id2label.items()}
        self.activation = _activation(model)
        self.limit = min(longest or LENGTHS_BEYOND, longest_input(model, tokenizer))
        self.bytes = int(model.get_memory_footprint())
        self._model = model
        self._tokenizer = tokenizer
        self._head = head
        self._mode: Mode = mode
        self._padding = int(tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0)
        self._letter_case = bool(getattr(model.config, SETTING, False))
        self._accepts = frozenset(inspect.signature(model.forward).parameters)

    def windows(self, texts: Sequence[str], overlap: int, seconds: Sequence[str] | None = None) -> list[list[Window]]:
        """Each text's windows of at most `limit` tokens; neighbours share `overlap` tokens. Raises ApiError."""
        if seconds is not None:
            self._check_room(seconds)
        encoded = self._tokenizer(
            list(texts),
            text_pair=None if seconds is None else list(seconds),
            truncation=True if seconds is None else "only_first",
            max_length=self.limit,
            stride=overlap,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
        )
        found: list[list[Window]] = [[] for _ in texts]
        for place, text in enumerate(encoded["overflow_to_sample_mapping"]):
            window = _window(encoded, place)
            found[text].append(self._with_letter_case(window, texts[text]) if self._letter_case else window)
        return found

    def run(self, windows: Sequence[Window]) -> list[Array]:
        """One batch, padded to its longest window."""
        inputs = self._padded(windows)
        with torch.inference_mode():
            output = self._model(**{name: value.to(self._model.device) for name, value in inputs.items()})
            if self._head == "vector":
                mask = inputs["attention_mask"].to(self._model.device)
                batch = pool(output.last_hidden_state, mask, self._mode)
            else:
                batch = output.logits.float()
        rows: Array = batch.cpu().numpy()
        if self._head == "tokens":
            return [row[: len(window.ids)] for row, window in zip(rows, windows, strict=True)]
        return list(rows)

    def _padded(self, windows: Sequence[Window]) -> dict[str, torch.Tensor]:
        shape = (len(windows), max(len(window.ids) for window in windows))
        ids = np.full(shape, self._padding, dtype=np.int64)
        mask, types = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        for row, window in enumerate(windows):
            length = len(window.ids)
            ids[row, :length], mask[row, :length] = window.ids, 1
            if window.types is not None:
                types[row, :length] = window.types
        inputs = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
        if windows[0].types is not None and "token_type_ids" in self._accepts:
            inputs["token_type_ids"] = torch.from_numpy(types)
        return inputs

    def _with_letter_case(self, window: Window, text: str) -> Window:
        return replace(window, types=letter_case(text, window.offsets))

    def _check_room(self, seconds: Sequence[str]) -> None:
        """At least half of each window belongs to the text itself."""
        for second in set(seconds):
            tokens = len(self._tokenizer(second, add_special_tokens=False)["input_ids"])
            if tokens > self.limit // 2:
                raise ApiError(f"labels: a label may have {self.limit // 2} tokens here at most", param="labels")


def _activation(model: PreTrainedModel) -> Activation:
    """What makes probabilities of a text classifier's numbers, as transformers' pipeline chooses it."""
    kind = model.config.problem_type
    if kind == "regression":
        return "none"
    return "sigmoid" if kind == "multi_label_classification" or model.config.num_labels == 1 else "softmax"


def longest_input(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """Tokens, special ones included, that the model can read at once."""
    positions = getattr(model.config, "max_position_embeddings", None) or UNSTATED_LENGTH
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            # RoBERTa's kind counts positions from behind the padding token's number
            positions = module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1)
            break
    stated = tokenizer.model_max_length
    return int(min(positions, stated if stated and stated < LENGTHS_BEYOND else positions))


def _window(encoded: Any, place: int) -> Window:  # noqa: ANN401 - transformers' BatchEncoding
    types = encoded.get("token_type_ids")
    return Window(
        ids=encoded["input_ids"][place],
        types=None if types is None else types[place],
        offsets=encoded["offset_mapping"][place],
        words=encoded.encodings[place].word_ids,
        special=encoded["special_tokens_mask"][place],
    )
