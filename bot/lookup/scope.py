"""Where may be looked for somebody: of the places that are stored whole, those that they can read themselves.

For an answer that others read as well, those that everybody can read who sees its place. What is not certain counts as
not readable. It does not know what is looked for.
"""

from __future__ import annotations

from collections.abc import Iterable

import discord

from bot.audience import reaches_no_further
from bot.settings.resolving import Where
from bot.settings.rulebook import Rulebook
from storage.search import StoredPlace

OPEN_THREADS = ("public_thread", "news_thread")

Place = discord.abc.GuildChannel | discord.Thread


async def stored_whole(rulebook: Rulebook, guild_id: int, places: Iterable[StoredPlace]) -> list[StoredPlace]:
    """Those places of which everything that people write is kept. Raises StorageError."""
    kept = []
    for place in places:
        channels = (place.id,) if place.parent_id is None else (place.id, place.parent_id)
        if (await rulebook.at(Where(guild_id, channels))).store == "everything":
            kept.append(place)
    return kept


def for_person(
    guild: discord.Guild, places: Iterable[StoredPlace], person: discord.Member, here_id: int | None
) -> frozenset[int]:
    """Places that both this person, who is in the place `here_id`, and Steward can read."""
    return frozenset(
        place.id
        for place in places
        if (channel := _channel(guild, place)) is not None
        and reads(channel, guild.me)
        and reads(channel, person)
        and (place.id == here_id or not _is_closed(place, channel) or _is_let_in(channel, person))
    )


def for_everybody(guild: discord.Guild, places: Iterable[StoredPlace], here: Place) -> frozenset[int]:
    """Places that everybody can read who sees `here`."""
    return frozenset(
        place.id
        for place in places
        if (channel := _channel(guild, place)) is not None
        and reads(channel, guild.me)
        and (place.id == here.id or not _is_closed(place, channel))
        and reaches_no_further(channel, here)
        and _is_fit(channel, here)
    )


def reads(channel: Place, who: discord.Member) -> bool:
    """Whether somebody sees what was said in a channel."""
    if isinstance(channel, discord.Thread) and channel.parent is None:
        return False
    granted = channel.permissions_for(who)
    return granted.view_channel and granted.read_message_history


def _channel(guild: discord.Guild, place: StoredPlace) -> Place | None:
    """The channel as Discord describes it; of an open thread that is archived, its parent: who reads that reads it."""
    known = guild.get_channel_or_thread(place.id)
    if known is None and place.kind in OPEN_THREADS and place.parent_id is not None:
        return guild.get_channel(place.parent_id)
    return known


def _is_let_in(channel: Place, person: discord.Member) -> bool:
    """Closed threads are for whoever was let in, whom nobody tells us of, and for who manages threads."""
    return channel.permissions_for(person).manage_threads


def _is_closed(place: StoredPlace, channel: Place) -> bool:
    return place.kind == "private_thread" or (isinstance(channel, discord.Thread) and channel.is_private())


def _is_fit(source: Place, here: Place) -> bool:
    """What was said where only adults read stays there."""
    return _is_nsfw(here) or not _is_nsfw(source)


def _is_nsfw(channel: Place) -> bool:
    whole = channel.parent if isinstance(channel, discord.Thread) else channel
    return bool(getattr(whole, "nsfw", False))
