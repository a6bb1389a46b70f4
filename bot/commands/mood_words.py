"""How people sound together → the lines that people read, and the chart. No I/O."""

from __future__ import annotations

from collections.abc import Mapping

from bot.charting import Chart
from bot.language import N_, _, number
from llm.tasks.moods import Stretch, Together
from llm.tasks.sentiment import MOODS, Judged, Mood

TITLE = N_("**How it sounds**")
TITLE_ABOUT = N_("**How it sounds where “{topic}” comes up**")
NAMES: Mapping[Mood, str] = {"positive": N_("positive"), "neutral": N_("neutral"), "negative": N_("negative")}
SIGNS: Mapping[Mood, str] = {"positive": "🟢", "neutral": "⚪", "negative": "🔴"}
SHARE = N_("{sign} **{percent} %** {mood} · {count}")
PEOPLE = N_("{people} people wrote these {count} messages.")
LEANING = N_(
    "Of them, {up} wrote more positive messages than negative ones, {down} more negative ones, and {level} as many of "
    "both."
)
ONE = N_("{sign} This message sounds **{mood}**.")
ONE_SURE = N_("{sign} This message sounds **{mood}** (the model is {percent} % sure).")
GUESS = N_("A model guesses, message by message; irony and jokes mislead it.")
ONE_HOUR = N_("The chart counts messages hour by hour (UTC).")
HOURS = N_("The chart counts messages by stretches of {hours} hours (UTC).")
SHORT_TIME = N_("There is no chart: everything was said within two hours, or too few people wrote at a time.")
NO_CHART = N_("The chart could not be drawn.")
HIDDEN = N_("Times in which fewer than {least} people wrote stay empty.")
_LATIN_ENDS = "\u0250"
ALT = N_(
    "A chart of messages by how they sound, from {first} to {last} (UTC): {positive} positive, {neutral} neutral and "
    "{negative} negative ones. The message says the sums."
)


def of_one(judged: Judged) -> str:
    """How one message sounds."""
    sign, mood = SIGNS[judged.mood], _(NAMES[judged.mood])
    if judged.share is None:
        return _(ONE, sign=sign, mood=mood)
    return _(ONE_SURE, sign=sign, mood=mood, percent=number(round(100 * judged.share)))


def sums(found: Together, topic: str) -> list[str]:
    """How many messages sound how, and how many people."""
    lines = [_(TITLE_ABOUT, topic=topic) if topic else _(TITLE)]
    lines += [
        _(SHARE, sign=SIGNS[mood], percent=number(found.percent(mood)), mood=_(NAMES[mood]), count=number(count))
        for mood, count in zip(MOODS, found.counts, strict=True)
    ]
    lines.append(_(PEOPLE, people=number(found.people), count=number(found.total)))
    if found.leaning is not None:
        up, level, down = map(number, found.leaning)
        lines.append(_(LEANING, up=up, level=level, down=down))
    return lines


def chart(found: Together) -> Chart | None:
    """The same over time; None where there is nothing to compare."""
    shown = [one for one in found.stretches if one.counts is not None]
    if len(shown) < 2:
        return None
    counts = [one.counts or (0, 0, 0) for one in found.stretches]
    series = {_drawn(NAMES[mood]): [each[place] for each in counts] for place, mood in enumerate(MOODS)}
    drawn = [sum(each[place] for each in counts) for place in range(len(MOODS))]
    alt = _(
        ALT,
        first=_label(found.stretches[0], found.hours),
        last=_label(found.stretches[-1], found.hours),
        positive=number(drawn[0]),
        neutral=number(drawn[1]),
        negative=number(drawn[2]),
    )
    return Chart(tuple(_label(one, found.hours) for one in found.stretches), series, alt, is_stacked=True)


def about_chart(found: Together, least: int) -> str:
    """What the chart shows, in words."""
    told = _(ONE_HOUR) if found.hours == 1 else _(HOURS, hours=number(found.hours))
    is_hidden = any(one.counts is None for one in found.stretches)
    return f"{told} {_(HIDDEN, least=number(least))}" if is_hidden else told


def _drawn(name: str) -> str:
    """A word in the picture: its font has Latin letters, and no others for sure."""
    said = _(name)
    return said if max(said) < _LATIN_ENDS else name


def _label(stretch: Stretch, hours: int) -> str:
    """Digits only: a picture is not translated."""
    return f"{stretch.begin:%d.%m. %H:%M}" if hours < 24 else f"{stretch.begin:%Y-%m-%d}"
