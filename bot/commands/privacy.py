"""/privacy: what is stored of a person, shown, handed over and deleted, and leaving oneself out.

It asks before it deletes, and says afterwards what went and what stays. What is stored where is `storage.privacy`'s.
"""

from __future__ import annotations

import asyncio
import gzip
import io
import json
from collections.abc import Sequence
from typing import Any, Literal

import discord
from discord import app_commands

from bot.commands.answering import defer, explained, tell
from bot.commands.holding import Holding, counted
from bot.commands.personal import Personal, button, replace, view_of
from bot.conversation.leaving import Leaving
from bot.errors import Refusal
from bot.limits import PersonalLimits
from bot.settings.rulebook import Rulebook
from storage.choices import Choices, Consent
from storage.privacy import Privacy, Receipt

Where = Literal["here", "everywhere"]

LARGEST_FILE = 9_000_000
"""Bytes; Discord takes files of 10 MiB from everybody."""
FILE = "what-steward-keeps-of-you.json"
EXPORTED = "Here is all that I keep of you {where}, as a file. Only you see this message; Discord shows it until you \
dismiss it."
TOO_LARGE = (
    "What I keep of you is more than Discord takes in one file. Ask for it in one server (`/privacy export`), or ask "
    "my owner, who has the database."
)
NOTHING = "I keep nothing of you {where}."
ASK_DELETE = "**Shall I delete everything that I keep of you {where}?**\n{held}\nThis cannot be undone."
ASK_OPT_OUT = (
    "**Shall I leave you out {where}?** I delete what I keep of you there, and from then on I neither read nor keep "
    "what you write: not when you address me, not for summaries, not when somebody replies to you. `/ask` still works, "
    "and I keep nothing of it. {moderation}"
)
DELETED = "**Deleted {where}:**\n{gone}\n**What stays:**\n{kept}"
STAYS = (
    "What you wrote still stands on Discord; only you or a moderator can delete it there.",
    "A moderation case would keep your id, what was done, why, when and its points until it expires. There is none: "
    "nothing that moderates is switched on.",
)
STORED_ANEW = "What you say to me from now on is kept again; `/privacy opt-out` ends that."
MODERATED = "Moderators' rules hold for everybody, also for people who opted out."
IS_OUT = "I leave you out {where}. `/privacy opt-in` takes that back."
ALREADY_OUT = "I leave you out {where} already."
IS_IN = "I read you again {where} when you address me, and keep it as `/privacy show` says."
WAS_IN = "You had not opted out {where}."
STILL_OUT = " But you opted out of all servers, too: `/privacy opt-in where:everywhere` takes that back."
LEFT_ALONE = "Nothing was changed."


class PrivacyDesk:
    """Answers /privacy, and the presses that follow."""

    def __init__(
        self,
        *,
        privacy: Privacy,
        leaving: Leaving,
        choices: Choices,
        holding: Holding,
        rulebook: Rulebook,
        limits: PersonalLimits,
        personal: Personal,
    ) -> None:
        self._privacy = privacy
        self._leaving = leaving
        self._choices = choices
        self._holding = holding
        self._rulebook = rulebook
        self._limits = limits
        personal.on("privacy-delete", self._delete)
        personal.on("privacy-opt-out", self._opt_out)
        personal.on("keep", _leave_alone)

    async def show(self, interaction: discord.Interaction, where: Where) -> None:
        """What is held, since when, how long, and where it goes."""
        rules = await self._rulebook.for_interaction(interaction)
        days = await self._rulebook.days_in(interaction.guild_id)
        await tell(interaction, await self._holding.told(interaction.user.id, _guild(interaction, where), rules, days))

    async def export(self, interaction: discord.Interaction, where: Where) -> None:
        """All of it as a private file. Raises Refusal where that is more than Discord takes."""
        with self._limits.request(interaction.user.id):
            found = await self._privacy.export(interaction.user.id, _guild(interaction, where))
            file = await asyncio.to_thread(_file, found)
        text = EXPORTED.format(where=_said(interaction, where))
        await interaction.edit_original_response(content=text, attachments=[file])

    async def ask_delete(self, interaction: discord.Interaction, where: Where) -> None:
        """Ask whether all of it shall go."""
        held = await self._privacy.held(interaction.user.id, _guild(interaction, where))
        said = _said(interaction, where)
        if not any(held.values()):
            await tell(interaction, NOTHING.format(where=said))
            return
        await _ask(interaction, ASK_DELETE.format(where=said, held=counted(held)), "Delete it all", "delete", where)

    async def ask_opt_out(self, interaction: discord.Interaction, where: Where) -> None:
        """Ask whether this person shall be left out."""
        said, guild_id = _said(interaction, where), _guild(interaction, where)
        if await self._choices.has(interaction.user.id, guild_id, Consent.OPT_OUT):
            await tell(interaction, ALREADY_OUT.format(where=said))
            return
        text = ASK_OPT_OUT.format(where=said, moderation=MODERATED)
        await _ask(interaction, text, "Leave me out", "opt-out", where)

    async def opt_in(self, interaction: discord.Interaction, where: Where) -> None:
        """Take an opt-out back."""
        person, guild_id = interaction.user.id, _guild(interaction, where)
        was_out = await self._choices.withdraw(person, guild_id, Consent.OPT_OUT)
        text = (IS_IN if was_out else WAS_IN).format(where=_said(interaction, where))
        still = await self._choices.has(person, guild_id, Consent.OPT_OUT)
        await tell(interaction, text + STILL_OUT * still)

    async def _delete(self, interaction: discord.Interaction, argument: str, _: Sequence[str]) -> None:
        where: Where = "everywhere" if argument == "everywhere" else "here"
        with self._limits.request(interaction.user.id):
            receipt = await self._leaving.delete(interaction.user.id, _guild(interaction, where))
        await replace(interaction, _receipt(receipt, _said(interaction, where), STORED_ANEW))

    async def _opt_out(self, interaction: discord.Interaction, argument: str, _: Sequence[str]) -> None:
        where: Where = "everywhere" if argument == "everywhere" else "here"
        with self._limits.request(interaction.user.id):
            receipt = await self._leaving.opt_out(interaction.user.id, _guild(interaction, where))
        said = _said(interaction, where)
        await replace(interaction, f"{IS_OUT.format(where=said)}\n{_receipt(receipt, said, MODERATED)}")


