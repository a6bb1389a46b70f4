"""/memory: what Steward remembers about a person in one server: switched on, shown, added to and forgotten.

Everything here is answered in private. It does not know when something is recalled.
"""

from __future__ import annotations

from collections.abc import Sequence

import discord
from discord import app_commands

from bot.audience import is_private
from bot.commands.answering import defer, explained, tell
from bot.commands.personal import Personal, button, menu, replace, view_of
from bot.conversation.rendering import neutralize, small
from bot.errors import Refusal
from bot.limits import PersonalLimits
from bot.remembering import IS_OFF, LONGEST_FACT, Remembering, place
from storage.errors import StorageError
from storage.memories import Memories, Remembered

PER_PAGE = 10
"""Memories that are listed at once: with the longest ones a message still holds them."""
LONGEST_LINE = 150
LONGEST_LABEL = 100
MOST_SUGGESTED = 25

ON = (
    "From now on I remember what you ask me to {where}: write me “remember that …”, or use `/memory add`. I recall it "
    "when *you* ask me something, never for anybody else. `/memory show` lists it, `/memory off` makes me forget it."
)
WAS_ON = "Memory is on for you {where} already. `/memory show` lists what I remember."
OFF = "Memory is off for you {where}: I remember nothing about you.{gone}"
ASK_OFF = "**Shall I switch memory off {where} and forget everything?** That is {count}."
ASK_ALL = "**Shall I forget everything that I remember about you {where}?** That is {count}. This cannot be undone."
NOTHING = "I remember nothing about you {where}. Write me “remember that …”, or use `/memory add`."
LIST = "**What I remember about you {where}**\n{lines}"
PAGE = "page {page} of {pages}"
KEPT = "I keep that in mind for you {where}, and recall it when you ask me something.{remark}"
KEPT_PRIVATE = " Since not everybody reads here, I use it only in this channel and in answers that you alone see."
KEPT_ONLY = " I use it only in answers that you alone see."
FORGOTTEN = "I have forgotten that."
ALL_FORGOTTEN = "I have forgotten everything about you {where}: {count}."
UNKNOWN = "I remember nothing like that. `/memory show` lists what I do."
LOCK = "🔒 "
LOCKED = f"{LOCK.strip()} only where you told me, and in answers that you alone see"


