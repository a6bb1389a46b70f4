"""Which languages an encoder-decoder model knows, by its own codes, and how it is told which ones are meant.

NLLB, M2M100 and mBART have a token for each language; multilingual Marian models read `>>code<<` before the text, the
others translate one fixed pair; T5, BART and their like know of no languages. It knows no model, only its tokenizer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llm.worker.errors import ApiError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

CODE = re.compile(r"[a-z]{2,3}_[A-Z][A-Za-z]{1,3}")  # fra_Latn of NLLB, fr_XX of mBART
MARIAN_CODE = re.compile(r">>(.+)<<")


@dataclass(frozen=True, slots=True)
class Direction:
    """How one translation is asked for: text put before the source, the tokenizer's source language, first tokens."""

    prefix: str = ""
    source: str | None = None
    forced_bos: int | None = None
    decoder_start: int | None = None


@dataclass(frozen=True, slots=True)
class Languages:
    """The codes that may be asked for; none where the model knows of no languages."""

    sources: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    style: str = "none"
    tokens: tuple[int, ...] = ()  # of the targets

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase) -> Languages:
        """Read from a loaded tokenizer, by what it has and not by its name."""
        if hasattr(tokenizer, "supported_language_codes"):
            return _of_marian(tokenizer)
        if hasattr(tokenizer, "lang_code_to_token"):
            codes = tuple(sorted(tokenizer.lang_code_to_token))
            return cls(codes, codes, "forced", tuple(int(tokenizer.get_lang_id(code)) for code in codes))
        if hasattr(tokenizer, "set_src_lang_special_tokens"):
            special = {entry.content for entry in tokenizer.added_tokens_decoder.values() if entry.special}
            codes = tuple(sorted(code for code in special if CODE.fullmatch(code)))
            # the first mBART begins its answer with the language, its successors and NLLB force it as the next token
            style = "start" if type(tokenizer).__name__.startswith("MBartTokenizer") else "forced"
            return cls(codes, codes, style, tuple(int(tokenizer.convert_tokens_to_ids(code)) for code in codes))
        return cls()

    def listed(self) -> dict[str, object]:
        """As clients read it, so that they need not guess at a model's codes."""
        must_be_told = self.style in ("forced", "start")
        return {"sources": self.sources, "targets": self.targets, "must_be_told": must_be_told}

    def direction(self, source: str | None, target: str | None) -> Direction:
        """Raises ApiError, naming the field and the codes that are known."""
        if self.style in ("forced", "start"):
            _check("source_language", source, self.sources, required=True)
            _check("target_language", target, self.targets, required=True)
            token = self.tokens[self.targets.index(str(target))]
            forced = self.style == "forced"
            return Direction("", source, token if forced else None, None if forced else token)
        _check("source_language", source, self.sources, required=False)
        _check("target_language", target, self.targets, required=self.style == "prefix")
        return Direction(f">>{target}<< " if self.style == "prefix" else "")


def _of_marian(tokenizer: PreTrainedTokenizerBase) -> Languages:
    sources = (str(tokenizer.source_lang),) if getattr(tokenizer, "source_lang", None) else ()
    codes = [match[1] for code in tokenizer.supported_language_codes if (match := MARIAN_CODE.fullmatch(code))]
    if codes:
        return Languages(sources, tuple(sorted(codes)), "prefix")
    target = getattr(tokenizer, "target_lang", None)
    return Languages(sources, (str(target),) if target else (), "fixed")


def _check(field: str, code: str | None, known: tuple[str, ...], required: bool) -> None:
    if code is None and not required:
        return
    if code is not None and code in known:
        return
    if not known:
        raise ApiError(f"{field}: this model is not told its languages; leave the field out", param=field)
    listed = ", ".join(known)
    said = "this model must be told" if code is None else f"this model does not know {code!r}"
    raise ApiError(f"{field}: {said}; its codes are {listed}", param=field)