def add_privacy(tree: app_commands.CommandTree[discord.Client], desk: PrivacyDesk) -> None:
    """Hang /privacy on the tree."""
    group = app_commands.Group(name="privacy", description="What I keep of you: see it, take it with you, delete it")
    scope = app_commands.describe(where="Only this server, or all that I am in")

    @group.command(name="show", description="What I keep of you, since when, how long and where")
    @scope
    async def show(interaction: discord.Interaction, where: Where = "here") -> None:
        await defer(interaction)
        async with explained(interaction):
            await desk.show(interaction, where)

    @group.command(name="export", description="All that I keep of you, as a file that only you see")
    @scope
    async def export(interaction: discord.Interaction, where: Where = "here") -> None:
        await defer(interaction)
        async with explained(interaction):
            await desk.export(interaction, where)

    @group.command(name="delete", description="Delete all that I keep of you; I ask once before I do")
    @scope
    async def delete(interaction: discord.Interaction, where: Where = "here") -> None:
        await defer(interaction)
        async with explained(interaction):
            await desk.ask_delete(interaction, where)

    @group.command(name="opt-out", description="From now on I neither read nor keep what you write")
    @scope
    async def opt_out(interaction: discord.Interaction, where: Where = "here") -> None:
        await defer(interaction)
        async with explained(interaction):
            await desk.ask_opt_out(interaction, where)

    @group.command(name="opt-in", description="Let me read what you write to me again")
    @scope
    async def opt_in(interaction: discord.Interaction, where: Where = "here") -> None:
        await defer(interaction)
        async with explained(interaction):
            await desk.opt_in(interaction, where)

    tree.add_command(group)


async def _ask(interaction: discord.Interaction, text: str, yes: str, name: str, where: Where) -> None:
    confirm = button(yes, f"privacy-{name}", where, discord.ButtonStyle.danger)
    await replace(interaction, text, view_of(confirm, button("Leave it", "keep")))


async def _leave_alone(interaction: discord.Interaction, _: str, __: Sequence[str]) -> None:
    await replace(interaction, LEFT_ALONE)


def _guild(interaction: discord.Interaction, where: Where) -> int | None:
    """The server that is meant; None for everywhere, which is what is meant in private messages."""
    return None if where == "everywhere" else interaction.guild_id


def _said(interaction: discord.Interaction, where: Where) -> str:
    return "everywhere" if _guild(interaction, where) is None else "in this server"


def _receipt(receipt: Receipt, where: str, *remarks: str) -> str:
    gone = counted(receipt.counts) or "- nothing: I kept nothing of you"
    kept = "\n".join(f"- {sentence}" for sentence in (*receipt.kept, *STAYS, *remarks))
    return DELETED.format(where=where, gone=gone, kept=kept)


def _file(found: dict[str, Any]) -> discord.File:
    """As JSON, packed where it is large. Raises Refusal."""
    text = json.dumps(found, ensure_ascii=False, indent=1).encode()
    name = FILE
    if len(text) > LARGEST_FILE:
        text, name = gzip.compress(text), f"{FILE}.gz"
    if len(text) > LARGEST_FILE:
        raise Refusal(TOO_LARGE)
    return discord.File(io.BytesIO(text), name, description="All that Steward keeps of you, as JSON.")
