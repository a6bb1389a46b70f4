"""The pages about what is kept of one channel: how much there is, from when on it is kept, and how far a fetch is.

It does not know where a press on *Back* leads: that is handed to it.
"""

from __future__ import annotations

import discord

from bot.backfill import Backfills, Channel, Estimate, duration_words, estimate
from bot.conversation.reconciling import may_read_history
from bot.errors import Refusal
from bot.panel.controls import Press
from bot.panel.session import Page, PanelView, Session, Work
from bot.settings import catalogue
from bot.settings.resolving import Where
from bot.settings.values import counted

NO_NOTICE = (
    "I cannot post the notice there, and I keep nothing that people do not know of. Please let me see the channel and "
    "write in it, then choose this again."
)
NO_HISTORY = "I may not read what was said there before (*Read Message History*), so I can only begin now."
FROM_NOW_ON = "From now on"
DAYS = (7, 30, 90, 365)
_INTRO = """**Keep everything said in #{name}?**
A notice there tells its members, with a button to be left out. What is said in its threads is kept as well."""


async def opt_in(session: Session, back: Work) -> Page:
    """How much there is, and from when on it shall be kept."""
    channel = _channel(session)
    days = (await session.desk.rulebook.at(Where.of(session.here))).retention_days
    view = PanelView(session)
    view.add_item(Press(session, FROM_NOW_ON, lambda pressed: _begin(session, pressed, back, 0, 0)))
    text = _INTRO.format(name=discord.utils.escape_markdown(channel.name))
    try:
        found = await estimate(channel, session.desk.clock.utc()) if may_read_history(channel) else None
    except discord.Forbidden:
        found = None
    if found is None:
        text += f"\n\n{NO_HISTORY}"
    else:
        text += f"\n\nIt has {found.words(None)} so far. What was said before can be fetched:\n"
        offered = [one for one in DAYS if one <= days] or [min(DAYS)]
        text += "\n".join(_line(found, one) for one in offered)
        for one in offered:
            view.add_item(_fetch_button(session, back, one, found.counts[one]))
    view.add_item(Press(session, "Back", back))
    embed = discord.Embed(title=f"Settings of #{channel.name}", description=text)
    return Page(embed.set_footer(text=f"Kept for {counted(days, 'days')}, then deleted for good."), view)


def progress(fetches: Backfills, channel_id: int) -> str:
    """How far the fetch of a channel is; empty where there was none since the start."""
    fetch = fetches.of(channel_id)
    if fetch is None:
        return ""
    if fetch.problem:
        return f"**Fetching older messages** ended after {fetch.done:,}: {fetch.problem}."
    if fetch.is_over:
        return f"**Older messages** are fetched: {fetch.done:,}."
    left = duration_words(max(0, fetch.expected - fetch.done))
    return f"**Fetching older messages:** {fetch.done:,} of about {max(fetch.expected, fetch.done):,}, {left} left."


def add_progress(session: Session, view: PanelView, again: Work) -> str:
    """Buttons for a fetch that is on its way, and how far it is."""
    fetch = session.desk.backfills.of(session.here.target_id)
    if fetch is not None and not fetch.is_over:
        view.add_item(Press(session, "Look again", again))
        view.add_item(Press(session, "Stop fetching", lambda _: _stop(session, again)))
    return progress(session.desk.backfills, session.here.target_id)


async def _stop(session: Session, again: Work) -> Page:
    await session.desk.backfills.stop(_channel(session))
    return await again(session.shown_by)


def _fetch_button(session: Session, back: Work, days: int, expected: int) -> Press:
    label = f"And the last {days} days"
    return Press(session, label, lambda pressed: _begin(session, pressed, back, days, expected))


def _line(found: Estimate, days: int) -> str:
    return f"- the last {days} days: {found.words(days)}, {duration_words(found.counts[days])}"


async def _begin(session: Session, pressed: discord.Interaction, back: Work, days: int, expected: int) -> Page:
    """Tell the channel, keep what is said from now on, and fetch what was said before."""
    channel, desk = _channel(session), session.desk
    kept = (await desk.rulebook.at(Where.of(session.here))).retention_days
    if not await desk.notices.post(channel, session.here, kept, days):
        raise Refusal(NO_NOTICE)
    await session.choose(pressed, catalogue.STORE, "everything")
    if days:
        await desk.backfills.begin(channel, days, expected)
        session.remark += f" I fetch the last {days} days now; *{catalogue.STORE.title}* shows how far I am."
    return await back(pressed)


def _channel(session: Session) -> Channel:
    """The channel that the panel is about. Raises Refusal where it is none that people write in directly."""
    channel = session.guild.get_channel(session.here.target_id)
    if not isinstance(channel, Channel):
        raise Refusal("This works in text and voice channels that I can see.")
    return channel
