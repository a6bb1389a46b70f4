"""A message list → the prompt's token ids, by the model's own chat template. It knows no HTTP and no engine.

What the template understands is found out once (`probing`); every conversation is brought into that shape (`manners`),
and what was rendered is looked through for every message's text before it is used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2 import TemplateError

from llm.config import Thinking
from llm.reasoning import FORMS, HARMONY, MARKED, SPOKEN, Form, split
from llm.worker.controls import REASONING_MARKS, Disarming, controls_in
from llm.worker.manners import Manners, Message, adapt, shapes
from llm.worker.probing import Findings, Switches, TemplateRefused, Value, contents, lost, probe

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["ChatTemplate", "Message", "Prompt", "SwitchRefused", "TemplateRefused"]

# What templates are known to raise: jinja's own errors, `raise_exception`, and Python's when they index or join oddly.
REFUSALS = (TemplateError, TypeError, ValueError, KeyError, IndexError, AttributeError)
THINKING_NAMES = frozenset({"enable_thinking", "thinking"})  # what clients call the switch, whatever the template does
RESERVED = frozenset({"messages", "tools", "documents", "add_generation_prompt", "continue_final_message"})


class SwitchRefused(Exception):
    """The template has no such variable, or it cannot have that value; `name` is the variable's."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name


@dataclass(frozen=True, slots=True)
class Prompt:
    """A rendered conversation; `inside` is the form of reasoning that its end has opened already."""

    tokens: list[int]
    inside: Form | None = None


