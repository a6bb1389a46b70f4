"""Two channels that a manager has mirrored on the simulated Discord, and an engine that knows some sentences."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import discord
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.results import InteractionResult

from tests.bot.conftest import World
from tests.bot.panels import manager
from tests.fakes import ScriptedEngine, reply

HELLO, BONJOUR = "Good morning, everybody, how are you?", "Bonjour tout le monde, comment allez-vous ?"
WATER, EAU = "Who waters the roses today?", "Qui arrose les roses aujourd'hui ?"
KNOWN = {HELLO: BONJOUR, WATER: EAU, BONJOUR: HELLO, EAU: WATER}


def knows(engine: ScriptedEngine, sentences: Mapping[str, str] = KNOWN, times: int = 1) -> None:
    """The engine translates these, that often each."""
    for source, target in sentences.items():
        wanted = f"<text>\n{source}\n</text>"
        for _ in range(times):
            engine.enqueue(reply(target), when=lambda request, wanted=wanted: request.texts[-1] == wanted)


def holds(engine: ScriptedEngine, translation: str = BONJOUR) -> asyncio.Event:
    """The next translation is complete when the event is set."""
    release = asyncio.Event()
    engine.enqueue(reply(pieces=[release, translation]))
    return release


@dataclass
class Pair:
    """English in `here`, French in `there`; Mira manages both."""

    world: World
    mira: MemberActor
    here: ChannelHandle
    there: ChannelHandle

    async def start(self, by: MemberActor | None = None, **options: object) -> InteractionResult:
        """Give the command."""
        given = {"channel": self.here, "language": "en", "other": self.there, "other_language": "fr", **options}
        return await (by or self.mira).slash(self.here, "mirror start", **given)

    def copies(self, channel: ChannelHandle | None = None) -> list[discord.Message]:
        """What webhooks said there, oldest first."""
        return [one for one in (channel or self.there).history() if one.webhook_id is not None]

    def texts(self, channel: ChannelHandle | None = None) -> list[str]:
        """What they said there."""
        return [one.content for one in self.copies(channel)]


def pair_of(world: World) -> Pair:
    """Not mirrored yet."""
    return Pair(world, manager(world).person, world.channel, world.guild.create_text_channel("salon"))
