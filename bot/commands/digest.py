"""A summary → the lines that people read: sentences with links to their messages, and what they rest on. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import discord

from bot.conversation.rendering import neutralize, small
from llm.tasks.summary import Fallback, Kind, SourceMessage, Style, Summary, SummaryItem

WHY_EXTRACT: Mapping[Fallback, str] = {
    "built-in model": "the small built-in model cannot write summaries, so these are members' own words",
    "engine failed": "the language model is not available right now, so these are members' own words",
    "no room": "the model's context is too small for a summary, so these are members' own words",
    "as chosen": "my owner lets no language model write summaries, so these are members' own words",
    "no citations": "the model did not say where its points come from, so these are members' own words",
}
AS_IT_IS = "a style or language needs a language model"
NOTHING_LEFT = "Nothing is left of that summary: the messages that it rests on were deleted."
_LONGEST_ITEM = 400
_TITLES: Mapping[Style, str] = {
    "brief": "**In brief**",
    "bullets": "**What was said**",
    "decisions": "**Decisions and what is to do**",
    "questions": "**Open questions**",
}
_SECTIONS: tuple[tuple[Kind, str], ...] = (
    ("decision", "**Decided**"),
    ("action", "**To do**"),
    ("question", "**Open**"),
    ("point", "**Also said**"),
)


def lines_of(summary: Summary, style: Style, places: Mapping[int, int], guild_id: int, remark: str) -> list[str]:
    """The whole answer; `places`: in which channel each cited message is; `remark` goes under it."""
    is_extract = summary.method == "extract"
    title = "**The most telling messages**" if is_extract else _TITLES[style]

    def line(item: SummaryItem) -> str:
        return line_of(item, places, guild_id, is_extract=is_extract)

    if style == "brief" and not is_extract:
        body = [" ".join(line(item).removeprefix("- ") for item in summary.items)]
        body = body if len(body[0]) < 1_800 else [line(item) for item in summary.items]
    elif style == "decisions" and not is_extract:
        body = _sections(summary.items, {id(item): line(item) for item in summary.items})
    else:
        body = [line(item) for item in summary.items]
    return [title, *body, small(remark)]


def remark_on(summary: Summary, found: int, words: str, *, is_partial: bool, is_plain: bool, is_cut: bool) -> str:
    """What was read, and how much of it the summary speaks of. `is_partial`: some who wrote do not want to be read;
    `is_plain`: no style or language was asked for; `is_cut`: there are older messages in the range."""
    remark = f"read {summary.read:,} of {words.format(found=found)}"
    if is_cut:
        remark += "; there are older ones, which I did not read"
    if summary.total < found:
        without = "bots, people who opted out" if is_partial else "bots"
        remark += f"; {without} and messages without text are left out"
    if summary.parts > 1:
        whole = "all" if summary.cited == summary.parts else f"{summary.cited}"
        remark += f" · in {summary.parts} parts, of which {whole} are spoken of"
    if summary.dropped:
        remark += f" · {summary.dropped} that the messages do not support: left out"
    if summary.fallback:
        remark += f" · {WHY_EXTRACT[summary.fallback]}" + ("" if is_plain else f"; {AS_IT_IS}")
    return remark


def without(summary: Summary, there: Collection[int]) -> Summary:
    """What is left of a summary when only these of its messages are there."""
    return replace(summary, items=[item for item in summary.items if set(item.message_ids) <= set(there)])


def cited(summary: Summary, sources: Sequence[SourceMessage]) -> dict[int, int]:
    """The messages that a summary rests on, and in which channel each is."""
    numbers = {number for item in summary.items for number in item.message_ids}
    return {source.id: source.place for source in sources if source.id in numbers}


def link(guild_id: int, channel_id: int, message_id: int) -> str:
    """A message's address."""
    return f"https://discord.com/channels/{guild_id}/{channel_id}/{message_id}"


def short(text: str, most: int = _LONGEST_ITEM) -> str:
    """One harmless line."""
    plain = " ".join(neutralize(text).split())
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def line_of(item: SummaryItem, places: Mapping[int, int], guild_id: int, *, is_extract: bool) -> str:
    """One sentence with its links; of a member's own words, or of something to do, with whose it is."""
    who = item.author if is_extract else item.owner
    name = f"**{discord.utils.escape_markdown(short(who))}**: " if who else ""
    links = " ".join(f"[↗]({link(guild_id, places[number], number)})" for number in item.message_ids)
    return f"- {name}{short(item.text)} {links}"


def _sections(items: Sequence[SummaryItem], lines: Mapping[int, str]) -> list[str]:
    told: list[str] = []
    for kind, title in _SECTIONS:
        mine = [lines[id(item)] for item in items if item.kind == kind]
        told += [title, *mine] if mine else []
    return told
