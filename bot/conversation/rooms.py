"""Where an answer goes: where it was asked for, or into a new thread under the question.

It does not know who wants threads (`bot.settings`), nor what is said in them.
"""

from __future__ import annotations

import discord
import structlog

from bot.conversation.invites import without_invites
from bot.conversation.shown import Standing
from bot.conversation.streaming import TROUBLE

log = structlog.get_logger()

LONGEST_NAME = 60
NAMELESS = "A question"


async def new_thread(question: discord.Message) -> discord.Thread | None:
    """A thread under the question; None where there can be none, or where a talk goes on by replies."""
    if not isinstance(question.channel, discord.TextChannel) or question.reference is not None:
        return None
    try:
        return await question.create_thread(name=name_of(question))
    except TROUBLE as error:
        log.info("answered without a thread", message=question.id, error=str(error))
        return None


def room_of(question: discord.Message, standing: Standing) -> discord.Thread | None:
    """The thread in which an answer stands, where it was asked for elsewhere."""
    place = standing.messages[0].message.channel if standing.messages else None
    return place if isinstance(place, discord.Thread) and place.id != question.channel.id else None


def name_of(question: discord.Message) -> str:
    """What the thread is called: the beginning of the question, without the mention of whoever is asked."""
    text = question.clean_content
    for person in question.mentions:
        text = text.replace(f"@{person.display_name}", "")
    text = " ".join(without_invites(text).split())
    return (text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…") or NAMELESS