class ChatTemplate:
    """Renders messages with one tokenizer. A model without a template gets the bare contents, one per line.

    Controls inside a content are disarmed, so that nobody can end their own turn and speak as the system."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self.is_fallback = not tokenizer.chat_template
        self._source = "" if self.is_fallback else _source(tokenizer)
        self.findings = Findings(Manners(), None, "", "") if self.is_fallback else probe(self._render)
        self.forms = MARKED if SPOKEN.opens[0] not in self._source else FORMS
        self._tokens = {entry.content: token for token, entry in tokenizer.added_tokens_decoder.items()}
        self.mark_ids, self.token_forms, self.special_marks = self._marks()
        self.end_ids, self.end_texts = self._ends()
        self._disarm = self._disarming()

    def prompt(
        self, messages: Sequence[Message], thinking: Thinking = "auto", switches: Switches | None = None
    ) -> Prompt:
        """The whole prompt, up to where the assistant begins to speak. `switches` are a request's own variables of the
        template and go before `thinking`, the owner's choice. Raises TemplateRefused, SwitchRefused."""
        text = self.text(messages, thinking, switches)
        if self.is_fallback:
            return Prompt(self.encode(text))
        return Prompt(self._ids(text, add_special_tokens=False), _opened(text, self.forms))

    def text(self, messages: Sequence[Message], thinking: Thinking = "auto", switches: Switches | None = None) -> str:
        """The same as `prompt`, before it becomes tokens."""
        safe = [{**message, "content": self._spoken(message)} for message in messages]
        chosen = {**self._thinking(thinking), **self._checked(switches or {})}
        if self.is_fallback:
            return "\n".join(message["content"] for message in safe)
        return self._rendered(safe, chosen)

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The tokenizer itself, for reading; a single thread renders with it."""
        return self._tokenizer

    def encode(self, text: str) -> list[int]:
        """Token ids of plain text, with what the tokenizer adds by itself. Raises TemplateRefused."""
        return self._ids(text, add_special_tokens=True)

    def _ids(self, text: str, add_special_tokens: bool) -> list[int]:
        try:
            return [int(token) for token in self._tokenizer(text, add_special_tokens=add_special_tokens)["input_ids"]]
        except TypeError as error:  # the tokenizers library's, when a text cannot be UTF-8
            raise TemplateRefused("a text holds half a character (a lone surrogate)") from error

    def _spoken(self, message: Message) -> str:
        """A message's text, harmless; of an assistant's only the answer: reasoning never enters a history."""
        said = message["content"]
        if message["role"] == "assistant" and any(said.lstrip().startswith(form.opens) for form in self.forms):
            said = split(said, self.forms).text or said
        return self._disarm(said)

    def _rendered(self, messages: Sequence[Message], switches: Switches) -> str:
        """The rendered messages, in the first shape in which the template neither refuses nor loses one."""
        refused = TemplateRefused("it refuses every shape of this conversation")
        for manners in shapes(self.findings.manners):
            turns = adapt(messages, manners)
            try:
                text = self._render(contents(turns, manners.parts), True, switches) + manners.header
            except TemplateRefused as error:
                refused = error
                continue
            missing = lost(messages, text)
            if missing is None:
                return text
            refused = TemplateRefused(f"it leaves out the text of a message of the {missing['role']}")
        raise refused

    def _render(self, messages: Sequence[object], prompted: bool, switches: Switches) -> str:
        try:
            rendered = self._tokenizer.apply_chat_template(
                messages, add_generation_prompt=prompted, tokenize=False, **switches
            )
        except REFUSALS as error:
            raise TemplateRefused(str(error) or type(error).__name__) from error
        return str(rendered)

    def _thinking(self, thinking: Thinking) -> dict[str, Value]:
        switch = self.findings.thinking
        if switch is None or thinking == "auto":
            return {}
        return {switch.name: switch.on if thinking == "on" else switch.off}

    def _checked(self, switches: Switches) -> dict[str, Value]:
        checked: dict[str, Value] = {}
        for name, value in switches.items():
            if name in THINKING_NAMES and isinstance(value, bool):
                checked |= self._asked_to_think(name, value)
            elif name in RESERVED or not re.search(rf"\b{re.escape(name)}\b", self._source):
                raise SwitchRefused(name, "the model's chat template has no such variable")
            else:
                checked[name] = self._disarm(value) if isinstance(value, str) else value
        return checked

    def _asked_to_think(self, name: str, on: bool) -> Mapping[str, Value]:
        if self.findings.thinking is None and on:
            raise SwitchRefused(name, "the model's chat template cannot be told to think")
        return self._thinking("on" if on else "off")

    def _marks(self) -> tuple[frozenset[int], tuple[Form, ...], frozenset[str]]:
        """The tokens that reasoning is marked with, the forms whose marks are special tokens, and these tokens' texts.

        They must be decoded, special or not: the text is split by them."""
        special = set(self._tokenizer.all_special_tokens)
        special |= {entry.content for entry in self._tokenizer.added_tokens_decoder.values() if entry.special}
        ids: set[int] = set()
        forms = []
        for form in self.forms:
            parts = {text for text in self._tokens if len(text) > 1 and any(text in mark for mark in form.marks)}
            if not any(part in mark for part in parts for mark in form.opens + form.closes):
                continue
            if form is HARMONY and "<|channel|>" not in parts:
                continue
            ids |= {self._tokens[part] for part in parts}
            if not parts.isdisjoint(special):
                forms.append(form)
        texts = {text for text in special if self._tokens.get(text) in ids}
        return frozenset(ids), tuple(forms), frozenset(texts)

    def _ends(self) -> tuple[frozenset[int], tuple[str, ...]]:
        """What the template writes behind an assistant's message ends an answer: a token, else text that is markup."""
        end = self.findings.turn_end
        if not end or HARMONY in self.token_forms:  # there the same mark ends every part of one answer
            return frozenset(), ()
        token = max((text for text in self._tokens if end.startswith(text)), key=len, default="")
        if token.strip():
            return frozenset({self._tokens[token]}), ()
        texts = [text for text in controls_in(end) if end.startswith(text)]
        return frozenset(), tuple(texts)

    def _disarming(self) -> Disarming:
        special = {entry.content for entry in self._tokenizer.added_tokens_decoder.values() if entry.special}
        written = {text for text in self._tokens if text.strip() and text in self._source}
        controls = special | set(self._tokenizer.all_special_tokens) | written | REASONING_MARKS
        disarming = Disarming(controls | controls_in(self.findings.scaffold))
        steering = {self._tokens[text] for text in disarming.controls if text in self._tokens}
        typed = "\n".join(map(disarming, self._tokens.keys() & set(disarming.controls)))
        ids = self._tokenizer(typed, add_special_tokens=False)["input_ids"]
        if steering.isdisjoint(ids):
            return disarming
        return Disarming(disarming.controls, mark=" ")  # a tokenizer that drops what cannot be seen


def _source(tokenizer: PreTrainedTokenizerBase) -> str:
    """The template's text; of several named ones the default."""
    try:
        return str(tokenizer.get_chat_template())
    except ValueError:
        return ""


def _opened(prompt: str, forms: Sequence[Form]) -> Form | None:
    """The form of reasoning that a prompt ends with having opened."""
    end = prompt[-200:].rstrip()
    return next((form for form in forms if end.endswith(tuple(mark.rstrip() for mark in form.opens))), None)
