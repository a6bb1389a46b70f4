"""/knowledge: documents that a server's managers give for /find: added, listed, removed.

Everybody in the server can find what they say. A file is opened by `attachments`, with its limits; how it is cut is
`llm.tasks.pieces`'s business, where it is kept `storage.documents`'s.
"""

from __future__ import annotations

import asyncio

import discord
from discord import app_commands

from bot.commands.answering import defer, explained, tell
from bot.commands.paged import Pages
from bot.commands.working import Work, Works
from bot.conversation.attachments import Attachments, is_pdf, is_text
from bot.conversation.rendering import neutralize
from bot.conversation.said import size_in_words
from bot.conversation.unpacking import Unreadable
from bot.errors import Refusal
from bot.language import N_, _, _n, number
from bot.limits import PersonalLimits
from llm.tasks.pieces import pieces
from storage.documents import MOST, Documents, ShelfFull, StoredDocument

LONGEST_NAME = 80
NOT_ALLOWED = N_("Only whoever may *Manage Server* gives me documents or takes them back.")
WRONG_KIND = N_("I read text, Markdown and PDF only, and {name} is none of these.")
UNREADABLE = N_("I could not read {name}: {why}.")
EMPTY = N_("There is no text in {name}, so there is nothing to find in it.")
FULL = N_(
    "This server's documents are full ({count} documents, or as much text as I keep). Please remove one first: "
    "`/knowledge list` shows them."
)
REMOVED = N_("**{name}** is gone, with everything I had made of it.")
UNKNOWN = N_("I have no document of that name. `/knowledge list` shows those that I have.")
NONE = N_("I have no documents of this server. `/knowledge add` takes text, Markdown and PDF.")
LIST = N_("**Documents of this server** (everybody here can find what they say)")
READING = N_("Reading {name} …")
MOST_SUGGESTED = 25


class Knowledge:
    """Answers /knowledge. Methods raise what `explained` explains."""

    def __init__(
        self, *, documents: Documents, attachments: Attachments, limits: PersonalLimits, works: Works, pages: Pages
    ) -> None:
        self.limits = limits
        self.works = works
        self._documents = documents
        self._attachments = attachments
        self._pages = pages

    async def add(self, work: Work, file: discord.Attachment, name: str | None) -> None:
        """Read the file and keep its text in pieces, in the place of a document of the same name."""
        interaction = work.interaction
        title = _title(name or "") or _title(file.filename)
        work.say(_(READING, name=neutralize(file.filename)))
        try:
            text = await self._attachments.document(file)
        except Unreadable as error:
            raise Refusal(UNREADABLE, name=neutralize(file.filename), why=_(error.sentence, **error.values)) from None
        cut = await asyncio.to_thread(pieces, text)
        if not cut:
            raise Refusal(EMPTY, name=neutralize(file.filename))
        work.say(_keeping(title, len(cut)))
        guild_id = interaction.guild_id or 0
        try:
            replaced = await self._documents.put(guild_id, title, cut, size=file.size, by=interaction.user.id)
        except ShelfFull:
            raise Refusal(FULL, count=number(MOST)) from None
        await work.settle()
        await tell(interaction, (_replaced if replaced else _added)(title, len(cut)))

    async def show(self, work: Work) -> None:
        """All documents of this server."""

        async def lines(interaction: discord.Interaction, is_public: bool) -> list[str]:
            _require_manager(interaction)
            found = await self._documents.of(interaction.guild_id or 0)
            if not found:
                raise Refusal(NONE)
            return [_(LIST), *map(_line, found)]

        await self._pages.give(work, await lines(work.interaction, False), lines, may_post=False)

    async def remove(self, interaction: discord.Interaction, name: str) -> None:
        """Forget a document."""
        if not await self._documents.remove(interaction.guild_id or 0, _title(name)):
            raise Refusal(UNKNOWN)
        await tell(interaction, _(REMOVED, name=neutralize(_title(name))))

    async def suggest(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Names that go on as somebody types."""
        if not interaction.permissions.manage_guild:
            return []
        names = [one.name for one in await self._documents.of(interaction.guild_id or 0)]
        fitting = [name for name in names if typed.casefold() in name.casefold()][:MOST_SUGGESTED]
        return [app_commands.Choice(name=name, value=name) for name in fitting]


def add_knowledge(tree: app_commands.CommandTree[discord.Client], knowledge: Knowledge) -> None:
    """Hang /knowledge on the tree."""
    group = app_commands.Group(
        name="knowledge",
        description="For managers: documents that /find answers from",
        allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=False, private_channel=False),
        default_permissions=discord.Permissions(manage_guild=True),
    )

    @group.command(name="add", description="Give me a document: text, Markdown or PDF")
    @app_commands.describe(file="The document", name="How it is cited; the file's name otherwise")
    async def add(
        interaction: discord.Interaction,
        file: discord.Attachment,
        name: app_commands.Range[str, 1, LONGEST_NAME] | None = None,
    ) -> None:
        async with explained(interaction):
            _require_manager(interaction)
            if not (is_pdf(file) or is_text(file)):
                raise Refusal(WRONG_KIND, name=neutralize(file.filename))
            with knowledge.limits.request(interaction.user.id):
                async with knowledge.works.work(interaction) as work, explained(interaction), work.settled():
                    await knowledge.add(work, file, name)

    @group.command(name="list", description="Which documents I have of this server")
    async def show(interaction: discord.Interaction) -> None:
        async with explained(interaction):
            _require_manager(interaction)
            async with knowledge.works.work(interaction) as work, explained(interaction), work.settled():
                await knowledge.show(work)

    @group.command(name="remove", description="Take a document back")
    @app_commands.describe(name="Which one")
    async def remove(interaction: discord.Interaction, name: str) -> None:
        async with explained(interaction):
            _require_manager(interaction)
            await defer(interaction)
            await knowledge.remove(interaction, name)

    @remove.autocomplete("name")
    async def suggest(interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return await knowledge.suggest(interaction, typed)

    tree.add_command(group)


def _require_manager(interaction: discord.Interaction) -> None:
    """Whatever the server's own settings for commands say. Raises Refusal."""
    if interaction.guild_id is None or not interaction.permissions.manage_guild:
        raise Refusal(NOT_ALLOWED)


def _title(name: str) -> str:
    """A name in one line."""
    return " ".join(name.split())[:LONGEST_NAME]


def _line(one: StoredDocument) -> str:
    given = discord.utils.format_dt(one.created_at, "d")
    return f"- {neutralize(one.name)}: {size_in_words(one.size)}, {_counted(one.pieces)}, {given}"


def _counted(count: int) -> str:
    return _n("{count} piece", "{count} pieces", count)


def _keeping(title: str, pieces: int) -> str:
    return _n("Keeping {name}: {count} piece …", "Keeping {name}: {count} pieces …", pieces, name=neutralize(title))


def _added(title: str, pieces: int) -> str:
    return _n(
        "**{name}** is added in {count} piece: everybody in this server can find what it says with `/find`.",
        "**{name}** is added in {count} pieces: everybody in this server can find what it says with `/find`.",
        pieces,
        name=neutralize(title),
    )


def _replaced(title: str, pieces: int) -> str:
    return _n(
        "**{name}** is replaced; its new version has {count} piece.",
        "**{name}** is replaced; its new version has {count} pieces.",
        pieces,
        name=neutralize(title),
    )
