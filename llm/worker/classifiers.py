"""What the encoder models answer: names in texts, labels of texts, vectors of texts.

Texts become windows that fit the model, windows are computed micro-batched together with everybody else's, and what
comes out is put together again for each text. It knows no torch, no HTTP and no settings file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from llm.worker.errors import NotReady
from llm.worker.microbatch import RETRY_S, MicroBatcher
from llm.worker.spans import Entity, Piece, entities
from llm.worker.threads import Threads

Array = NDArray[np.float32]
Activation = Literal["softmax", "sigmoid", "none"]
T = TypeVar("T")
Combine = Callable[[Array, Array], Array]  # ([windows, labels], [windows] weights) → [labels]

HYPOTHESIS = "This example is {}."  # what transformers' zero-shot pipeline asks, too
LARGEST_OVERLAP = 128  # tokens that neighbouring windows of a long text share


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a text that fits the model: token ids, special ones included, and where each token comes from."""

    ids: Sequence[int]
    types: Sequence[int] | None
    offsets: Sequence[tuple[int, int]]
    words: Sequence[int | None]
    special: Sequence[int]

    @property
    def content(self) -> int:
        """Tokens that are not special."""
        return len(self.ids) - sum(self.special)


class TextEncoder(Protocol):
    """A model as `encoders.Encoder` wraps it; both methods block and are called in the task threads."""

    @property
    def limit(self) -> int:
        """Tokens of the longest window, special ones included."""
        ...

    @property
    def bytes(self) -> int:
        """Memory that the weights take."""
        ...

    @property
    def labels(self) -> dict[int, str]:
        """The names of the model's classes."""
        ...

    @property
    def activation(self) -> Activation:
        """What makes probabilities of a text classifier's numbers."""
        ...

    def windows(self, texts: Sequence[str], overlap: int, seconds: Sequence[str] | None = None) -> list[list[Window]]:
        """The windows of each text (with its second text, whole, in each of them); at least one for each."""
        ...

    def run(self, windows: Sequence[Window]) -> list[Array]:
        """Per window what the model's head says: [tokens, labels], [labels] or [width]."""
        ...


class TaskModel(Protocol):
    """What every served task model has."""

    @property
    def name(self) -> str:
        """The name under which it is listed."""
        ...

    @property
    def max_model_len(self) -> int:
        """Tokens that it reads at once."""
        ...

    @property
    def bytes(self) -> int:
        """Memory that the weights take."""
        ...

    def about(self) -> dict[str, Any]:
        """What else is said of it in the list of models."""
        ...

    async def close(self, reason: str) -> None:
        """Refuse what waits and what comes."""
        ...


@dataclass(slots=True)
class EncoderModel:
    """One loaded encoder with its batcher; the tasks below say what its output means."""

    name: str
    encoder: TextEncoder
    batcher: MicroBatcher[Window, Array]
    threads: Threads
    timeout_s: float

    @property
    def max_model_len(self) -> int:
        return self.encoder.limit

    @property
    def bytes(self) -> int:
        return self.encoder.bytes

    def about(self) -> dict[str, Any]:
        return {}

    async def close(self, reason: str) -> None:
        await self.batcher.close(reason)

    async def compute(
        self,
        texts: Sequence[str],
        finish: Callable[[list[list[Window]], list[list[Array]]], T],
        overlap: int = 0,
        seconds: Sequence[str] | None = None,
    ) -> T:
        """Windows of the texts, their outputs, and `finish` over both, all beside the event loop. Raises ApiError."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.timeout_s):
                windows = await loop.run_in_executor(self.threads.text, self.encoder.windows, texts, overlap, seconds)
                outputs = await self.batcher.submit([window for of_text in windows for window in of_text])
                bounds = pairwise(accumulate((len(of_text) for of_text in windows), initial=0))
                grouped = [outputs[first:last] for first, last in bounds]
                return await loop.run_in_executor(self.threads.text, finish, windows, grouped)
        except TimeoutError:
            raise NotReady(
                f"The model {self.name!r} did not answer within {self.timeout_s:g} s; try again later.",
                code="task_timeout",
                retry_after_s=RETRY_S,
            ) from None


class EntityModel(EncoderModel):
    """Token classification: the names in texts."""

    async def entities(self, texts: Sequence[str]) -> list[list[Entity]]:
        """The entities of each text. A long text is read in overlapping windows; each token counts where it is seen
        with the most text on both sides."""
        overlap = min(LARGEST_OVERLAP, self.encoder.limit // 4)

        def finish(windows: list[list[Window]], outputs: list[list[Array]]) -> list[list[Entity]]:
            return [
                entities(text, _joined(of_text, logits, overlap), self.encoder.labels)
                for text, of_text, logits in zip(texts, windows, outputs, strict=True)
            ]

        return await self.compute(texts, finish, overlap)


@dataclass(slots=True)
class LabelModel(EncoderModel):
    """Text classification with the model's own labels. `multi_label`: each label for itself (sigmoid)."""

    multi_label: bool = False
    harmless: frozenset[str] = frozenset()
    threshold: float = 0.5

    async def scores(self, texts: Sequence[str]) -> list[dict[str, float]]:
        """Per text a probability for each label; of a long text the mean over its windows, by their length."""
        return await self._scores(texts, lambda windows, weights: np.average(windows, axis=0, weights=weights))

    async def moderate(self, texts: Sequence[str]) -> list[dict[str, float]]:
        """Per text a score for each label that is not harmless; of a long text the highest of its windows."""
        scored = await self._scores(texts, lambda windows, _: windows.max(axis=0))
        return [{name: p for name, p in scores.items() if name.lower() not in self.harmless} for scores in scored]

    async def _scores(self, texts: Sequence[str], combine: Combine) -> list[dict[str, float]]:
        function = sigmoid if self.multi_label else softmax

        def finish(windows: list[list[Window]], outputs: list[list[Array]]) -> list[dict[str, float]]:
            return [
                self._named(combine(function(np.stack(logits)), _weights(of_text)))
                for of_text, logits in zip(windows, outputs, strict=True)
            ]

        return await self.compute(texts, finish)

    def _named(self, scores: Array) -> dict[str, float]:
        return {self.encoder.labels[place]: float(score) for place, score in enumerate(scores)}


