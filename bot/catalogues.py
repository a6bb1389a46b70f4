"""`python -m bot.catalogues` (`make catalogues`): brings the catalogues of all languages up to date with the code.

What is said is found in the sources (`_`, `_n`, `N_`, and sentences of refusals), what commands are called in the
commands themselves. New entries come without translation, those that nobody says any more go. It translates nothing.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import discord
import structlog
from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po
from discord import app_commands

from bot.app import database_for, engine_for
from bot.client import StewardClient
from bot.commands.localized import COMMAND, OPTION
from bot.config import Secrets, Settings
from bot.language import DOMAIN, LANGUAGES, pofile_locale

log = structlog.get_logger()

ROOM = Path(__file__).parent
SAID: dict[str, Any] = {
    "_": None,
    "_n": (1, 2),
    "N_": None,
    "Refusal": None,
    "TooManyRequests": None,
    "Unreadable": None,
    "Trouble": None,
}
"""Which calls hold sentences, and in which of their arguments; the first without any."""
_SUBCOMMANDS = (discord.AppCommandOptionType.subcommand.value, discord.AppCommandOptionType.subcommand_group.value)
Entry = tuple[str | tuple[str, str], str | None]
"""A sentence, or its two forms, and the context that it has if any."""


def said_in(path: Path) -> list[Entry]:
    """The sentences that a file of Python says."""
    found = extract_from_file("python", path, keywords=SAID)
    return [((text[0], text[1]) if isinstance(text, tuple) else text, None) for _, text, _, _ in found]


def sources() -> list[Path]:
    """All files that may say something to people."""
    return sorted(ROOM.rglob("*.py"))


def named_by(commands: Iterable[Mapping[str, Any]]) -> Iterator[Entry]:
    """Names and descriptions of commands as Discord gets them, of their options and choices."""
    for command in commands:
        is_command = "type" not in command or "contexts" in command or command["type"] in _SUBCOMMANDS
        yield command["name"], COMMAND if is_command else OPTION
        if command.get("description"):
            yield command["description"], None
        for choice in command.get("choices") or ():
            yield choice["name"], None
        yield from named_by(command.get("options") or ())


async def commands_of(client: StewardClient) -> list[Mapping[str, Any]]:
    """The commands of a client that never connects."""
    tree: app_commands.CommandTree[discord.Client] = client.tree
    return [command.to_dict(tree) for command in tree.get_commands()]


def template_of(entries: Iterable[tuple[str, Entry]]) -> Catalog:
    """All entries, each with the files that say it."""
    template = Catalog(domain=DOMAIN, charset="utf-8")
    for where, (text, context) in entries:
        template.add(text, locations=[(where, 0)], context=context)
    return template


def updated(old: Catalog, template: Catalog) -> Catalog:
    """The catalogue with exactly the template's entries; those that it has translated stay so."""
    dated = (old.creation_date, old.revision_date)
    old.update(template, no_fuzzy_matching=True)
    old.creation_date, old.revision_date = dated
    return old


def written(catalogue: Catalog) -> bytes:
    """As it is kept: sorted and without line numbers, so that a change of code changes few lines."""
    into = io.BytesIO()
    write_po(into, catalogue, width=0, sort_output=True, ignore_obsolete=True, include_lineno=False)
    return into.getvalue()


async def everything() -> list[tuple[str, Entry]]:
    """All that Steward says, and where."""
    settings, secrets = Settings(), Secrets()
    client = StewardClient(settings, engine_for(settings, secrets), database_for(settings, secrets), in_playground=True)
    found = [(f"bot/{path.relative_to(ROOM)}", entry) for path in sources() for entry in said_in(path)]
    return found + [("commands", entry) for entry in named_by(await commands_of(client))]


def update(folder: Path, entries: Sequence[tuple[str, Entry]]) -> None:
    """Write the catalogues of all languages."""
    template = template_of(entries)
    for language in LANGUAGES:
        path = folder / language / "LC_MESSAGES" / f"{DOMAIN}.po"
        old = _begun(language)
        if path.exists():
            with path.open("rb") as file:
                old = read_po(file, locale=pofile_locale(language), domain=DOMAIN)
        new = updated(old, template)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written(new))
        missing = sum(not is_translated(message) for message in new if message.id)
        log.info("catalogue written", language=language, entries=len(new), to_translate=missing)


def _begun(language: str) -> Catalog:
    """A catalogue without entries."""
    locale = Locale.parse(pofile_locale(language))
    return Catalog(
        locale,
        DOMAIN,
        header_comment=f"# What Steward says, in {locale.english_name}: `make catalogues` collects it.",
        project="Steward",
        version="1",
        last_translator="Steward's authors",
        language_team=locale.english_name,
        charset="utf-8",
        fuzzy=False,
    )


def is_translated(message: Message) -> bool:
    """Whether it has all its forms."""
    forms = [message.string] if isinstance(message.string, str) else list(message.string or ())
    return bool(forms) and all(forms)


if __name__ == "__main__":
    update(ROOM / "locales", asyncio.run(everything()))
