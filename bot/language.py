"""In which language Steward speaks: that of whoever reads it, English where nothing else is known.

An interaction says its reader's language and its server's. `hearing` notes both for everything that the interaction
begins, also for tasks that go on behind it; `_` and `_n` translate by that note, inside `aloud` for a whole channel.
English sentences are the keys of the catalogues in `bot/locales`; what these lack is said in English. It does not know
what is said, nor how the catalogues are made (`bot.catalogues`).
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Literal

from babel import Locale
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import Translations

ENGLISH = "en"
LANGUAGES = ("de", "es", "fr", "ja", "pt")
"""Those that have a catalogue, by their codes; the rest read English."""
DOMAIN = "steward"
_FORMATS = {"pt": "pt_BR"}


@dataclass(frozen=True, slots=True)
class Speech:
    """Whom Steward speaks to: one person, and everybody in the place where they are."""

    reader: str = ENGLISH
    place: str = ENGLISH


_SPEECH: ContextVar[Speech] = ContextVar("speech", default=Speech())  # noqa: B039 - it is frozen


def _(text: str, /, **values: object) -> str:
    """The sentence in the language of whoever reads it, with {values} in their places."""
    return _filled(text, _catalogue(spoken()).gettext(text) if text else "", values)


def _n(one: str, many: str, count: int, /, **values: object) -> str:
    """`one` or `many` as the reader's language counts; {count} is written as they write numbers."""
    values = {"count": number(count), **values}
    return _filled(one if count == 1 else many, _catalogue(spoken()).ngettext(one, many, count), values)


def N_(text: str) -> str:
    """Marks a constant for the catalogues; `_` translates it where it is said."""
    return text


def number(value: float) -> str:
    """As the reader writes numbers: 1,234.5 or 1 234,5."""
    return str(format_decimal(value, locale=_locale(spoken())))


def listed(items: Sequence[str], style: Literal["standard", "or", "unit"] = "standard") -> str:
    """ "a, b and c" as the reader lists things."""
    return format_list(list(items), style=style, locale=_locale(spoken()))


def name_of(language: str) -> str:
    """What the reader calls a language, by its code; the code itself where nobody knows."""
    return str(_locale(spoken()).languages.get(language, language))


def spoken() -> str:
    """The code of the language that is spoken now."""
    return _SPEECH.get().reader


def language_of(locale: str | None) -> str:
    """Discord's locale ("pt-BR", "es-419") → a language that Steward speaks."""
    code = (locale or "").partition("-")[0]
    return code if code in LANGUAGES else ENGLISH


@contextmanager
def speaking(speech: Speech) -> Iterator[None]:
    """What the body says, and the tasks that it begins say, is for them."""
    token = _SPEECH.set(speech)
    try:
        yield
    finally:
        _SPEECH.reset(token)


def speech_for(locale: object, place: object) -> Speech:
    """By Discord's locales of a person and a server; of a server that has none, the person's."""
    reader = language_of(str(locale))
    return Speech(reader, language_of(str(place)) if place else reader)


@contextmanager
def aloud(wish: str = "") -> Iterator[None]:
    """The body speaks to everybody in the place: in its own language, or the one that its managers named."""
    now = _SPEECH.get()
    code = _named(wish) or now.place
    with speaking(Speech(code, code)):
        yield


def hearing(parse: Callable[[Any], None]) -> Callable[[Any], None]:
    """Around discord.py's parser of interactions: the tasks that it begins speak to whoever the interaction is from."""

    def parse_spoken(data: Mapping[str, Any]) -> None:
        with speaking(speech_for(data.get("locale"), data.get("guild_locale"))):
            parse(data)

    return parse_spoken


def translated(text: str, language: str, context: str = "") -> str | None:
    """The entry of one catalogue; None where it has none. `context` tells equal words apart."""
    catalogue = _catalogue(language)
    found = catalogue.pgettext(context, text) if context else catalogue.gettext(text)
    return found if found != text else None


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    """Read once: the files do not change while Steward runs. A new language has no file yet."""
    kept = catalogue_file(language)
    if language not in LANGUAGES or not kept.is_file():
        return gettext.NullTranslations()
    with kept.open("rb") as file:
        catalogue = read_po(file, locale=pofile_locale(language), domain=DOMAIN)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled, DOMAIN)


def catalogue_file(language: str) -> Traversable:
    """Where a language's catalogue is."""
    return resources.files("bot") / "locales" / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def pofile_locale(language: str) -> str:
    """Whose numbers, lists and plural forms a language has here."""
    return _FORMATS.get(language, language)


def read_catalogues() -> None:
    """Read all of them now, so that no answer waits for it."""
    for language in LANGUAGES:
        _catalogue(language)


def _filled(english: str, text: str, values: Mapping[str, object]) -> str:
    """A translation that its values do not fit into is said in English."""
    if not values:
        return text
    try:
        return text.format(**values)
    except (KeyError, IndexError, ValueError):
        return english.format(**values)


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(pofile_locale(language))


def _named(wish: str) -> str | None:
    """ "German", "Deutsch" or "de" → "de"; None where Steward does not speak it."""
    for code in (ENGLISH, *LANGUAGES):
        own = Locale(code)
        if wish.casefold().strip() in {code, (own.english_name or "").casefold(), (own.display_name or "").casefold()}:
            return code
    return None
