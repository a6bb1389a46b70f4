"""A chat model that answers typed questions: one forward per prompt, read at the labels of the options.

Prompts, labels and the shape of answers are those of transformers' decision pipeline; what is added is that it shares
the model with the generation loop. The questions' common beginning, which is the state, is computed once.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jinja2 import TemplateError
from transformers import DynamicCache, PreTrainedModel, PreTrainedTokenizerBase
from transformers.decision import DecisionConfig
from transformers.decision.template_utils import label_token_ids, prepare_inputs

from llm.worker.errors import ApiError
from llm.worker.question import STEP_TOKENS, Asked, Pause

BARE = "{{ messages[0]['content'] }}\n"  # for models without a chat template
PAGED = "paged|"  # transformers' names of attention that reads the batch's pages
LETTERS = ["A", "B"]  # for a yes or no, where Yes and No are not single tokens


class Abandoned(Exception):
    """Nobody waits for the answer any more."""


class LogitJudge:
    """`prepare` and `answer` belong to one thread. The tokenizer is a copy: asking adds tokens of its own to it."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        self._model = model
        self._tokenizer = copy.deepcopy(tokenizer)
        self._tokenizer.chat_template = tokenizer.chat_template or BARE
        self._config = DecisionConfig()
        if not self._knows(("Yes", "No")):
            self._config.labels["noul"] = LETTERS

    def prepare(self, state: object, questions: Mapping[str, object]) -> list[Asked]:
        """One prompt per question, the state first. Raises ApiError for what the model or its template cannot take."""
        try:
            prompts = prepare_inputs(self._config, {"state": state, "questions": dict(questions)}, self._tokenizer)
            return [self._asked(inputs, question) for inputs, (question,) in prompts]
        except (ValueError, TypeError, TemplateError) as error:
            reason = str(error).partition("\n")[0].partition(" (a ")[0]
            raise ApiError(f"questions: {reason}", param="questions") from error

    def answer(self, asked: Sequence[Asked], pause: Pause, abandoned: threading.Event) -> dict[str, dict[str, object]]:
        """Probabilities of the options of each question. Raises Abandoned, and EngineError when there is no pause."""
        beginning = _shared([one.ids for one in asked])
        cache = DynamicCache(config=self._model.config)
        reused = 0
        answers: dict[str, dict[str, object]] = {}
        for one in asked:
            logits = self._forward(one.ids, cache, reused, pause, abandoned)
            shares = logits[list(one.labels)].float().softmax(-1).tolist()
            answers[one.name] = _with_probabilities(one.question.answer(shares))
            cache, reused = self._shortened(cache, beginning)
        return answers

    def _asked(self, inputs: Mapping[str, Any], question: Any) -> Asked:  # noqa: ANN401 - transformers' Question
        ids = [int(token) for token in inputs["input_ids"][0]]
        labels = label_token_ids(self._tokenizer, tuple(question.labels))
        return Asked(question.name, ids, labels, question)

    def _forward(
        self, ids: Sequence[int], cache: DynamicCache, done: int, pause: Pause, abandoned: threading.Event
    ) -> torch.Tensor:
        """Logits [vocabulary] of the token after the prompt, whose first `done` tokens are in the cache already."""
        for start in range(done, len(ids), STEP_TOKENS):
            if abandoned.is_set():
                raise Abandoned
            step = torch.tensor([list(ids[start : start + STEP_TOKENS])], device=self._model.device)
            with pause(), torch.inference_mode(), _plain_attention(self._model):
                output = self._model(input_ids=step, past_key_values=cache, use_cache=True, logits_to_keep=1)
        logits: torch.Tensor = output.logits[0, -1]
        return logits

    def _shortened(self, cache: DynamicCache, length: int) -> tuple[DynamicCache, int]:
        """The cache with what the next question shares; an empty one where a layer cannot forget its newest tokens."""
        if all(type(layer).__name__ == "DynamicLayer" for layer in cache.layers):
            surplus = cache.get_seq_length() - length
            if surplus:
                cache.crop(-surplus)
            return cache, length
        return DynamicCache(config=self._model.config), 0

    def _knows(self, labels: tuple[str, ...]) -> bool:
        try:
            return bool(label_token_ids(self._tokenizer, labels))
        except ValueError:
            return False


def _shared(prompts: Sequence[Sequence[int]]) -> int:
    """Tokens with which all prompts begin; the last one of each is always computed anew."""
    most = min(len(ids) for ids in prompts) - 1
    return next((place for place in range(most) if len({ids[place] for ids in prompts}) > 1), most)


def _with_probabilities(answer: dict[str, Any]) -> dict[str, Any]:
    """Every type of question answers with `probabilities`; transformers gives a yes or no as one number."""
    if answer["type"] == "noul":
        return {**answer, "probabilities": {"true": answer["noul"], "false": 1.0 - answer["noul"]}}
    return answer


@contextmanager
def _plain_attention(model: PreTrainedModel) -> Iterator[None]:
    """Attention over this prompt alone, where the loop has given the model one that reads the batch's pages."""
    name = model.config._attn_implementation
    if not name.startswith(PAGED):
        yield
        return
    model.set_attn_implementation(name.removeprefix(PAGED))
    try:
        yield
    finally:
        model.set_attn_implementation(name)
