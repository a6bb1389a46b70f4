"""Puts the bot's parts together: everything between the gateway and the engine, built once and handed to its users.

It knows constructors only; what the parts do is in their own files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import discord

from bot.backfill import Backfills
from bot.commands.ask import Ask
from bot.commands.catchup import Catchup
from bot.commands.digesting import Digesting, digesting
from bot.commands.holding import place_of
from bot.commands.post import Posting
from bot.commands.summarize import Summarize
from bot.config import BotSettings, Settings
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
from bot.conversation_parts import ConversationParts, Needs, converse
from bot.errands import Errands
from bot.gate import Gate
from bot.kept_notice import Notices
from bot.limits import PersonalLimits
from bot.lookup_parts import LookupParts, look_up
from bot.membership import Membership
from bot.metering import Metering
from bot.panel.session import Desk
from bot.people_parts import MemoryParts, PeopleParts, remember, serve_people
from bot.permissions import PrivatePolicy
from bot.settings.defaults import defaults
from bot.settings.rulebook import Rulebook
from bot.setup_buttons import SetupAnswers
from bot.setup_check import SetupCheck
from bot.whereabouts import privacy_line
from llm.client import LLMClient
from llm.tasks_client import TasksClient
from llm.types import Sampling
from storage.clearing import Clearing
from storage.database import Database
from storage.history import History
from storage.open_replies import OpenReplies
from storage.part_notes import StoredPartNotes
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


@dataclass(frozen=True, slots=True)
class Parts:
    """What the client hands events to."""

    membership: Membership
    private: PrivatePolicy
    limits: PersonalLimits
    privacy: str
    intake: Intake
    conversation: ConversationParts
    pauses: Pauses
    ask: Ask
    digests: Digesting
    summarize: Summarize
    lookup: LookupParts
    catchup: Catchup
    posting: Posting
    setup: SetupAnswers
    people: PeopleParts
    gate: Gate
    desk: Desk
    notices: Notices
    backfills: Backfills
    leaving: Leaving


def assemble(base: Foundations) -> Parts:
    """Build all parts."""
    bot, llm = base.settings.bot, base.settings.llm
    membership = Membership(bot.guilds, GuildSettings(base.database), adopt_all=base.in_playground)
    private = private_policy(bot, in_playground=base.in_playground)
    limits = PersonalLimits(bot.requests_per_minute, base.pace.clock.now)
    prompts = Prompts(base.llm, Sampling(llm.max_tokens, llm.temperature, llm.top_p))
    attachments = Attachments()
    pictures = Pictures(base.llm, attachments)
    pauses = Pauses(base.pace.clock)
    words = own_list()
    rulebook = Rulebook(GuildSettings(base.database), defaults(base.settings, in_playground=base.in_playground))
    stored = GuildSettings(base.database)
    intake = Intake(base.history, lambda: base.me().id, rulebook.keeps, attachments)
    backfills = Backfills(intake, stored, base.errands, base.pace, lambda: base.me().id)
    privacy = privacy_line(llm.base_url, llm.tasks_url or llm.base_url)
    memory = remember(
        database=base.database,
        tasks=base.tasks,
        intake=intake,
        errands=base.errands,
        me=base.me,
        keeps=rulebook.keeps,
    )
    replies = Replies(pauses)
    leaving = Leaving(Privacy(base.database), replies)
    leaving.also(pictures.forget_person)
    notices = Notices(rulebook, stored, leaving, machine=place_of(base.database.host), privacy_line=privacy)
    usage = Usage(base.database)
    gate = Gate(rulebook, usage, base.pace.clock.utc, base.pace.clock.now)
    metering = Metering(usage, rulebook, base.pace.clock.utc)
    ask = Ask(
        llm=base.llm,
        prompts=prompts,
        history=base.history,
        choices=memory.choices,
        recalling=memory.recalling,
        me=base.me,
        words=words,
        gate=gate,
        metering=metering,
        patience_s=base.pace.patience_s,
    )
    conversation = _conversation(
        base, membership, private, limits, prompts, intake, pictures, pauses, words, memory, gate, replies, metering
    )
    leaving.also(conversation.newest.forget_person)
    digests = digesting(
        llm=base.llm,
        tasks=base.tasks,
        choices=memory.choices,
        me=base.me,
        pace=base.pace,
        gate=gate,
        words=words,
        items=base.settings.tasks.summary_items,
        notes=StoredPartNotes(base.database),
        metering=metering,
    )
    leaving.also(lambda person_id, guild_id: digests.pages.forget(person_id))
    return Parts(
        membership=membership,
        private=private,
        limits=limits,
        privacy=privacy,
        intake=intake,
        conversation=conversation,
        leaving=leaving,
        pauses=pauses,
        ask=ask,
        digests=digests,
        summarize=Summarize(digests),
        catchup=Catchup(digests),
        lookup=look_up(
            database=base.database,
            llm=base.llm,
            words=words,
            tasks=base.tasks,
            intake=intake,
            attachments=attachments,
            ask=ask,
            gate=gate,
            limits=limits,
            places=base.places,
            clock=base.pace.clock,
        ),
        posting=Posting(base.history, base.me, rulebook.keeps),
        setup=SetupAnswers(
            llm=base.llm,
            check=SetupCheck(base.llm, base.history),
            limits=limits,
            metering=metering,
            per_minute=bot.requests_per_minute,
            private=private.sentence,
            servers="those in [bot] guilds." if bot.guilds else "this one only; [bot] guilds can list others.",
        ),
        people=serve_people(
            memory,
            settings=base.settings,
            database=base.database,
            llm=base.llm,
            limits=limits,
            rulebook=rulebook,
            clock=base.pace.clock,
            privacy_line=privacy,
            leaving=leaving,
        ),
        gate=gate,
        desk=Desk(rulebook, base.llm, backfills, Clearing(base.database), notices, base.pace.clock),
        notices=notices,
        backfills=backfills,
    )


def private_policy(settings: BotSettings, *, in_playground: bool) -> PrivatePolicy:
    """The setting [bot] direct_messages as a rule."""
    chosen = settings.direct_messages
    return PrivatePolicy(tuple(chosen) if isinstance(chosen, list) else chosen, in_playground)


def _conversation(
    base: Foundations,
    membership: Membership,
    private: PrivatePolicy,
    limits: PersonalLimits,
    prompts: Prompts,
    intake: Intake,
    pictures: Pictures,
    pauses: Pauses,
    words: WordList,
    memory: MemoryParts,
    gate: Gate,
    replies: Replies,
    metering: Metering,
) -> ConversationParts:
    settings = base.settings.bot
    return converse(
        Needs(
            llm=base.llm,
            history=base.history,
            open_replies=OpenReplies(base.database),
            places=base.places,
            intake=intake,
            pictures=pictures,
            replies=replies,
            prompts=prompts,
            membership=membership,
            private=private,
            limits=limits,
            errands=base.errands,
            pace=base.pace,
            me=base.me,
            history_messages=settings.history_messages,
            allowed_bots=settings.allowed_bots,
            pauses=pauses,
            proxies=settings.proxies,
            words=words,
            choices=memory.choices,
            recalling=memory.recalling,
            reminding=memory.reminding,
            gate=gate,
            database=base.database,
            metering=metering,
        )
    )
