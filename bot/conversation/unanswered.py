"""Questions of which a sudden end of the process left nothing: nobody has said anything to them. They are heard again.

So are those that were asked while Steward was being started anew. It does not know whether they are answered at all:
that is decided as for every message. It reads what Discord has, and what is stored of Steward's replies, since somebody
may have deleted one: nothing is answered twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import discord
import structlog

from bot.clock import Clock
from bot.conversation.hearing import FRESH, Hearing
from bot.conversation.intake import ORDINARY
from bot.conversation.transcript import Transcript
from bot.settings.rulebook import Rulebook
from storage.history import History

log = structlog.get_logger()


class Unanswered:
    """Finds them. Raises StorageError and discord's errors."""

    def __init__(
        self, history: History, transcript: Transcript, hearing: Hearing, rulebook: Rulebook, clock: Clock
    ) -> None:
        self._history = history
        self._transcript = transcript
        self._hearing = hearing
        self._rulebook = rulebook
        self._clock = clock

    async def hear(self, channel: discord.abc.MessageableChannel, page: Sequence[discord.Message], mine: int) -> None:
        """Hear those among the last messages of a channel, the newest of which is the first of `page`."""
        guild = getattr(channel, "guild", None)
        if guild is not None:
            await self._rulebook.chosen(guild.id)  # whether everything said there is a question is known from then on
        lost = lost_in(page, mine, self._clock.utc() - FRESH, flows=self._transcript.flows(channel))
        answered = await self._history.replied_to([message.id for message in lost], mine)
        lost = [message for message in lost if message.id not in answered]
        if lost:
            log.info("heard again", channel=channel.id, messages=len(lost))
            await self._transcript.compare(channel, page[0].id)
        for message in reversed(lost):
            await self._hearing.hears_late(message)


def lost_in(page: Sequence[discord.Message], mine: int, since: datetime, *, flows: bool) -> list[discord.Message]:
    """Those that call Steward, or are all for it where the talk `flows`, and that have no answer from it, nor a sign.

    Where a talk flows, what was said before Steward's last word is answered: several messages may have been one."""
    own = [message for message in page if message.author.id == mine]
    replied = {message.reference.message_id for message in own if message.reference is not None}
    last = max((message.id for message in own), default=0) if flows else 0
    return [
        message
        for message in page
        if message.created_at >= since
        and message.type in ORDINARY
        and not message.author.bot
        and message.id > last
        and message.id not in replied
        and not message.flags.has_thread
        and not any(reaction.me for reaction in message.reactions)
        and (flows or _calls(message, mine))
    ]


def _calls(message: discord.Message, mine: int) -> bool:
    roles = (role.tags.bot_id for role in message.role_mentions if role.tags is not None)
    return mine in (person.id for person in message.mentions) or mine in roles
