"""A message list → the prompt's token ids, by the model's own chat template. It knows no HTTP and no engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jinja2 import TemplateError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Message = dict[str, str]

# Put into a control token that somebody typed: invisible, and the tokenizer no longer takes it for the real one.
WORD_JOINER = "\u2060"

# What templates are known to raise: jinja's own errors, `raise_exception`, and Python's when they index or join oddly.
REFUSALS = (TemplateError, TypeError, ValueError, KeyError, IndexError, AttributeError)


class TemplateRefused(Exception):
    """The model's template cannot render these messages; `str(error)` is the template's own reason."""


class ChatTemplate:
    """Renders messages with one tokenizer. A model without a template gets the bare contents, one per line.

    Control tokens inside a content are disarmed, so that nobody can end their own turn and speak as the system."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._controls = _control_tokens(tokenizer)
        self.is_fallback = not tokenizer.chat_template

    def tokens(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of the whole prompt, up to where the assistant begins to speak. Raises TemplateRefused."""
        safe = [{**message, "content": self._disarm(message["content"])} for message in messages]
        if self.is_fallback:
            return self.encode("\n".join(message["content"] for message in safe))
        try:
            rendered = self._tokenizer.apply_chat_template(
                safe, add_generation_prompt=True, tokenize=True, return_dict=True
            )
        except REFUSALS as error:
            raise TemplateRefused(str(error) or type(error).__name__) from error
        return [int(token) for token in rendered["input_ids"]]

    def encode(self, text: str) -> list[int]:
        """Token ids of plain text, with the special tokens that the tokenizer adds by itself."""
        return [int(token) for token in self._tokenizer(text)["input_ids"]]

    def _disarm(self, content: str) -> str:
        for control in self._controls:
            if control in content:
                content = content.replace(control, control[:1] + WORD_JOINER + control[1:])
        return content


def _control_tokens(tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """The texts of the tokens that steer, longest first; single characters cannot be told from text and stay."""
    added = {entry.content for entry in tokenizer.added_tokens_decoder.values() if entry.special}
    return sorted((text for text in added | set(tokenizer.all_special_tokens) if len(text) > 1), key=len, reverse=True)
