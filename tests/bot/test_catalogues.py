"""The catalogues: what the language commands say is there in every language, fits its places, and pleases Discord."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from bot.catalogues import ROOM, Entry, everything, is_translated, template_of, updated, written
from bot.client import StewardClient
from bot.commands.localized import COMMAND, CommandTranslator
from bot.commands.sync import sync
from bot.language import LANGUAGES, catalogue_file, language_of, pofile_locale, translated
from tests.bot.conftest import World

LANGUAGE_COMMANDS = (
    *("summarize", "catchup", "find", "knowledge", "translate", "language_names", "entities", "named", "sentiment"),
    *("mood_words", "classify", "switched", "mirror"),
)
SHARED = ("digest", "ranges", "fetching", "paged", "working", "post", "retrying", "answering", "resting", "tree")
COMPLETE = {
    *("commands", "bot/errors.py", "bot/gate.py", "bot/limits.py", "bot/orphans.py"),
    *("bot/permissions.py", "bot/conversation/own_text.py", "bot/commands/help.py"),
    *(f"bot/commands/{name}.py" for name in (*LANGUAGE_COMMANDS, *SHARED)),
    *(f"bot/mirrors/{path.name}" for path in (ROOM / "mirrors").glob("*.py")),
}
"""What says nothing without a translation."""
HOW = "run `make catalogues`, then translate what is empty in bot/locales/{}/LC_MESSAGES/steward.po"
NAME = re.compile(r"[-_'\w]{1,32}")
MENTION = re.compile(r"(?<![\w/.:])/([a-z]+)\b")
BY_LOCALE = ("de", "es-419", "es-ES", "fr", "ja", "pt-BR")


@pytest.fixture(scope="module")
def said() -> list[tuple[str, Entry]]:
    return asyncio.run(everything())


def catalogue(language: str) -> Catalog:
    with catalogue_file(language).open("rb") as file:
        return read_po(file, locale=pofile_locale(language))


def entries(language: str) -> Iterator[Message]:
    return (message for message in catalogue(language) if message.id)


def fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_untranslated(language: str, said: list[tuple[str, Entry]]) -> None:
    known = catalogue(language)
    missing = []
    for where, (text, context) in said:
        found = known.get(text[0] if isinstance(text, tuple) else text, context)
        if where in COMPLETE and (found is None or not is_translated(found)):
            missing.append((where, text))
    assert not missing, HOW.format(language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_translation_has_the_places_of_its_sentence(language: str) -> None:
    forms = catalogue(language).num_plurals
    for message in entries(language):
        if not is_translated(message):
            continue
        originals = [message.id] if isinstance(message.id, str) else message.id
        strings = [message.string] if isinstance(message.string, str) else message.string
        assert len(strings) == (1 if isinstance(message.id, str) else forms), message.id
        assert any("{" in text for text in originals) or not any("{" in text for text in strings)
        if "{" in originals[-1]:
            assert fields(strings[-1]) == fields(originals[-1]), strings[-1]
            assert fields(strings[0]) in [fields(text) for text in originals], strings[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_call_commands_as_discord_shows_them(language: str, said: list[tuple[str, Entry]]) -> None:
    commands = [text for where, (text, context) in said if context == COMMAND and isinstance(text, str)]
    english = {name for name in commands if translated(name, language, COMMAND) is not None}
    for message in entries(language):
        originals = [message.id] if isinstance(message.id, str) else message.id
        wanted = {name for text in originals for name in MENTION.findall(text) if name in english}
        for form in [message.string] if isinstance(message.string, str) else message.string or ():
            for name in wanted if form else ():
                assert f"/{translated(name, language, COMMAND)}" in form, form


def walked(command: Mapping[str, Any]) -> Iterator[list[Mapping[str, Any]]]:
    """Lists of what stands beside each other: options of a command, subcommands of a group."""
    yield command.get("options") or []
    for option in command.get("options") or []:
        yield from walked(option)


@pytest.mark.parametrize("locale", BY_LOCALE)
async def test_discord_takes_the_names(locale: str, world: World) -> None:
    client = world.env.bot
    assert isinstance(client, StewardClient)
    commands = [
        await one.get_translated_payload(client.tree, CommandTranslator()) for one in client.tree.get_commands()
    ]
    for kind in {command["type"] for command in commands}:
        names = [shown(one, locale) for one in commands if one["type"] == kind]
        assert len(set(names)) == len(names)
    for beside in (
        [one for one in commands if one["type"] == 1],
        *(level for one in commands for level in walked(one)),
    ):
        names = [shown(one, locale) for one in beside]
        assert len(set(names)) == len(names)
        for one, name in zip(beside, names, strict=True):
            assert NAME.fullmatch(name) and name == name.lower(), name
            assert 1 <= len(one.get("description_localizations", {}).get(locale, "-")) <= 100
            choices = [shown(choice, locale) for choice in one.get("choices") or []]
            assert len(set(choices)) == len(choices) and all(1 <= len(choice) <= 100 for choice in choices)
    assert all(1 <= len(shown(one, locale)) <= 32 for one in commands)
    named = next(one for one in commands if one["name"] == "find")
    assert named["name_localizations"][locale] == translated("find", language_of(locale), COMMAND)


def shown(one: Mapping[str, Any], locale: str) -> str:
    return str((one.get("name_localizations") or {}).get(locale) or one["name"])


async def test_commands_are_sent_again_only_when_their_translations_change(world: World) -> None:
    client = world.env.bot
    assert isinstance(client, StewardClient)
    asked = [request for request in world.env.http_requests if request.path.endswith("/commands")]
    assert [request.method for request in asked] == ["GET", "PUT"]
    (find,) = [one for one in asked[1].json if one["name"] == "find"]
    assert find["name_localizations"]["fr"] == "chercher" and find["name_localizations"]["ja"] == "検索"
    assert find["options"][0]["description_localizations"]["de"]
    assert not await sync(client.tree)
    await client.tree.set_translator(OtherWords())
    assert await sync(client.tree)


class OtherWords(CommandTranslator):
    """The same, but for one word."""

    async def translate(self, string: Any, locale: Any, context: Any) -> str | None:  # noqa: ANN401 - discord.py's
        found = await super().translate(string, locale, context)
        return "trouver" if found == "chercher" else found


def test_what_was_translated_stays_and_what_nobody_says_goes() -> None:
    old = template_of([("a.py", ("Hello.", None)), ("a.py", ("Gone.", None))])
    old.get("Hello.").string = "Bonjour."  # type: ignore[union-attr]
    new = updated(old, template_of([("b.py", ("Hello.", None)), ("b.py", (("one bee", "{count} bees"), None))]))
    text = written(new).decode()
    assert 'msgstr "Bonjour."' in text and "Gone." not in text and 'msgid_plural "{count} bees"' in text
    assert "#: b.py\n" in text


def test_the_catalogues_lie_where_the_wheel_takes_them() -> None:
    assert {path.parent.parent.name for path in (ROOM / "locales").rglob("*.po")} == set(LANGUAGES)
