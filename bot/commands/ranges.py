"""Which messages are meant: the last so many, those of the last hours, those between two, or from one on.

Every mistake is a Refusal with a sentence, told before anything is promised. It reads no message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import discord

from bot.errors import Refusal
from bot.language import N_, _, number

ReadableChannel = discord.TextChannel | discord.Thread | discord.VoiceChannel | discord.StageChannel

MOST = 5_000
"""Messages of one range: fifty requests to Discord, of which it lets a bot make about one a second."""
LONGEST_DAYS = 366
_LINK = re.compile(
    r"\s*<?https?://(?:\w+\.)?discord(?:app)?\.com/channels/(?:\d{1,20}|@me)/(\d{1,20})/(\d{1,20})/?>?\s*"
)
_ID = re.compile(r"\s*(?:(\d{5,20})-)?(\d{5,20})\s*")
_SPAN = re.compile(r"(\d{1,6})\s*(mo|min|m|h|d|w)[a-z]*", re.IGNORECASE)
_UNITS = {
    "m": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "mo": timedelta(days=30),
}

NOT_A_WINDOW = N_("I do not understand that time. Write it like `90m`, `6h`, `2d` or `1w`.")
NOT_A_MESSAGE = N_(
    "“{given}” is no message that I know. Give me a message's link (*Copy Message Link* in its menu) or its id."
)
ELSEWHERE = N_("Both messages must be of the same channel or thread.")
UNKNOWN_PLACE = N_("I cannot see the channel of that message, or it is in another server.")
UPSIDE_DOWN = N_("The range is empty: its last message is older than its first one. Swap them.")
TOO_MANY_WAYS = N_("Tell me one range only: a number of messages, a time, or first and last message.")
NOT_READABLE = N_("I can only read text channels and threads.")
YOU_MAY_NOT = N_("You may not read the history of {channel}, so I do not read it for you.")
I_MAY_NOT = N_("I may not read the history of {channel}: I need *View Channel* and *Read Message History* there.")
OF_ALL = N_("read {read} of the {found} messages")
OF_LAST = N_("read {read} of the last {found} messages")
OF_WINDOW = N_("read {read} of the {found} messages of the last {window}")
OF_SINCE = N_("read {read} of the {found} messages since that one")
OF_RANGE = N_("read {read} of the {found} messages of that range")


@dataclass(frozen=True, slots=True)
class Range:
    """Messages of one channel: the newest `limit` of those after `after` and before `before` (both not included).

    `needed` are messages that were named, and should still be there; `sentence` says to people what was {read} of what
    was {found}, of a time in which {window}."""

    channel: ReadableChannel
    limit: int
    sentence: str
    after: datetime | discord.Object | None = None
    before: discord.Object | None = None
    needed: tuple[int, ...] = ()
    window: str = ""

    def said(self, read: int, found: int) -> str:
        """How many of these messages were read."""
        return _(self.sentence, read=number(read), found=number(found), window=self.window)


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody filled in."""

    count: int | None = None
    window: str | None = None
    first: str | None = None
    last: str | None = None
    thread_id: int | None = None


def chosen(interaction: discord.Interaction, asked: Asked, now: datetime, usual: int) -> Range:
    """The range that was asked for, `usual` messages without any. Raises Refusal, also where it may not be read."""
    ways = [asked.count is not None, asked.window is not None, asked.first is not None or asked.last is not None]
    if sum(ways) > 1:
        raise Refusal(TOO_MANY_WAYS)
    first, last = (_named(one) if one is not None else None for one in (asked.first, asked.last))
    channel = _place(interaction, asked.thread_id, first, last)
    require_readable(interaction, channel)
    if asked.window is not None:
        span = parsed_window(asked.window)
        window = _short(asked.window)
        return Range(channel, MOST, OF_WINDOW, after=now - span, window=window)
    if first is not None or last is not None:
        return _between(channel, first, last)
    count = asked.count if asked.count is not None else (MOST if asked.thread_id is not None else usual)
    is_thread = asked.thread_id is not None and asked.count is None
    return Range(channel, count, OF_ALL if is_thread else OF_LAST)


