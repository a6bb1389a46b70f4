"""In which language Steward speaks: sentences, plural forms, numbers and lists, and whom each task speaks to."""

from __future__ import annotations

import asyncio

import pytest

from bot import language
from bot.errors import Refusal
from bot.language import Speech, _, _n, aloud, hearing, language_of, listed, number, speaking, speech_for, spoken


@pytest.mark.parametrize(
    ("locale", "code"),
    [("fr", "fr"), ("pt-BR", "pt"), ("es-419", "es"), ("es-ES", "es"), ("en-GB", "en"), ("ko", "en"), (None, "en")],
)
def test_discords_locales(locale: str | None, code: str) -> None:
    assert language_of(locale) == code


def test_what_no_catalogue_has_is_said_in_english() -> None:
    with speaking(Speech("fr", "fr")):
        assert _("This was never {done}.", done="translated") == "This was never translated."
        assert _n("{count} bee flies", "{count} bees fly", 1) == "1 bee flies"
        assert _n("{count} bee flies", "{count} bees fly", 1200).replace("\u202f", " ") == "1 200 bees fly"
    assert _n("{count} bee flies", "{count} bees fly", 1200) == "1,200 bees fly"


def test_numbers_and_lists_are_written_as_the_reader_does() -> None:
    with speaking(Speech("de", "de")):
        assert number(1234.5) == "1.234,5"
        assert listed(["a", "b", "c"]) == "a, b und c"
        assert listed(["a", "b"], "or") == "a oder b"
    assert number(1234.5) == "1,234.5"


def test_what_everybody_reads_is_in_the_places_language() -> None:
    with speaking(speech_for("fr", "de")):
        with aloud():
            assert spoken() == "de"
        with aloud("Japanese"):
            assert spoken() == "ja"
        with aloud("Klingon"):
            assert spoken() == "de"
        assert spoken() == "fr"
    with speaking(speech_for("fr", None)), aloud():
        assert spoken() == "fr"


async def test_each_interactions_tasks_speak_its_language_however_long_they_last() -> None:
    heard: dict[str, str] = {}
    tasks: list[asyncio.Task[None]] = []
    go = asyncio.Event()

    async def work(who: str) -> None:
        await go.wait()
        heard[who] = spoken()

    parse = hearing(lambda data: tasks.append(asyncio.create_task(work(data["who"]))))
    parse({"who": "Ada", "locale": "fr", "guild_locale": "de"})
    parse({"who": "Grace", "locale": "ja"})
    parse({"who": "Linus"})
    assert spoken() == "en"
    go.set()
    await asyncio.gather(*tasks)
    assert heard == {"Ada": "fr", "Grace": "ja", "Linus": "en"}


def test_a_refusal_is_put_into_words_where_it_is_read() -> None:
    error = Refusal("There is no {thing}, {user} {{sic}}.", thing="bee", user="Ada")
    assert str(error) == "There is no bee, Ada {sic}."
    assert str(Refusal("Nothing {here} is filled in.")) == "Nothing {here} is filled in."


def test_every_language_has_a_catalogue() -> None:
    for code in language.LANGUAGES:
        assert language.catalogue_file(code).is_file()
