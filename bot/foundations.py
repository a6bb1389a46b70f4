"""What every part of the bot stands on, and what many of them share. It knows constructors only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import discord

from bot.config import DirectMessages, Settings
from bot.conversation.attachments import Attachments
from bot.conversation.intake import Intake
from bot.conversation.leaving import Leaving
from bot.conversation.newest import Places
from bot.conversation.own_text import WordList, own_list
from bot.conversation.pace import Pace
from bot.conversation.pausing import Pauses
from bot.conversation.pictures import Pictures
from bot.conversation.prompting import Prompts
from bot.conversation.running import Replies
from bot.errands import Errands
from bot.gate import Gate
from bot.limits import PersonalLimits
from bot.membership import Membership
from bot.metering import Metering
from bot.permissions import PrivatePolicy
from bot.settings.defaults import defaults
from bot.settings.rulebook import Rulebook
from bot.tally import Tally
from bot.whereabouts import privacy_line
from llm.client import LLMClient
from llm.tasks_client import TasksClient
from llm.types import Sampling
from storage.database import Database
from storage.history import History
from storage.privacy import Privacy
from storage.settings import GuildSettings
from storage.usage import Usage


@dataclass(frozen=True, slots=True)
class Foundations:
    """What everything else stands on; `me` is known after the login. `pace`: how long things wait; `tasks`: the engine
    of the task models, if there is one."""

    settings: Settings
    llm: LLMClient
    database: Database
    in_playground: bool
    me: Callable[[], discord.ClientUser]
    places: Places
    pace: Pace
    errands: Errands
    tasks: TasksClient | None = None

    @property
    def history(self) -> History:
        return History(self.database)

    def my_id(self) -> int:
        """Steward's own; after the login."""
        return self.me().id


@dataclass(frozen=True, slots=True)
class Shared:
    """What conversations and commands have in common. `privacy`: the sentence that says where messages go."""

    membership: Membership
    private: PrivatePolicy
    privacy: str
    limits: PersonalLimits
    prompts: Prompts
    words: WordList
    attachments: Attachments
    pictures: Pictures
    pauses: Pauses
    replies: Replies
    leaving: Leaving
    stored: GuildSettings
    rulebook: Rulebook
    intake: Intake
    tally: Tally
    gate: Gate
    metering: Metering


def share(base: Foundations) -> Shared:
    """Build it."""
    settings, clock = base.settings, base.pace.clock
    stored, usage = GuildSettings(base.database), Usage(base.database)
    rulebook = Rulebook(stored, defaults(settings, in_playground=base.in_playground))
    attachments, pauses = Attachments(), Pauses(clock)
    pictures, replies = Pictures(base.llm, attachments), Replies(pauses)
    tally = Tally(clock.utc)
    leaving = Leaving(Privacy(base.database), replies, usage, tally, clock.utc)
    leaving.also(pictures.forget_person)
    return Shared(
        membership=Membership(settings.bot.guilds, stored, adopt_all=base.in_playground),
        private=private_policy(settings.bot.direct_messages, in_playground=base.in_playground),
        privacy=privacy_line(settings.llm.base_url, settings.llm.tasks_url or settings.llm.base_url),
        limits=PersonalLimits(settings.bot.requests_per_minute, clock.now),
        prompts=Prompts(base.llm, Sampling(settings.llm.max_tokens, settings.llm.temperature, settings.llm.top_p)),
        words=own_list(),
        attachments=attachments,
        pictures=pictures,
        pauses=pauses,
        replies=replies,
        leaving=leaving,
        stored=stored,
        rulebook=rulebook,
        intake=Intake(base.history, base.my_id, rulebook.keeps, attachments, base.errands),
        tally=tally,
        gate=Gate(rulebook, usage, tally, clock.utc, clock.now),
        metering=Metering(usage, tally, rulebook, clock.utc),
    )


def private_policy(chosen: DirectMessages | list[int], *, in_playground: bool) -> PrivatePolicy:
    """The setting [bot] direct_messages as a rule."""
    return PrivatePolicy(tuple(chosen) if isinstance(chosen, list) else chosen, in_playground)
