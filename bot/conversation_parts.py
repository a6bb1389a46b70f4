"""Puts the parts of a conversation together: from a message's arrival to the buttons under its answer.

It knows constructors only; what the parts do is in their own files.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import discord

from bot.conversation.aftercare import Aftercare
from bot.conversation.broken_off import BrokenOff
from bot.conversation.changes import Changes
from bot.conversation.channel_clock import ChannelClocks
from bot.conversation.controls import Controls
from bot.conversation.counting import Counting
from bot.conversation.hearing import Hearing
from bot.conversation.intake import Intake
from bot.conversation.newest import Newest, Places
from bot.conversation.own_text import WordList
from bot.conversation.pace import Pace
from bot.conversation.pausing import Pauses
from bot.conversation.pictures import Pictures
from bot.conversation.prompting import Prompts
from bot.conversation.proxies import Proxies
from bot.conversation.recalling import Recalling
from bot.conversation.reception import Reception
from bot.conversation.reminding import Reminding
from bot.conversation.running import Replies
from bot.conversation.standing import StandingReplies
from bot.conversation.summarizing import Summarizing
from bot.conversation.transcript import Transcript
from bot.conversation.turn import Turns
from bot.conversation.unstored import Unstored
from bot.errands import Errands
from bot.gate import Gate
from bot.limits import PersonalLimits
from bot.membership import Membership
from bot.metering import Metering
from bot.permissions import PrivatePolicy
from llm.client import LLMClient
from storage.choices import Choices
from storage.database import Database
from storage.history import History
from storage.open_replies import OpenReplies
from storage.summaries import RunningSummaries
from storage.tokens import TokenCounts


@dataclass(frozen=True, slots=True)
class Needs:
    """What a conversation stands on."""

    llm: LLMClient
    history: History
    open_replies: OpenReplies
    places: Places
    intake: Intake
    prompts: Prompts
    membership: Membership
    private: PrivatePolicy
    limits: PersonalLimits
    errands: Errands
    pace: Pace
    me: Callable[[], discord.ClientUser]
    history_messages: int
    allowed_bots: Collection[int]
    pauses: Pauses
    proxies: Collection[int]
    words: WordList
    choices: Choices
    recalling: Recalling
    reminding: Reminding
    gate: Gate
    database: Database
    pictures: Pictures
    replies: Replies
    metering: Metering


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


def converse(needs: Needs) -> ConversationParts:
    """Build all parts."""
    past = _past(needs)
    turns = _turns(needs, past)
    changes = _changes(needs, past, turns)
    reception = _reception(needs, past, turns, changes)
    controls = _controls(needs, past, turns)
    hearing = Hearing(reception.receive, needs.errands, needs.pace.clock)
    broken_off = BrokenOff(needs.history, needs.places, needs.replies, lambda: needs.me().id, needs.pace.clock)
    return ConversationParts(
        reception, hearing, changes, controls, needs.replies, past.transcript, past.newest, broken_off
    )


@dataclass(frozen=True, slots=True)
class _Past:
    """What was said and what stands there: all that is done with answers needs it."""

    transcript: Transcript
    clocks: ChannelClocks
    newest: Newest
    standing: StandingReplies


def _past(needs: Needs) -> _Past:
    keeps = needs.gate.rulebook.keeps
    unstored = Unstored(needs.intake, needs.choices, lambda: needs.me().id)
    transcript = Transcript(
        needs.history, needs.intake, lambda: needs.me().id, needs.history_messages, needs.gate.rulebook, unstored
    )
    clocks = ChannelClocks(needs.pace)
    newest = Newest(clocks, needs.errands, needs.pace, needs.open_replies, needs.places, keeps)
    standing = StandingReplies(needs.history, transcript, lambda: needs.me().id, needs.pace, keeps)
    return _Past(transcript, clocks, newest, standing)


def _turns(needs: Needs, past: _Past) -> Turns:
    return Turns(
        llm=needs.llm,
        history=needs.history,
        intake=needs.intake,
        transcript=past.transcript,
        prompts=needs.prompts,
        me=needs.me,
        pace=needs.pace,
        clocks=past.clocks,
        replies=needs.replies,
        newest=past.newest,
        words=needs.words,
        choices=needs.choices,
        recalling=needs.recalling,
        rulebook=needs.gate.rulebook,
        aftercare=_aftercare(needs, past),
        pictures=needs.pictures,
        metering=needs.metering,
    )


def _aftercare(needs: Needs, past: _Past) -> Aftercare:
    return Aftercare(
        llm=needs.llm,
        transcript=past.transcript,
        counting=Counting(needs.llm, TokenCounts(needs.database)),
        summarizing=Summarizing(needs.llm, needs.prompts, RunningSummaries(needs.database)),
        errands=needs.errands,
        me=needs.me,
    )


def _changes(needs: Needs, past: _Past, turns: Turns) -> Changes:
    return Changes(
        turns=turns,
        replies=needs.replies,
        newest=past.newest,
        standing=past.standing,
        intake=needs.intake,
        pictures=needs.pictures,
        history=needs.history,
        proxies=Proxies(needs.proxies, needs.pace),
        pauses=needs.pauses,
        limits=needs.limits,
        gate=needs.gate,
        errands=needs.errands,
        pace=needs.pace,
    )


def _reception(needs: Needs, past: _Past, turns: Turns, changes: Changes) -> Reception:
    return Reception(
        membership=needs.membership,
        private=needs.private,
        limits=needs.limits,
        turns=turns,
        intake=needs.intake,
        transcript=past.transcript,
        replies=needs.replies,
        newest=past.newest,
        changes=changes,
        pauses=needs.pauses,
        reminding=needs.reminding,
        my_id=lambda: needs.me().id,
        allowed_bots=needs.allowed_bots,
        gate=needs.gate,
    )


def _controls(needs: Needs, past: _Past, turns: Turns) -> Controls:
    return Controls(
        turns=turns,
        replies=needs.replies,
        newest=past.newest,
        standing=past.standing,
        pauses=needs.pauses,
        limits=needs.limits,
        gate=needs.gate,
        errands=needs.errands,
    )
