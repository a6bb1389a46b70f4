"""Whether a pair of channels may be mirrored, and why it may not. Asks nobody."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import discord

from bot.language import N_, _, listed
from bot.mirrors.readers import names, read_only_one

Why = Literal["wider", "age", "rights", "webhook"]

WIDER = N_(
    "I no longer mirror this channel and {other}: other people read one of them now than before ({detail}). Whoever "
    "manages both channels can look at it and start it again with `/mirror start`."
)
AGE = N_("I no longer mirror this channel and {other}: only one of them is age-restricted now.")
NO_WAY = N_(
    "I no longer mirror this channel and {other}: {detail}. When that is mended, `/mirror start` starts it again."
)
LACKING = N_("I lack {permission} in {channel}")
NEEDED = {
    "view_channel": "*View Channel*",
    "read_message_history": "*Read Message History*",
    "manage_webhooks": "*Manage Webhooks*",
}
"""What Steward must be allowed in both channels, as Discord's settings call it."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Why a pair rests; `detail` says who or what, for people."""

    why: Why
    detail: str = ""

    def sentence(self, other: str) -> str:
        """For people in one of the channels; `other` is the other one."""
        text = {"wider": WIDER, "age": AGE}.get(self.why, NO_WAY)
        return _(text, other=other, detail=self.detail)


def require_fit(one: discord.TextChannel, other: discord.TextChannel, confirmed: Collection[str]) -> Rest | None:
    """Why these channels may not be mirrored, if so; `confirmed`: who may read only one of them."""
    if lacking := lacks(one, other):
        return Rest("rights", lacking)
    if one.is_nsfw() != other.is_nsfw():
        return Rest("age")
    if further := read_only_one(one, other) - frozenset(confirmed):
        return Rest("wider", listed(told(one.guild, further)))
    return None


def lacks(*channels: discord.TextChannel) -> str:
    """The first thing that Steward may not do there, for people; empty where it may all."""
    for channel in channels:
        granted = channel.permissions_for(channel.guild.me)
        for name, words in NEEDED.items():
            if not getattr(granted, name):
                return _(LACKING, permission=words, channel=channel.mention)
    return ""


def told(guild: discord.Guild, who: Collection[str]) -> list[str]:
    """Who reads where, for people: "everybody in this server (#lounge)"."""
    return [f"{reader} (<#{channel_id}>)" for channel_id, reader in names(guild, who)]
