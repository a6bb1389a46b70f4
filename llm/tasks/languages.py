"""Which languages are spoken of: their codes, what models call them, and which one a text is in.

Codes are BCP 47, reduced to the language: "fr", "pt", "ja". Detection is lingua's, among these languages only.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lingua import IsoCode639_1, LanguageDetector, LanguageDetectorBuilder

LANGUAGES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "ar": ("Arabic", ("arb", "ara")),
    "bg": ("Bulgarian", ("bul",)),
    "cs": ("Czech", ("ces",)),
    "da": ("Danish", ("dan",)),
    "de": ("German", ("deu",)),
    "el": ("Greek", ("ell",)),
    "en": ("English", ("eng",)),
    "es": ("Spanish", ("spa",)),
    "fi": ("Finnish", ("fin",)),
    "fr": ("French", ("fra",)),
    "he": ("Hebrew", ("heb",)),
    "hi": ("Hindi", ("hin",)),
    "hr": ("Croatian", ("hrv",)),
    "hu": ("Hungarian", ("hun",)),
    "id": ("Indonesian", ("ind",)),
    "it": ("Italian", ("ita",)),
    "ja": ("Japanese", ("jpn",)),
    "ko": ("Korean", ("kor",)),
    "lt": ("Lithuanian", ("lit",)),
    "nl": ("Dutch", ("nld",)),
    "no": ("Norwegian", ("nob", "nb")),
    "pl": ("Polish", ("pol",)),
    "pt": ("Portuguese", ("por",)),
    "ro": ("Romanian", ("ron",)),
    "ru": ("Russian", ("rus",)),
    "sv": ("Swedish", ("swe",)),
    "th": ("Thai", ("tha",)),
    "tr": ("Turkish", ("tur",)),
    "uk": ("Ukrainian", ("ukr",)),
    "vi": ("Vietnamese", ("vie",)),
    "zh": ("Chinese", ("zho", "cmn")),
}
"""Code → English name, and what models write for it beside the code. Every language that Discord's app speaks."""
_OTHER_NAMES = {"nb": "no", "nn": "no", "iw": "he", "in": "id"}
_PREFERRED = ("Hans", "CN", "Arab", "XX")
"""Scripts and places that are taken where a model knows a language in several."""
_SURE = 0.9
_LETTERS = 6
"""Of 22 languages' sentences (tatoeba) 88 % are told with this certainty, of which 0.9 % wrongly."""


@dataclass(frozen=True, slots=True)
class Guess:
    """The likeliest language of a text; `is_sure`: so likely that a person may be told so."""

    language: str
    is_sure: bool


def reduced(code: str) -> str | None:
    """ "pt-BR", "en_US" or "nb" as one of LANGUAGES; None for others."""
    base = re.split(r"[-_]", code.strip().lower())[0]
    base = _OTHER_NAMES.get(base, base)
    return base if base in LANGUAGES else None


def english_name(language: str) -> str:
    """What a chat model is told."""
    return LANGUAGES[language][0]


def model_code(language: str, codes: Sequence[str]) -> str | None:
    """How a model calls a language: "fra_Latn", "fr_XX", "fr", "fra"; None where it does not know it."""
    bases = (language, *LANGUAGES[language][1])
    found = [code for code in codes if re.split(r"[-_]", code)[0].lower() in bases]
    return min(found, key=_oddness, default=None)


def _oddness(code: str) -> tuple[int, int, str]:
    suffix = re.split(r"[-_]", code)[-1]
    preferred = _PREFERRED.index(suffix) if suffix in _PREFERRED else len(_PREFERRED)
    return (preferred, len(code), code)


class Detection:
    """Tells languages apart. Its tables (40 MB) are read at the first use, in a thread, as is all its work."""

    def __init__(self) -> None:
        self._detector: LanguageDetector | None = None
        self._building = asyncio.Lock()

    async def of(self, texts: Sequence[str]) -> list[Guess | None]:
        """The language of each text; None where nothing tells it, as with one short word."""
        async with self._building:
            if self._detector is None:
                self._detector = await asyncio.to_thread(_built)
        return await asyncio.to_thread(_guesses, self._detector, texts)


def _built() -> LanguageDetector:
    """The small tables: with the large ones 99 % instead of 95 % of sentences are told right, for 600 MB."""
    codes = [getattr(IsoCode639_1, "NB" if code == "no" else code.upper()) for code in LANGUAGES]
    return LanguageDetectorBuilder.from_iso_codes_639_1(*codes).with_low_accuracy_mode().build()


def _guesses(detector: LanguageDetector, texts: Sequence[str]) -> list[Guess | None]:
    return [_guess(detector, text) for text in texts]


def _guess(detector: LanguageDetector, text: str) -> Guess | None:
    found = detector.compute_language_confidence_values(text)
    language = reduced(found[0].language.iso_code_639_1.name) if found and found[0].value > 0 else None
    if language is None:
        return None
    certain, letters = found[0].value, sum(character.isalpha() for character in text)
    return Guess(language, certain >= _SURE and (letters >= _LETTERS or (not text.isascii() and certain == 1.0)))
