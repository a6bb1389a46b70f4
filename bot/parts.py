"""Puts the bot's parts together: everything between the gateway and the engine, built once and handed to its users.

It knows constructors only; what the parts do is in their own files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import discord

from bot.commands.ask import Ask
from bot.commands.help import KEPT, KEPT_IN_PLAYGROUND
from bot.commands.post import Posting
from bot.commands.summarize import Summarize
from bot.config import BotSettings, Settings
from bot.conversation.intake import Intake
from bot.conversation.own_text import WordList, own_list
from bot.conversation.pace import Pace
from bot.conversation.pausing import Pauses
from bot.conversation.prompting import Prompts
from bot.conversation_parts import ConversationParts, Needs, converse
from bot.errands import Errands
from bot.limits import PersonalLimits
from bot.membership import Membership
from bot.people_parts import MemoryParts, PeopleParts, remember, serve_people
from bot.permissions import PrivatePolicy
from bot.setup_buttons import SetupAnswers
from bot.setup_check import SetupCheck
from bot.whereabouts import privacy_line
from llm.client import LLMClient
from llm.tasks_client import TasksClient
from llm.types import Sampling
from storage.database import Database
from storage.history import History
from storage.settings import GuildSettings


@dataclass(frozen=True, slots=True)
class Foundations:
    """What everything else stands on; `me` is known after the login. `pace`: how long things wait; `tasks`: the engine
    of the task models, if there is one."""

    settings: Settings
    llm: LLMClient
    database: Database
    in_playground: bool
    me: Callable[[], discord.ClientUser]
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
    kept: str
    intake: Intake
    conversation: ConversationParts
    pauses: Pauses
    ask: Ask
    summarize: Summarize
    posting: Posting
    setup: SetupAnswers
    people: PeopleParts


def assemble(base: Foundations) -> Parts:
    """Build all parts."""
    bot, llm = base.settings.bot, base.settings.llm
    membership = Membership(bot.guilds, GuildSettings(base.database), adopt_all=base.in_playground)
    private = private_policy(bot, in_playground=base.in_playground)
    limits = PersonalLimits(bot.requests_per_minute, base.pace.clock.now)
    prompts = Prompts(base.llm, Sampling(llm.max_tokens, llm.temperature, llm.top_p))
    intake = Intake(base.history, lambda: base.me().id)
    pauses = Pauses(base.pace.clock)
    words = own_list() if bot.filter_own_text else WordList(())
    kept = KEPT_IN_PLAYGROUND if base.in_playground else KEPT
    privacy = privacy_line(llm.base_url, llm.tasks_url or llm.base_url)
    memory = remember(database=base.database, tasks=base.tasks, intake=intake, errands=base.errands, me=base.me)
    return Parts(
        membership=membership,
        private=private,
        limits=limits,
        privacy=privacy,
        kept=kept,
        intake=intake,
        conversation=_conversation(base, membership, private, limits, prompts, intake, pauses, words, memory),
        pauses=pauses,
        ask=Ask(
            llm=base.llm,
            prompts=prompts,
            history=base.history,
            choices=memory.choices,
            recalling=memory.recalling,
            me=base.me,
            words=words,
            patience_s=base.pace.patience_s,
        ),
        summarize=Summarize(llm=base.llm, choices=memory.choices, me=base.me, items=base.settings.tasks.summary_items),
        posting=Posting(base.history, base.me),
        setup=SetupAnswers(
            llm=base.llm,
            check=SetupCheck(base.llm, base.history),
            limits=limits,
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
            clock=base.pace.clock,
            kept=kept,
            privacy_line=privacy,
        ),
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
    pauses: Pauses,
    words: WordList,
    memory: MemoryParts,
) -> ConversationParts:
    settings = base.settings.bot
    return converse(
        Needs(
            llm=base.llm,
            history=base.history,
            intake=intake,
            prompts=prompts,
            membership=membership,
            private=private,
            limits=limits,
            errands=base.errands,
            pace=base.pace,
            me=base.me,
            history_messages=settings.history_messages,
            allowed_bots=settings.allowed_bots,
            store_all=base.in_playground,
            pauses=pauses,
            proxies=settings.proxies,
            words=words,
            choices=memory.choices,
            recalling=memory.recalling,
            reminding=memory.reminding,
        )
    )
