"""A summary → the lines that people read: sentences with links to their messages, and what they rest on. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import discord

from bot.conversation.rendering import neutralize, small
from bot.language import N_, _, _n, number
from llm.tasks.summary import Fallback, Kind, SourceMessage, Style, Summary, SummaryItem

WHY_EXTRACT: Mapping[Fallback, str] = {
    "built-in model": N_("the small built-in model cannot write summaries, so these are members' own words"),
    "engine failed": N_("the language model is not available right now, so these are members' own words"),
    "no room": N_("the model's context is too small for a summary, so these are members' own words"),
    "as chosen": N_("my owner lets no language model write summaries, so these are members' own words"),
    "no citations": N_("the model did not say where its points come from, so these are members' own words"),
}
AS_IT_IS = N_("a style or language needs a language model")
NOTHING_LEFT = N_("Nothing is left of that summary: the messages that it rests on were deleted.")
OLDER = N_("there are older ones, which I did not read")
_LONGEST_ITEM = 400
_TITLES: Mapping[Style, str] = {
    "brief": N_("**In brief**"),
    "bullets": N_("**What was said**"),
    "decisions": N_("**Decisions and what is to do**"),
    "questions": N_("**Open questions**"),
}
_SECTIONS: tuple[tuple[Kind, str], ...] = (
    ("decision", N_("**Decided**")),
    ("action", N_("**To do**")),
    ("question", N_("**Open**")),
    ("point", N_("**Also said**")),
)


def lines_of(summary: Summary, style: Style, places: Mapping[int, int], guild_id: int, remark: str) -> list[str]:
    """The whole answer; `places`: in which channel each cited message is; `remark` goes under it."""
    is_extract = summary.method == "extract"
    title = _("**The most telling messages**") if is_extract else _(_TITLES[style])

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


def remark_on(summary: Summary, said: str, found: int, *, is_partial: bool, is_plain: bool, is_cut: bool) -> str:
    """What was read (`said`), and how much of it the summary speaks of. `is_partial`: some who wrote do not want to be
    read; `is_plain`: no style or language was asked for; `is_cut`: there are older messages in the range."""
    told = [said]
    if is_cut:
        told.append(_(OLDER))
    if summary.total < found:
        told.append(left_out(is_partial))
    if summary.parts > 1:
        told.append(_parts(summary.parts, summary.cited))
    if summary.dropped:
        told.append(
            _n(
                "left out {count} sentence that the messages do not support",
                "left out {count} sentences that the messages do not support",
                summary.dropped,
            )
        )
    if summary.fallback:
        told.append(_(WHY_EXTRACT[summary.fallback]))
        told += [] if is_plain else [_(AS_IT_IS)]
    return " · ".join(told)


def left_out(is_partial: bool) -> str:
    """Whose messages were not read; `is_partial`: some of those who wrote do not want that."""
    if is_partial:
        return _("bots, people who opted out and messages without text are left out")
    return _("bots and messages without text are left out")


def _parts(parts: int, cited: int) -> str:
    if cited == parts:
        return _("in {parts} parts, all of which are spoken of", parts=number(parts))
    return _("in {parts} parts, of which {cited} are spoken of", parts=number(parts), cited=number(cited))


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
        told += [_(title), *mine] if mine else []
    return told
