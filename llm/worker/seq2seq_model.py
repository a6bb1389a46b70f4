"""An encoder-decoder model and its tokenizer: texts → token ids → generated ids → texts. No asyncio, no HTTP."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase, StoppingCriteriaList

from llm.worker.languages import Direction, Languages
from llm.worker.seq2seq import DEFAULT_TOKENS, Options, Source
from llm.worker.task_schemas import MOST_BEAMS

UNSTATED_LENGTH = 1024  # tokens, for models with relative positions, which name no limit
LENGTHS_BEYOND = 10**6  # tokenizers that know no limit name a number of this kind
UNSET_MAX_LENGTH = 20  # what older files carry where nobody chose a length


class EncoderDecoder:
    """One model. `generate` belongs to one thread, everything else to another."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        self.languages = Languages.of(tokenizer)
        self._languages_tokens = frozenset(self.languages.tokens)
        positions = _positions(model)
        stated = tokenizer.model_max_length
        self.longest_source = int(min(positions, stated if stated and stated < LENGTHS_BEYOND else positions))
        self.longest_answer = positions - 1  # its first token starts the decoder
        self.bytes = int(model.get_memory_footprint())
        self._model = model
        self._tokenizer = tokenizer
        self._padding = int(tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0)

    def options(
        self, direction: Direction, max_tokens: int | None, min_tokens: int | None, num_beams: int | None
    ) -> Options:
        """What the request leaves open is the model's own choice, within what it can write."""
        own = self._model.generation_config
        chosen = own.max_new_tokens or (own.max_length if own.max_length != UNSET_MAX_LENGTH else None)
        longest = min(max_tokens or chosen or DEFAULT_TOKENS, self.longest_answer)
        shortest = min_tokens if min_tokens is not None else own.min_new_tokens or own.min_length or 0
        beams = num_beams or min(own.num_beams or 1, MOST_BEAMS)
        return Options(direction, longest, min(shortest, longest), beams)

    def encode(self, texts: Sequence[str], options: Options, abandoned: threading.Event) -> list[Source]:
        """What follows the longest source is cut away, and said so."""
        if options.direction.source is not None:
            self._tokenizer.src_lang = options.direction.source
        return [self._source(options.direction.prefix + text, options, abandoned) for text in texts]

    def _source(self, text: str, options: Options, abandoned: threading.Event) -> Source:
        ids = self._tokenizer(text, truncation=False)["input_ids"]
        truncated = len(ids) > self.longest_source
        if truncated:
            ids = self._tokenizer(text, truncation=True, max_length=self.longest_source)["input_ids"]
        return Source(ids, truncated, options, abandoned)

    def generate(self, sources: Sequence[Source]) -> list[list[int]]:
        """Greedy, or the best of the beams; ends early when nobody waits for any of the answers."""
        options = sources[0].options
        longest = max(len(source.ids) for source in sources)
        ids = [[*source.ids, *[self._padding] * (longest - len(source.ids))] for source in sources]
        mask = [[1] * len(source.ids) + [0] * (longest - len(source.ids)) for source in sources]
        device = self._model.device
        with torch.inference_mode():
            written = self._model.generate(
                input_ids=torch.tensor(ids, device=device),
                attention_mask=torch.tensor(mask, device=device),
                max_new_tokens=options.max_tokens,
                min_new_tokens=options.min_tokens,
                min_length=0,
                num_beams=options.num_beams,
                do_sample=False,
                stopping_criteria=StoppingCriteriaList([_Abandoned(sources)]),
                **_first_tokens(options.direction),
            )
        return [[int(token) for token in row] for row in written.tolist()]

    def decode(self, answers: Sequence[Sequence[int]]) -> list[str]:
        """Without special tokens, the languages' own included, and without spaces around."""
        spoken = [[token for token in ids if token not in self._languages_tokens] for ids in answers]
        return [str(self._tokenizer.decode(ids, skip_special_tokens=True)).strip() for ids in spoken]


class _Abandoned:
    """A stopping criterion of transformers: stops a batch of which nobody waits for anything any more."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._events = {source.abandoned for source in sources}

    def __call__(self, input_ids: torch.Tensor, scores: Any, **kwargs: Any) -> torch.Tensor:  # noqa: ANN401 - theirs
        over = all(event.is_set() for event in self._events)
        return torch.full((input_ids.shape[0],), over, device=input_ids.device, dtype=torch.bool)


def _first_tokens(direction: Direction) -> dict[str, int]:
    chosen = {"forced_bos_token_id": direction.forced_bos, "decoder_start_token_id": direction.decoder_start}
    return {name: token for name, token in chosen.items() if token is not None}


def _positions(model: PreTrainedModel) -> int:
    for name in ("max_position_embeddings", "n_positions", "max_encoder_position_embeddings"):
        stated = getattr(model.config, name, None)
        if isinstance(stated, int) and stated > 0:
            return stated
    return UNSTATED_LENGTH
