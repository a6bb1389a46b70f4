"""Puts the parts of a conversation together: from a message's arrival to the buttons under its answer.

It knows constructors only; what the parts do is in their own files.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.conversation.aftercare import Aftercare
from bot.conversation.broken_off import BrokenOff
from bot.conversation.changes import Changes
from bot.conversation.channel_clock import ChannelClocks
from bot.conversation.controls import Controls
from bot.conversation.counting import Counting
from bot.conversation.hearing import Hearing
from bot.conversation.newest import Newest
from bot.conversation.proxies import Proxies
from bot.conversation.reception import Reception
from bot.conversation.running import Replies
from bot.conversation.standing import StandingReplies
from bot.conversation.summarizing import Summarizing
from bot.conversation.transcript import Transcript
from bot.conversation.turn import Turns
from bot.conversation.unanswered import Unanswered
from bot.conversation.unstored import Unstored
from bot.foundations import Foundations, Shared
from bot.people_parts import MemoryParts
from storage.open_replies import OpenReplies
from storage.summaries import RunningSummaries
from storage.tokens import TokenCounts


@dataclass(frozen=True, slots=True)
class ConversationParts:
    """What the client hands events to."""

    reception: Reception
    hearing: Hearing
    changes: Changes
    controls: Controls
    replies: Replies
    transcript: Transcript
    newest: Newest
    broken_off: BrokenOff


def converse(base: Foundations, shared: Shared, memory: MemoryParts) -> ConversationParts:
    """Build all parts."""
    past = _past(base, shared, memory)
    turns = _turns(base, shared, memory, past)
    changes = _changes(base, shared, past, turns)
    reception = _reception(base, shared, memory, past, turns, changes)
    controls = _controls(base, shared, past, turns)
    hearing = Hearing(reception.receive, base.errands, base.pace.clock)
    unanswered = Unanswered(base.history, past.transcript, hearing, shared.rulebook, base.pace.clock)
    broken_off = BrokenOff(base.history, unanswered, shared.replies, base.my_id, base.pace.clock)
    return ConversationParts(
        reception, hearing, changes, controls, shared.replies, past.transcript, past.newest, broken_off
    )


@dataclass(frozen=True, slots=True)
class _Past:
    """What was said and what stands there: all that is done with answers needs it."""

    transcript: Transcript
    clocks: ChannelClocks
    newest: Newest
    standing: StandingReplies


def _past(base: Foundations, shared: Shared, memory: MemoryParts) -> _Past:
    keeps = shared.rulebook.keeps
    unstored = Unstored(shared.intake, memory.choices, base.my_id)
    transcript = Transcript(
        base.history, shared.intake, base.my_id, base.settings.bot.history_messages, shared.rulebook, unstored
    )
    clocks = ChannelClocks(base.pace)
    newest = Newest(clocks, base.errands, base.pace, OpenReplies(base.database), base.places, keeps)
    standing = StandingReplies(base.history, transcript, base.my_id, base.pace, keeps)
    return _Past(transcript, clocks, newest, standing)


def _turns(base: Foundations, shared: Shared, memory: MemoryParts, past: _Past) -> Turns:
    return Turns(
        llm=base.llm,
        history=base.history,
        intake=shared.intake,
        transcript=past.transcript,
        prompts=shared.prompts,
        me=base.me,
        pace=base.pace,
        clocks=past.clocks,
        replies=shared.replies,
        newest=past.newest,
        words=shared.words,
        choices=memory.choices,
        recalling=memory.recalling,
        rulebook=shared.rulebook,
        aftercare=_aftercare(base, shared, past),
        pictures=shared.pictures,
        metering=shared.metering,
    )


def _aftercare(base: Foundations, shared: Shared, past: _Past) -> Aftercare:
    return Aftercare(
        llm=base.llm,
        transcript=past.transcript,
        counting=Counting(base.llm, TokenCounts(base.database)),
        summarizing=Summarizing(base.llm, shared.prompts, RunningSummaries(base.database)),
        errands=base.errands,
        me=base.me,
    )


def _changes(base: Foundations, shared: Shared, past: _Past, turns: Turns) -> Changes:
    return Changes(
        turns=turns,
        replies=shared.replies,
        newest=past.newest,
        standing=past.standing,
        intake=shared.intake,
        pictures=shared.pictures,
        history=base.history,
        proxies=Proxies(base.settings.bot.proxies, base.pace),
        pauses=shared.pauses,
        limits=shared.limits,
        gate=shared.gate,
        errands=base.errands,
        pace=base.pace,
    )


def _reception(
    base: Foundations, shared: Shared, memory: MemoryParts, past: _Past, turns: Turns, changes: Changes
) -> Reception:
    return Reception(
        membership=shared.membership,
        private=shared.private,
        limits=shared.limits,
        turns=turns,
        intake=shared.intake,
        transcript=past.transcript,
        replies=shared.replies,
        newest=past.newest,
        changes=changes,
        pauses=shared.pauses,
        reminding=memory.reminding,
        my_id=base.my_id,
        allowed_bots=base.settings.bot.allowed_bots,
        gate=shared.gate,
    )


def _controls(base: Foundations, shared: Shared, past: _Past, turns: Turns) -> Controls:
    return Controls(
        turns=turns,
        replies=shared.replies,
        newest=past.newest,
        standing=past.standing,
        pauses=shared.pauses,
        limits=shared.limits,
        gate=shared.gate,
        errands=base.errands,
    )