class MemoryDesk:
    """Answers /memory, and the presses that follow."""

    def __init__(
        self, *, memories: Memories, remembering: Remembering, limits: PersonalLimits, personal: Personal
    ) -> None:
        self._memories = memories
        self._remembering = remembering
        self._limits = limits
        personal.on("memory-page", self._turn)
        personal.on("memory-forget", self._forget_chosen)
        personal.on("memory-all", self._ask_all)
        personal.on("memory-all-yes", self._forget_all)
        personal.on("memory-off-yes", self._off_confirmed)

    async def on(self, interaction: discord.Interaction) -> None:
        """Say yes. Raises Refusal, StorageError."""
        is_news = await self._remembering.switch_on(interaction.user.id, interaction.guild_id)
        await tell(interaction, (ON if is_news else WAS_ON).format(where=place(interaction.guild_id)))

    async def off(self, interaction: discord.Interaction) -> None:
        """Take the yes back; asks first where something would be forgotten."""
        count = len(await self._memories.of(interaction.user.id, interaction.guild_id))
        if count == 0:
            await self._remembering.switch_off(interaction.user.id, interaction.guild_id)
            await tell(interaction, OFF.format(where=place(interaction.guild_id), gone=""))
            return
        text = ASK_OFF.format(where=place(interaction.guild_id), count=_things(count))
        confirm = button("Off, and forget it all", "memory-off-yes", "", discord.ButtonStyle.danger)
        await replace(interaction, text, view_of(confirm, button("Leave it", "keep")))

    async def show(self, interaction: discord.Interaction) -> None:
        """List everything, ten at a time."""
        await self._show(interaction, 0)

    async def add(self, interaction: discord.Interaction, fact: str, *, only_private: bool) -> None:
        """Remember a fact. Raises Refusal, StorageError."""
        with self._limits.request(interaction.user.id):
            await self._remembering.keep(
                interaction.user.id, interaction.guild_id, interaction.channel, fact, only_private=only_private
            )
        remark = KEPT_ONLY if only_private else KEPT_PRIVATE * _is_private_channel(interaction)
        await tell(interaction, KEPT.format(where=place(interaction.guild_id), remark=remark))

    async def forget(self, interaction: discord.Interaction, fact: str) -> None:
        """Forget what was chosen from the suggestions, or was written in the same words. Raises Refusal."""
        wanted = " ".join(fact.split()).casefold()
        for memory in await self._memories.of(interaction.user.id, interaction.guild_id):
            if wanted in (str(memory.id), memory.text.casefold()):
                await self._memories.forget(interaction.user.id, memory.id)
                await tell(interaction, FORGOTTEN)
                return
        raise Refusal(UNKNOWN)

    async def suggest(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """What could be forgotten, while somebody types; nothing where the database is away."""
        try:
            found = await self._memories.of(interaction.user.id, interaction.guild_id)
        except StorageError:
            return []
        near = [memory for memory in reversed(found) if typed.casefold() in memory.text.casefold()]
        return [
            app_commands.Choice(name=_cut(memory.text, LONGEST_LABEL), value=str(memory.id))
            for memory in near[:MOST_SUGGESTED]
        ]

    async def _show(self, interaction: discord.Interaction, page: int) -> None:
        person, guild_id = interaction.user.id, interaction.guild_id
        found = await self._memories.of(person, guild_id)
        if not found:
            is_on = await self._remembering.is_on(person, guild_id)
            await replace(interaction, (NOTHING if is_on else IS_OFF).format(where=place(guild_id)))
            return
        text, view = listed(found, min(page, (len(found) - 1) // PER_PAGE), place(guild_id))
        await replace(interaction, text, view)

    async def _turn(self, interaction: discord.Interaction, argument: str, _: Sequence[str]) -> None:
        await self._show(interaction, _number(argument))

    async def _forget_chosen(self, interaction: discord.Interaction, argument: str, chosen: Sequence[str]) -> None:
        for value in chosen:
            await self._memories.forget(interaction.user.id, _number(value))
        await self._show(interaction, _number(argument))

    async def _ask_all(self, interaction: discord.Interaction, _: str, __: Sequence[str]) -> None:
        count = len(await self._memories.of(interaction.user.id, interaction.guild_id))
        text = ASK_ALL.format(where=place(interaction.guild_id), count=_things(count))
        confirm = button("Forget it all", "memory-all-yes", "", discord.ButtonStyle.danger)
        await replace(interaction, text, view_of(confirm, button("Leave it", "memory-page", "0")))

    async def _forget_all(self, interaction: discord.Interaction, _: str, __: Sequence[str]) -> None:
        count = await self._memories.forget_all(interaction.user.id, interaction.guild_id)
        await replace(interaction, ALL_FORGOTTEN.format(where=place(interaction.guild_id), count=_things(count)))

    async def _off_confirmed(self, interaction: discord.Interaction, _: str, __: Sequence[str]) -> None:
        count = await self._remembering.switch_off(interaction.user.id, interaction.guild_id)
        gone = f" I have forgotten {_things(count)}."
        await replace(interaction, OFF.format(where=place(interaction.guild_id), gone=gone))


def add_memory(tree: app_commands.CommandTree[discord.Client], desk: MemoryDesk) -> None:
    """Hang /memory on the tree."""
    group = app_commands.Group(name="memory", description="What I remember about you here: only what you asked me to")

    @group.command(name="on", description="Let me remember what you ask me to, in this server")
    async def on(interaction: discord.Interaction) -> None:
        await defer(interaction)
        async with explained(interaction):
            await desk.on(interaction)

    @group.command(name="off", description="Let me forget everything about you here, and remember nothing more")
    async def off(interaction: discord.Interaction) -> None:
        await defer(interaction)
        async with explained(interaction):
            await desk.off(interaction)

    @group.command(name="show", description="What I remember about you here, with buttons to delete it")
    async def show(interaction: discord.Interaction) -> None:
        await defer(interaction)
        async with explained(interaction):
            await desk.show(interaction)

    @group.command(name="add", description="Tell me something to keep in mind for you")
    @app_commands.describe(
        fact="In your own words: I am allergic to nuts", only_private="Only for answers that nobody else sees"
    )
    async def add(
        interaction: discord.Interaction,
        fact: app_commands.Range[str, 1, LONGEST_FACT],
        only_private: bool = False,
    ) -> None:
        await defer(interaction)
        async with explained(interaction):
            await desk.add(interaction, fact, only_private=only_private)

    @group.command(name="forget", description="Let me forget one thing about you")
    @app_commands.describe(fact="What I should forget")
    async def forget(interaction: discord.Interaction, fact: str) -> None:
        await defer(interaction)
        async with explained(interaction):
            await desk.forget(interaction, fact)

    @forget.autocomplete("fact")
    async def suggest(interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return await desk.suggest(interaction, typed)

    tree.add_command(group)


def listed(found: Sequence[Remembered], page: int, where: str) -> tuple[str, discord.ui.View]:
    """One page of memories, with a menu to delete one of them, and buttons for all and for the other pages."""
    first = page * PER_PAGE
    shown = list(enumerate(found[first : first + PER_PAGE], first + 1))
    lines = [_line(number, memory) for number, memory in shown]
    pages = (len(found) - 1) // PER_PAGE + 1
    if any(memory.is_private for _, memory in shown):
        lines.append(small(LOCKED))
    if pages > 1:
        lines.append(small(PAGE.format(page=page + 1, pages=pages)))
    options = [
        discord.SelectOption(label=_cut(f"{number}. {memory.text}", LONGEST_LABEL), value=str(memory.id))
        for number, memory in shown
    ]
    items: list[discord.ui.Item[discord.ui.View]] = [menu("Forget one of these", "memory-forget", str(page), options)]
    if page > 0:
        items.append(button("‹", "memory-page", str(page - 1)))
    if page + 1 < pages:
        items.append(button("›", "memory-page", str(page + 1)))
    items.append(button("Delete all", "memory-all", "", discord.ButtonStyle.danger))
    return LIST.format(where=where, lines="\n".join(lines)), view_of(*items)


def _line(number: int, memory: Remembered) -> str:
    told = f"<t:{int(memory.created_at.timestamp())}:d>"
    return f"{number}. {LOCK * memory.is_private}{_cut(neutralize(memory.text), LONGEST_LINE)} ({told})"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _things(count: int) -> str:
    return f"{count} thing{'' if count == 1 else 's'}"


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _is_private_channel(interaction: discord.Interaction) -> bool:
    return interaction.guild_id is not None and is_private(interaction.channel)