def beginning_with(interaction: discord.Interaction, message: discord.Message) -> Range:
    """From a message on, up to now. Raises Refusal."""
    channel = message.channel
    if not isinstance(channel, ReadableChannel):
        raise Refusal(NOT_READABLE)
    require_readable(interaction, channel)
    return Range(channel, MOST, OF_SINCE, after=discord.Object(message.id - 1))


def just(interaction: discord.Interaction, message: discord.Message) -> Range:
    """One message alone. Raises Refusal."""
    channel = message.channel
    if not isinstance(channel, ReadableChannel):
        raise Refusal(NOT_READABLE)
    require_readable(interaction, channel)
    return _between(channel, (None, message.id), (None, message.id))


def parsed_window(text: str) -> timedelta:
    """ "6h", "1d 12h", "90 min". Raises Refusal."""
    spans = _SPAN.findall(text)
    rest = _SPAN.sub("", text).strip(" ,+")
    total = sum((int(number) * _UNITS[unit.lower()] for number, unit in spans), timedelta())
    if not spans or rest or not timedelta() < total <= timedelta(days=LONGEST_DAYS):
        raise Refusal(NOT_A_WINDOW)
    return total


def require_readable(interaction: discord.Interaction, channel: ReadableChannel) -> None:
    """Raises Refusal unless both the asker and Steward may read what was said there."""
    here = channel.id == interaction.channel_id
    mine = interaction.app_permissions if here else channel.permissions_for(channel.guild.me)
    if not may_read(interaction, channel):
        raise Refusal(YOU_MAY_NOT, channel=channel.mention)
    if not _reads(mine):
        raise Refusal(I_MAY_NOT, channel=channel.mention)


def may_read(interaction: discord.Interaction, channel: ReadableChannel) -> bool:
    """Whether the asker may read what was said there; a private thread is read in itself only, or by moderators."""
    if channel.id == interaction.channel_id:
        return _reads(interaction.permissions)
    if not isinstance(interaction.user, discord.Member):
        return False
    granted = channel.permissions_for(interaction.user)
    if isinstance(channel, discord.Thread) and channel.is_private() and not granted.manage_threads:
        return False
    return _reads(granted)


def _short(window: str) -> str:
    """What was understood of it, without anything that Discord could read as markup."""
    return " ".join(f"{number}{unit}" for number, unit in _SPAN.findall(window))


def _reads(granted: discord.Permissions) -> bool:
    return granted.view_channel and granted.read_message_history


def _named(text: str) -> tuple[int | None, int]:
    """The channel, if it is told, and the message. Raises Refusal."""
    match = _LINK.fullmatch(text) or _ID.fullmatch(text)
    if match is None or int(match[2]) >= 1 << 63:
        short = text if len(text) <= 60 else text[:60] + "…"
        raise Refusal(NOT_A_MESSAGE, given=discord.utils.escape_markdown(" ".join(short.split())))
    return (int(match[1]) if match[1] else None), int(match[2])


def _place(
    interaction: discord.Interaction,
    thread_id: int | None,
    first: tuple[int | None, int] | None,
    last: tuple[int | None, int] | None,
) -> ReadableChannel:
    told = {one[0] for one in (first, last) if one is not None} | {thread_id}
    told.discard(None)
    if len(told) > 1:
        raise Refusal(ELSEWHERE)
    return place_of(interaction, next(iter(told), None))


def place_of(interaction: discord.Interaction, channel_id: int | None) -> ReadableChannel:
    """The channel or thread with that id, None being the one where the command was given. Raises Refusal."""
    found: object = interaction.channel
    if channel_id is not None and channel_id != interaction.channel_id:
        found = interaction.guild and interaction.guild.get_channel_or_thread(channel_id)
        if found is None:
            raise Refusal(UNKNOWN_PLACE)
    if not isinstance(found, ReadableChannel):
        raise Refusal(NOT_READABLE)
    return found


def _between(
    channel: ReadableChannel, first: tuple[int | None, int] | None, last: tuple[int | None, int] | None
) -> Range:
    if first is not None and last is not None and last[1] < first[1]:
        raise Refusal(UPSIDE_DOWN)
    return Range(
        channel,
        MOST,
        OF_RANGE,
        after=discord.Object(first[1] - 1) if first is not None else None,
        before=discord.Object(last[1] + 1) if last is not None else None,
        needed=tuple(one[1] for one in (first, last) if one is not None),
    )
