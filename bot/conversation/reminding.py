"""A message to Steward that begins with "remember that …": the fact is kept, or, without the person's yes, offered.

No model decides: what is not said in this plain form is a question like any other. It does not know how facts are kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import discord

from bot.audience import is_private
from bot.commands.personal import Personal, button, replace, view_of
from bot.conversation.intake import Intake, Keeps
from bot.conversation.markup import readable
from bot.conversation.naming import names_in
from bot.conversation.replying import reply
from bot.errors import LeftOut, Refusal
from bot.remembering import Remembering, place
from storage.choices import Choices, Consent
from storage.history import History
from storage.memories import Memories

NOTED = (
    "I keep that in mind for you {where}{only}. `/memory show` lists what I remember about you; editing or deleting "
    "your message makes me forget it, too."
)
ONLY_HERE = ", and use it only in this channel and in answers that you alone see"
OFFER = (
    "I remember nothing about people who did not ask me to. Shall I remember this about you {where}, and from now on "
    "what else you tell me to remember? You see and delete it with `/memory`."
)
FORGOTTEN = "I have forgotten that."
NOT_HERE = (
    "In this channel I keep nothing of what is said, so I do not remember anything from here. `/memory add` lets me "
    "remember it."
)
NOT_YOURS = "Only the person who said that can decide about it."
GONE = "Your message is gone, so there is nothing to remember."

_PLAIN = re.compile(
    r"(?:please,? )?remember(?: ?[:,] ?| that ?[:,]? | (?=(?:i|my|i'm|i’m|i've|i’ve|we|our)\b))(?P<fact>\S.*)",
    re.IGNORECASE,
)
"""“Remember that I like tea”, “please remember: my cat is called Ada”, “remember my birthday is in May”."""


def fact_in(text: str) -> str | None:
    """What somebody asks to be remembered; None where it is not said in the plain form, or is a question."""
    found = _PLAIN.fullmatch(" ".join(text.split()))
    if found is None or "?" in text:
        return None
    fact = found["fact"].strip().rstrip(".!").strip()
    return fact or None


class Reminding:
    """Deals with such messages, and with the buttons under the answers."""

    def __init__(
        self,
        *,
        remembering: Remembering,
        memories: Memories,
        choices: Choices,
        history: History,
        intake: Intake,
        personal: Personal,
        me: Callable[[], discord.ClientUser],
        keeps: Keeps,
    ) -> None:
        self._remembering = remembering
        self._memories = memories
        self._choices = choices
        self._history = history
        self._intake = intake
        self._me = me
        self._keeps = keeps
        personal.on("remember-this", self._confirmed)
        personal.on("forget-this", self._forgotten)

    def fact(self, message: discord.Message) -> str | None:
        """What this message asks to be remembered."""
        return None if message.author.bot else self._fact(message.content, message.guild)

    async def answer(self, message: discord.Message, fact: str) -> None:
        """Keep it, or offer to. Raises StorageError, Refusal and discord's errors."""
        person, guild_id = message.author.id, message.guild.id if message.guild else None
        chosen = await self._choices.of(person, guild_id)
        if Consent.OPT_OUT in chosen:
            raise LeftOut
        if not await self._keeps(message.guild, message.channel):
            raise Refusal(NOT_HERE)
        await self._intake.record_said(message)
        if Consent.MEMORY in chosen:
            number = await self._remembering.keep(person, guild_id, message.channel, fact, sources=[message.id])
            text, view = _noted(guild_id, is_private(message.channel)), _forget_button(number, person)
        else:
            text = OFFER.format(where=place(guild_id))
            argument = f"{message.id}-{person}"
            view = view_of(button("Remember this", "remember-this", argument, discord.ButtonStyle.primary))
        sent = await reply(message, text, view)
        await self._intake.record([sent])

    async def _confirmed(self, interaction: discord.Interaction, argument: str, _: Sequence[str]) -> None:
        message_id, person = _owned(interaction, argument)
        row = next(iter((await self._history.chain(message_id, 1)).messages), None)
        fact = self._fact(row.content, interaction.guild) if row is not None and row.author.id == person else None
        if fact is None:
            raise Refusal(GONE)
        await self._remembering.switch_on(person, interaction.guild_id)
        number = await self._remembering.keep(
            person, interaction.guild_id, interaction.channel, fact, sources=[message_id]
        )
        text = _noted(interaction.guild_id, is_private(interaction.channel))
        await replace(interaction, text, _forget_button(number, person))

    async def _forgotten(self, interaction: discord.Interaction, argument: str, _: Sequence[str]) -> None:
        number, person = _owned(interaction, argument)
        await self._memories.forget(person, number)
        await replace(interaction, FORGOTTEN)

    def _fact(self, content: str, guild: discord.Guild | None) -> str | None:
        return fact_in(readable(content, names_in(guild, self._me(), {})))


def _noted(guild_id: int | None, only_here: bool) -> str:
    return NOTED.format(where=place(guild_id), only=ONLY_HERE if only_here and guild_id is not None else "")


def _forget_button(number: int, person_id: int) -> discord.ui.View:
    return view_of(button("Forget it", "forget-this", f"{number}-{person_id}"))


def _owned(interaction: discord.Interaction, argument: str) -> tuple[int, int]:
    """What the button is about, and whose it is. Raises Refusal to everybody else."""
    number, _, person = argument.partition("-")
    if not (number.isdecimal() and person.isdecimal()) or interaction.user.id != int(person):
        raise Refusal(NOT_YOURS)
    return int(number), int(person)