@dataclass(slots=True)
class ZeroShotModel(EncoderModel):
    """A model trained on natural language inference: does "This example is <label>." follow from the text?"""

    entailment: int = 0

    async def scores(self, texts: Sequence[str], labels: Sequence[str]) -> list[dict[str, float]]:
        """Per text a probability for each label; they sum to one, or for a single label stand against its opposite."""
        firsts = [text for text in texts for _ in labels]
        seconds = [HYPOTHESIS.format(label) for _ in texts for label in labels]

        def finish(windows: list[list[Window]], outputs: list[list[Array]]) -> list[dict[str, float]]:
            pairs = zip(windows, outputs, strict=True)
            logits = np.stack([np.average(np.stack(out), axis=0, weights=_weights(of)) for of, out in pairs])
            per_text = logits.reshape(len(texts), len(labels), -1)
            return [dict(zip(labels, map(float, self._choose(text)), strict=True)) for text in per_text]

        return await self.compute(firsts, finish, seconds=seconds)

    def _choose(self, logits: Array) -> Array:
        """[labels, classes of the model] → [labels]."""
        if len(logits) > 1:
            return softmax(logits[:, self.entailment])
        contradiction = -1 if self.entailment == 0 else 0
        return softmax(logits[:, [contradiction, self.entailment]])[:, 1]


class EmbeddingModel(EncoderModel):
    """Vectors of texts."""

    async def embed(self, texts: Sequence[str]) -> tuple[Array, int]:
        """([texts, width] of unit length, tokens read). Of a long text the mean of its windows, by their length."""

        def finish(windows: list[list[Window]], outputs: list[list[Array]]) -> tuple[Array, int]:
            pairs = zip(windows, outputs, strict=True)
            mixed = np.stack([np.average(np.stack(out), axis=0, weights=_weights(of)) for of, out in pairs])
            vectors = mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-12)
            return vectors.astype(np.float32), sum(len(window.ids) for of_text in windows for window in of_text)

        return await self.compute(texts, finish)


def softmax(logits: Array) -> Array:
    """Over the last axis."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: Array = raised / raised.sum(axis=-1, keepdims=True)
    return shares


def sigmoid(logits: Array) -> Array:
    """Each number for itself."""
    return np.asarray(1.0 / (1.0 + np.exp(-logits)), dtype=np.float32)


def _weights(windows: Sequence[Window]) -> Array:
    """How much each window counts: by its content; a text without any counts through its one empty window."""
    return np.array([max(1, window.content) for window in windows], dtype=np.float32)


def _joined(windows: Sequence[Window], logits: Sequence[Array], overlap: int) -> list[Piece]:
    """The pieces of a whole text: of what two windows share, the first half is taken from the left one."""
    pieces: list[Piece] = []
    for place, (window, scores) in enumerate(zip(windows, map(softmax, logits), strict=True)):
        inner = [token for token, special in enumerate(window.special) if not special]
        first = overlap - overlap // 2 if place > 0 else 0
        last = len(inner) - overlap // 2 if place < len(windows) - 1 else len(inner)
        pieces += [_piece(window, token, scores) for token in inner[first:last]]
    return pieces


def _piece(window: Window, token: int, scores: Any) -> Piece:  # noqa: ANN401 - numpy's indexing
    start, end = window.offsets[token]
    return Piece(start, end, window.words[token], scores[token])
