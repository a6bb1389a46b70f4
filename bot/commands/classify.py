"""/classify: a text, or a message, sorted into labels that are given on the spot.

Off until it is switched on in /settings. How it is sorted is `llm.tasks.classify`'s business.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import discord
from discord import app_commands

from bot.commands.answering import explained
from bot.commands.digest import link, short
from bot.commands.digesting import Digesting
from bot.commands.paged import Told
from bot.commands.posted import NOTHING_LEFT
from bot.commands.ranges import Asked, Range, chosen
from bot.commands.resting import NOT_THAT_ONE, asker, count, give, resting_on
from bot.commands.summarize import tell_instead
from bot.commands.switched import require_on
from bot.commands.working import Work
from bot.conversation.rendering import small
from bot.errors import Refusal
from bot.language import N_, _, number
from bot.limits import PersonalLimits
from llm.tasks.classify import Classified, Classifier, Method

LONGEST_TEXT = 4_000
LONGEST_LABEL = 60
MOST_LABELS = 20
TITLE = N_("**What fits best**")
BLANK = N_("Please write the text that I shall sort.")
TEXT_OR_MESSAGE = N_("Give me a text or a message, one of the two.")
ONE_LABEL = N_("Name at least two labels, with commas between them, such as `question, bug, praise`.")
MANY_LABELS = N_("You named {count} labels; I sort into at most {most}.")
LONG_LABEL = N_("A label may have at most {most} characters, and this one has more: {label}")
TWICE = N_("You named the label “{label}” twice. Name each one once.")
NOT_TOLD = N_("The model did not choose one of your labels. Please try again, perhaps with clearer ones.")
HOW: Mapping[Method, str] = {
    "zero-shot": N_("A model guesses; check what matters."),
    "chat": N_("The language model chose; it does not say how sure it is."),
    "likeness": N_(
        "No model for sorting is set up here, so I compared meanings with a small one. That is a rough guess."
    ),
}
_BETWEEN = re.compile(r"[,;|\n，、；]")
_BAR = 10


class Classify:
    """Answers /classify. Methods raise what `explained` explains."""

    def __init__(self, tools: Digesting, classifier: Classifier) -> None:
        self.tools = tools
        self._classifier = classifier

    async def of_text(self, work: Work, text: str, labels: Sequence[str]) -> None:
        """A text that somebody typed."""
        rules = await self.tools.gate.for_interaction(work.interaction)
        found = await self._found(work, text, labels)

        async def again(interaction: discord.Interaction, is_public: bool) -> Told:
            return _lines(text, found)

        await give(self.tools, work, rules, again)

    async def of_message(self, work: Work, wanted: Range, labels: Sequence[str]) -> None:
        """A message of somebody's: told to the asker alone, since it judges what a person wrote."""
        rules = await self.tools.gate.for_interaction(work.interaction)
        read = await self.tools.fetching.read(wanted)
        if not read.sources:
            await tell_instead(work, _(NOT_THAT_ONE))
            return
        (source,) = read.sources
        found = await self._found(work, source.text, labels)
        address = link(wanted.channel.guild.id, source.place, source.id)

        async def left(there: Collection[int]) -> Told:
            return [*_lines(source.text, found), address] if source.id in there else []

        again = resting_on(self.tools, wanted, read, [source.id], left, NOTHING_LEFT)
        await give(self.tools, work, rules, again, may_post=False)

    async def _found(self, work: Work, text: str, labels: Sequence[str]) -> Classified:
        found = await self._classifier.classify([text], labels, user=asker(work))
        await count(self.tools, work, found.usage)
        if found.each[0].label is None:
            raise Refusal(NOT_TOLD)
        return found


def add_classify(tree: app_commands.CommandTree[discord.Client], classify: Classify, limits: PersonalLimits) -> None:
    """Hang /classify on the tree."""
    works, rulebook = classify.tools.works, classify.tools.gate.rulebook

    @tree.command(name="classify", description="Sort a text into labels that you name; only you see it")
    @app_commands.describe(
        labels=f"What to choose from, 2 to {MOST_LABELS} labels with commas between them",
        text="The text to sort",
        message="Or a message: its link or id",
    )
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    async def classify_command(
        interaction: discord.Interaction,
        labels: str,
        text: app_commands.Range[str, 1, LONGEST_TEXT] | None = None,
        message: str | None = None,
    ) -> None:
        async with explained(interaction):
            if (text is None) == (message is None):
                raise Refusal(TEXT_OR_MESSAGE)
            if text is not None and not text.strip():
                raise Refusal(BLANK)
            named = labels_in(labels)
            asked = Asked(first=message, last=message)
            wanted = chosen(interaction, asked, works.clock.utc(), 1) if message is not None else None
            await require_on(rulebook, "classify", interaction, wanted.channel if wanted else interaction.channel)
            with limits.request(interaction.user.id):
                async with works.work(interaction) as work, explained(interaction), work.settled():
                    if wanted is not None:
                        await classify.of_message(work, wanted, named)
                    elif text is not None:
                        await classify.of_text(work, text, named)


def labels_in(text: str) -> list[str]:
    """The labels that somebody typed. Raises Refusal with what is wrong with them."""
    labels = [" ".join(part.split()) for part in _BETWEEN.split(text)]
    labels = [label for label in labels if label]
    if len(labels) < 2:
        raise Refusal(ONE_LABEL)
    if len(labels) > MOST_LABELS:
        raise Refusal(MANY_LABELS, count=len(labels), most=MOST_LABELS)
    seen: set[str] = set()
    for label in labels:
        if len(label) > LONGEST_LABEL:
            raise Refusal(LONG_LABEL, most=LONGEST_LABEL, label=short(label, LONGEST_LABEL))
        if label.casefold() in seen:
            raise Refusal(TWICE, label=short(label))
        seen.add(label.casefold())
    return labels


def _lines(text: str, found: Classified) -> list[str]:
    (labelled,) = found.each
    lines = [f"> {short(text)}", _(TITLE)]
    if labelled.scores:
        ranked = sorted(labelled.scores.items(), key=lambda one: -one[1])
        lines += [_line(label, share, is_best=place == 0) for place, (label, share) in enumerate(ranked)]
    else:
        lines.append(f"- **{_safe(labelled.label or '')}**")
    return [*lines, small(_(HOW[found.method]))]


def _line(label: str, share: float, *, is_best: bool) -> str:
    full = round(share * _BAR)
    name = f"**{_safe(label)}**" if is_best else _safe(label)
    return f"`{'█' * full}{'░' * (_BAR - full)}` {name} · {number(round(100 * share))} %"


def _safe(label: str) -> str:
    return discord.utils.escape_markdown(short(label))
