"""Puts the bot's parts together: everything between the gateway and the engine, built once and handed to its users.

It knows constructors only; what the parts do is in their own files.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.backfill import Backfills
from bot.commands.ask import Ask
from bot.commands.catchup import Catchup
from bot.commands.digesting import Digesting, digesting
from bot.commands.holding import place_of
from bot.commands.post import Posting
from bot.commands.summarize import Summarize
from bot.commands.translate import Translate
from bot.conversation_parts import ConversationParts, converse
from bot.foundations import Foundations, Shared, share
from bot.kept_notice import Notices
from bot.lookup_parts import LookupParts, look_up
from bot.mirror_parts import MirrorParts, mirror
from bot.naming_parts import NamingParts, name_things
from bot.panel.session import Desk
from bot.people_parts import MemoryParts, PeopleParts, remember, serve_people
from bot.setup_buttons import SetupAnswers
from bot.setup_check import SetupCheck
from bot.translating import translation
from storage.clearing import Clearing


@dataclass(frozen=True, slots=True)
class Parts:
    """What the client hands events to."""

    shared: Shared
    conversation: ConversationParts
    ask: Ask
    digests: Digesting
    summarize: Summarize
    translate: Translate
    lookup: LookupParts
    naming: NamingParts
    mirrors: MirrorParts
    catchup: Catchup
    posting: Posting
    setup: SetupAnswers
    people: PeopleParts
    desk: Desk
    notices: Notices
    backfills: Backfills


def assemble(base: Foundations) -> Parts:
    """Build all parts."""
    shared = share(base)
    memory = remember(base, shared)
    conversation = converse(base, shared, memory)
    digests = digesting(base, shared)
    translating = translation(base)
    ask = _ask(base, shared, memory)
    notices = Notices(
        shared.rulebook,
        shared.stored,
        shared.leaving,
        machine=place_of(base.database.host),
        privacy_line=shared.privacy,
    )
    backfills = Backfills(shared.intake, shared.stored, base.errands, base.pace, base.my_id)
    return Parts(
        shared=shared,
        conversation=conversation,
        ask=ask,
        digests=digests,
        summarize=Summarize(digests),
        translate=Translate(digests, translating),
        catchup=Catchup(digests),
        lookup=look_up(base, shared, ask, digests.works, digests.pages),
        naming=name_things(base, digests),
        mirrors=mirror(base, shared, translating, conversation.hearing),
        posting=Posting(base.history, base.me, shared.rulebook),
        setup=_setup(base, shared),
        people=serve_people(base, shared, memory),
        desk=Desk(shared.rulebook, base.llm, backfills, Clearing(base.database), notices, base.pace.clock),
        notices=notices,
        backfills=backfills,
    )


def _ask(base: Foundations, shared: Shared, memory: MemoryParts) -> Ask:
    return Ask(
        llm=base.llm,
        prompts=shared.prompts,
        history=base.history,
        choices=memory.choices,
        recalling=memory.recalling,
        me=base.me,
        words=shared.words,
        gate=shared.gate,
        metering=shared.metering,
        patience_s=base.pace.patience_s,
    )


def _setup(base: Foundations, shared: Shared) -> SetupAnswers:
    bot = base.settings.bot
    return SetupAnswers(
        llm=base.llm,
        check=SetupCheck(base.llm, base.history),
        limits=shared.limits,
        metering=shared.metering,
        per_minute=bot.requests_per_minute,
        private=shared.private.sentence,
        servers="those in [bot] guilds." if bot.guilds else "this one only; [bot] guilds can list others.",
    )
