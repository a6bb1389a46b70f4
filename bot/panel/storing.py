"""The pages about what is kept of a channel: how much there is, from when on it is kept, how far a fetch is, and
keeping nothing any more.

It does not know where a press on *Back* leads: that is handed to it.
"""

from __future__ import annotations

import discord

from bot.backfill import Backfills
from bot.conversation.reconciling import may_read_history
from bot.errors import Refusal
from bot.estimate import Estimate, duration_words, estimate
from bot.panel.controls import Press
from bot.panel.session import Page, PanelView, Session, Work
from bot.panel.wording import Wording
from bot.public_threads import Channel
from bot.settings import catalogue
from bot.settings.resolving import Where, held
from bot.settings.rulebook import NOTHING
from bot.settings.rules import Rules
from bot.settings.values import Value, counted
from storage.settings import Place, Scope

NO_NOTICE = (
    "I cannot post the notice there, and I keep nothing that people do not know of. Please let me see the channel and "
    "write in it, then choose this again."
)
NO_HISTORY = "I may not read what was said there before (*Read Message History*), so I can only begin now."
OFF = """**Keep nothing of what is said in {place}?**
{now}
From then on:
- I still answer. What was said before I look up on Discord each time, which is a little slower, and I need *Read \
Message History* for it.
- The other answers to a question (*Regenerate*) are gone when I am restarted, and so is what a file of mine said.
- A long conversation is read only as far as it fits: I make no summaries of the rest.
- “Remember that …” does not work; `/memory add` does. `/ask` keeps nothing either.
- How often somebody asks and how many tokens that takes is still counted, without a word of it."""
OFF_SERVER = "\nChannels that have a choice of their own keep it{which}."
STORED = """**{count} stored there now**, my answers and questions by `/ask` among them. All of it is deleted for \
good, and with it what was made from it: further answers, summaries, and what people had me remember from there."""
NONE_STORED = "Nothing that was said there is stored now."
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
        text += f"\n\nIt has {found.words(None)} so far{_in_threads(found)}. What was said before can be fetched:\n"
        offered = [one for one in DAYS if one <= days] or [min(DAYS)]
        text += "\n".join(_line(found, one) for one in offered)
        for one in offered:
            view.add_item(_fetch_button(session, back, one, found.counts[one]))
    view.add_item(Press(session, "Back", back))
    embed = discord.Embed(title=f"Settings of #{channel.name}", description=text)
    return Page(embed.set_footer(text=f"Kept for {counted(days, 'days')}, then deleted for good."), view)


async def ends(session: Session, value: Value | None) -> bool:
    """Whether with this choice nothing more is kept here, and something is now or may still lie there."""
    key, chosen = (session.here, catalogue.STORE.name), dict(await session.desk.rulebook.chosen(session.guild.id))
    chosen.pop(key, None)
    if value is not None:
        chosen[key] = value
    return held(catalogue.STORE, Where.of(session.here), chosen, session.desk.rulebook.defaults).value == NOTHING


async def switch_off(session: Session, value: Value | None, back: Work) -> Page:
    """Say what goes and what does not work then, and ask."""
    others = await _others(session)
    count = await session.desk.clearing.count(session.here, others)
    stored = counted(count, "messages") + (" is" if count == 1 else " are")
    now = STORED.format(count=stored) if count else NONE_STORED
    place = Wording(session.guild).place(session.here)
    text = OFF.format(place=discord.utils.escape_markdown(place), now=now)
    if session.here.scope is Scope.GUILD:
        text += OFF_SERVER.format(which=_named(session, others))
    view = PanelView(session)
    yes = f"Delete {counted(count, 'messages')}, keep nothing" if count else "Keep nothing"
    view.add_item(
        Press(session, yes, lambda pressed: _end(session, pressed, value, back), style=discord.ButtonStyle.danger)
    )
    view.add_item(Press(session, "Back", back))
    embed = discord.Embed(title=f"Settings of {place}", description=text)
    return Page(embed.set_footer(text="This cannot be undone."), view)


async def opted_out(session: Session) -> None:
    """Not everything is kept here any more: a fetch of older messages ends, and people are told."""
    channel = session.guild.get_channel(session.here.target_id)
    known = channel if isinstance(channel, Channel) else None
    if known is not None:
        await session.desk.backfills.stop(known)
    await session.desk.notices.ended(known, session.here)


async def _end(session: Session, pressed: discord.Interaction, value: Value | None, back: Work) -> Page:
    """First nothing more comes in, then what is there goes."""
    await session.choose(pressed, catalogue.STORE, value)
    gone = await session.desk.clearing.clear(session.here, await _others(session))
    await opted_out(session)
    session.remark += f" Deleted: {counted(gone, 'messages')}."
    return await back(pressed)


async def _others(session: Session) -> list[int]:
    """Channels that keep something by a choice of their own, while the server's page is open."""
    if session.here.scope is not Scope.GUILD:
        return []
    chosen = await session.desk.rulebook.chosen(session.guild.id)
    own = [place for place, name in chosen if name == catalogue.STORE.name and place.scope is Scope.CHANNEL]
    stored = [(place, held(catalogue.STORE, Where.of(place), chosen, Rules())) for place in own]
    return [place.target_id for place, found in stored if found.source == place and found.value != NOTHING]


def _named(session: Session, channel_ids: list[int]) -> str:
    words = Wording(session.guild)
    names = [words.place(Place(session.guild.id, Scope.CHANNEL, one)) for one in channel_ids]
    return discord.utils.escape_markdown(f": {', '.join(names)}") if names else "; there are none"


def progress(fetches: Backfills, channel_id: int) -> str:
    """How far the fetch of a channel is; empty where there was none since the start."""
    fetch = fetches.of(channel_id)
    if fetch is None:
        return ""
    if fetch.problem:
        return f"**Fetching older messages** ended after {fetch.done:,}: {fetch.problem}."
    if fetch.is_over:
        return f"**Older messages** are fetched: {fetch.done:,}."
    left = duration_words(max(0, fetch.expected - fetch.done), len(fetch.left or ()))
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
    return f"- the last {days} days: {found.words(days)}, {found.duration(days)}"


def _in_threads(found: Estimate) -> str:
    count = found.threads.get(None, 0)
    return f", those in {counted(count, 'public threads')} among them" if count else ""


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
