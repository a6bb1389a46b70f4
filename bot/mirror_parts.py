"""Puts the parts together that carry messages into other languages: mirrored channels, and flags under messages.

It knows constructors only; what the parts do is in their own files.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.commands.mirror import MirrorCommands
from bot.conversation.hearing import Hearing
from bot.foundations import Foundations, Shared
from bot.mirrors.flags import Flags
from bot.mirrors.hooks import Hooks
from bot.mirrors.mirroring import Mirroring
from bot.mirrors.pairs import Pairs
from bot.mirrors.quoting import Quoting
from bot.mirrors.rewording import Rewording
from bot.mirrors.taking_back import TakingBack
from llm.tasks.translate import Translation
from storage.choices import Choices
from storage.mirrors import Copies, Mirrors


@dataclass(frozen=True, slots=True)
class MirrorParts:
    """What the client hands events to, and hangs on its tree."""

    mirroring: Mirroring
    flags: Flags
    commands: MirrorCommands


def mirror(base: Foundations, shared: Shared, translation: Translation, hearing: Hearing) -> MirrorParts:
    """Build all parts, and let them hear."""
    pairs, copies, choices = Pairs(Mirrors(base.database)), Copies(base.database), Choices(base.database)
    hooks = Hooks(base.me)
    taking_back = TakingBack(copies, hooks)
    rewording = Rewording(translation, shared.rulebook, shared.metering, shared.words)
    flags = Flags(
        copies=copies,
        taking_back=taking_back,
        rewording=rewording,
        choices=choices,
        gate=shared.gate,
        limits=shared.limits,
        membership=shared.membership,
        pauses=shared.pauses,
    )
    mirroring = Mirroring(
        pairs=pairs,
        copies=copies,
        hooks=hooks,
        taking_back=taking_back,
        rewording=rewording,
        quoting=Quoting(copies, choices),
        flags=flags,
        choices=choices,
        membership=shared.membership,
        pauses=shared.pauses,
        errands=base.errands,
        my_id=base.my_id,
    )
    hearing.also(mirroring.hears)
    shared.leaving.first(mirroring.leaves)
    return MirrorParts(mirroring, flags, MirrorCommands(pairs=pairs, hooks=hooks, translation=translation))
