"""What Steward holds of a person, in words: how much, since when, how long, on whose machine, by which engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.language import N_
from bot.settings.rules import Rules, Store
from bot.settings.values import counted as days_words
from bot.whereabouts import whereabouts
from llm.client import LLMClient
from llm.errors import LLMError
from storage.choices import Choices, Consent
from storage.privacy import Privacy

TEXT = """**What I keep of you {where}**
{held}{since}
**What and how long:** {kept}. {days} Figures of use go after {figures}, memories and notes on translations after a \
year; choices stay until you take them back.
**Where:** {privacy} {database}
**Language model:** {engine}
**You chose:** {chosen}
**Moderation:** nothing that moderates is switched on. Where it is, it looks at everybody's messages, also of people \
who opted out. No model is trained on what you write.
`/privacy export` hands it to you, `/privacy delete` deletes it, `/privacy opt-out` leaves you out, `/memory show` \
lists what I remember."""

NOTHING = "- nothing"
KEPT: Mapping[Store, str] = {
    "addressed": N_("Here I keep messages that are addressed to me, the replies they belong to, and my answers"),
    "everything": N_("Here I keep everything that people write"),
    "nothing": N_("Here I keep nothing of what is said, neither to me nor by me"),
}
WORDS: Mapping[str, tuple[str, str]] = {
    "messages": ("message of yours", "messages of yours"),
    "mentions": ("mention of you, with your name", "mentions of you, with your name"),
    "answers": ("answer of mine to you", "answers of mine to you"),
    "quoting messages": ("message of mine with words of yours", "messages of mine with words of yours"),
    "replies": (
        "entry on how I answered you (when, which model, tokens)",
        "entries on how I answered you (when, which model, tokens)",
    ),
    "uses": (
        "day on which I counted how much you used me (requests and tokens)",
        "days on which I counted how much you used me (requests and tokens)",
    ),
    "open_replies": ("answer that you can still change by buttons", "answers that you can still change by buttons"),
    "memories": ("thing that you had me remember", "things that you had me remember"),
    "summaries": ("summary made from your words, too", "summaries made from your words, too"),
    "choices": ("choice that you made (memory, opt-out, typing)", "choices that you made (memory, opt-out, typing)"),
    "setting_changes": ("setting that you changed", "settings that you changed"),
    "documents": ("document that you gave this server", "documents that you gave this server"),
    "mirrors": ("mirror of channels that you set up", "mirrors of channels that you set up"),
    "copies": (
        "note where a message of yours stands in another language (not its words)",
        "notes where messages of yours stand in another language (not their words)",
    ),
    "posted_sources": (
        "note where a posted summary rests on a message of yours (not its words)",
        "notes where posted summaries rest on messages of yours (not their words)",
    ),
    "people": ("name: yours", "names: yours"),
}
"""What rows of each table are, for people; a table that is not here is of no interest to them."""
CHOSEN = {
    Consent.MEMORY: "memory is on",
    Consent.OPT_OUT: "you opted out",
    Consent.NO_TYPING: "answers in one piece",
}
OWN_DATABASE = "My database is on the same machine as I am."
NEAR_DATABASE = "My database is on a machine of the same owner."
FAR_DATABASE = "My database is at {host}, which my owner chose."
ENGINE_AWAY = "not reachable right now, so I cannot say which one"


class Holding:
    """Tells people what is held of them; `privacy_line` says where their words go."""

    def __init__(
        self,
        *,
        privacy: Privacy,
        choices: Choices,
        llm: LLMClient,
        database_host: str | None,
        privacy_line: str,
    ) -> None:
        self._privacy = privacy
        self._choices = choices
        self._llm = llm
        self._database_host = database_host
        self._privacy_line = privacy_line

    async def told(self, person_id: int, guild_id: int | None, rules: Rules, days: Sequence[int]) -> str:
        """For this server, or (None) everywhere; `rules` hold where it is asked, and `days` in the server, then in
        channels of it (`Rulebook.days_in`). Raises StorageError; an engine that is away is said."""
        held = await self._privacy.held(person_id, guild_id)
        chosen = await self._choices.of(person_id, guild_id)
        return TEXT.format(
            where="everywhere" if guild_id is None else "in this server",
            held=counted(held) or NOTHING,
            since=_since(await self._privacy.since(person_id, guild_id)),
            kept=KEPT[rules.store],
            days=_days(rules, days),
            figures=days_words(days[0], "days"),
            privacy=self._privacy_line,
            database=place_of(self._database_host),
            engine=await self._engine(),
            chosen=", ".join(CHOSEN[choice] for choice in CHOSEN if choice in chosen) or "nothing, so memory is off",
        )

    async def _engine(self) -> str:
        try:
            return f"`{(await self._llm.model()).id}`"
        except LLMError:
            return ENGINE_AWAY


def _days(rules: Rules, days: Sequence[int]) -> str:
    """How long messages stay, here and in other channels."""
    others = [str(one) for one in sorted(set(days)) if one != rules.retention_days]
    elsewhere = f" In other channels of this server it is {', '.join(others)}." if others else ""
    if rules.store == "nothing":
        return f"What I keep elsewhere in this server goes after {days_words(days[0], 'days')}.{elsewhere}"
    return f"Messages and answers go after {days_words(rules.retention_days, 'days')}.{elsewhere}"


def counted(counts: Mapping[str, int]) -> str:
    """Rows by table as a list for people; empty for none."""
    found = ((count, WORDS[table]) for table, count in counts.items() if count and table in WORDS)
    return "\n".join(f"- {count:,} {words[count != 1]}" for count, words in found)


def place_of(database_host: str | None) -> str:
    """On whose machine the database is; None is a file on this one."""
    url = f"//[{database_host}]" if database_host and ":" in database_host else f"//{database_host}"
    place = "this machine" if database_host is None else whereabouts(url)
    far = FAR_DATABASE.format(host=database_host)
    return {"this machine": OWN_DATABASE, "own network": NEAR_DATABASE}.get(place, far)


def _since(moment: datetime | None) -> str:
    return f"\nThe oldest of it is from <t:{int(moment.timestamp())}:D>." if moment else ""
