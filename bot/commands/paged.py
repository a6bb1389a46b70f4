"""A private answer in pages, with buttons: back and forth, *Post here*, *Send me by DM*.

The pages stay in memory only, for as long as Discord takes changes of a private answer. Before they are turned, posted
or sent, and when a message that they link to changes, whoever made them is asked for them anew: what they rest on may
have changed. It does not know what they say.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Self

import discord

from bot.clock import Clock
from bot.commands.answering import Press, explained, tell
from bot.commands.cited_text import cited_in
from bot.commands.post import require_writing
from bot.commands.posted import Posted
from bot.commands.working import LATE_S, Work
from bot.conversation.rendering import DISCORD_LIMIT, length, neutralize
from bot.conversation.streaming import TROUBLE
from bot.errands import Errands
from bot.errors import Refusal, explain
from bot.language import N_, _, aloud, speaking, speech_for

MOST = 500
"""Answers that are kept: the oldest go first."""
GONE = N_("I no longer have this answer. Please give the command again.")
SENT = N_("I sent it to you.")
NO_DM = N_("You do not take private messages from me, so I cannot send it to you.")
TEMPLATE = r"steward:page:(?P<what>prev|next|post|dm):(?P<answer>\d{1,20})"
_PAGE_MARK = 40
"""Characters of "page 3 of 12" and the lines around it."""
PAGE_ROOM = DISCORD_LIMIT - _PAGE_MARK
"""What a line may take: a longer one would be cut off."""


@dataclass(frozen=True, slots=True)
class Illustrated:
    """The lines of an answer, and a picture that stands under the first page; it can be sent once."""

    lines: Sequence[str]
    picture: discord.File


Told = Sequence[str] | Illustrated
Again = Callable[[discord.Interaction, bool], Awaitable[Told]]
"""An answer as it is true now; True where everybody in the channel will read it. Raises Refusal."""
_Button = discord.ui.Button[discord.ui.View]
_Item = discord.ui.DynamicItem[_Button]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one person was told by `interaction`: pages, the one that is shown, and how to get its lines anew;
    `may_post`: also for others."""

    interaction: discord.Interaction
    pages: tuple[str, ...]
    again: Again
    made_at: float
    at: int = 0
    may_post: bool = True

    @property
    def person_id(self) -> int:
        """Whose it is."""
        return self.interaction.user.id

    def rests_on(self, message_ids: Collection[int]) -> bool:
        """Whether a link leads to one of these messages."""
        return any(not cited_in(page).keys().isdisjoint(message_ids) for page in self.pages)


class Pages:
    """Answers of the last quarter of an hour; `language_at` names the language that a server chose for itself, and
    `posted` keeps true what was posted."""

    def __init__(
        self, clock: Clock, language_at: Callable[[discord.Interaction], str], posted: Posted, errands: Errands
    ) -> None:
        self._clock = clock
        self._language_at = language_at
        self._posted = posted
        self._errands = errands
        self._answers: OrderedDict[int, Answer] = OrderedDict()

    async def give(self, work: Work, told: Told, again: Again, *, may_post: bool = True) -> None:
        """Answer the command; too late for that, send a private message."""
        await work.settle()
        interaction = work.interaction
        if work.is_late:
            with contextlib.suppress(discord.Forbidden):  # that it may come to nothing was said while there was time
                await _send(interaction.user, told)
            return
        answer = Answer(interaction, tuple(pages_of(lines_of(told))), again, self._clock.now(), may_post=may_post)
        self._answers[interaction.id] = answer
        self._forget_old()
        asyncio.get_running_loop().call_later(LATE_S + 1, self._forget_old)  # also where nobody comes by until then
        await interaction.edit_original_response(
            content=answer.pages[0],
            view=_view(interaction.id, answer),
            attachments=_pictures(told) or discord.utils.MISSING,
        )

    def forget(self, person_id: int) -> None:
        """Keep nothing that this person was told."""
        for number in [number for number, answer in self._answers.items() if answer.person_id == person_id]:
            del self._answers[number]

    def changed(self, message_ids: Collection[int]) -> None:
        """These messages were deleted or edited: what rests on them is shown as it is true now."""
        self._look_again([number for number, answer in self._answers.items() if answer.rests_on(message_ids)])

    def left(self, guild_id: int | None) -> None:
        """Somebody does not want to be read any more, there or (None) everywhere."""
        here = [number for number, answer in self._answers.items() if guild_id in (None, answer.interaction.guild_id)]
        self._look_again(here)

    async def pressed(self, interaction: discord.Interaction, what: str, answer_id: int) -> None:
        """Do what a button says, for whoever the answer was given to."""
        async with explained(interaction):
            self._forget_old()
            answer = self._answers.get(answer_id)
            if answer is None or answer.person_id != interaction.user.id:
                raise Refusal(GONE)
            if what in ("prev", "next"):
                await self._turn(interaction, answer_id, answer, 1 if what == "next" else -1)
            elif what == "dm":
                await self._to_person(interaction, answer_id, answer)
            else:
                await self._to_channel(interaction, answer_id)

    async def _turn(self, interaction: discord.Interaction, answer_id: int, answer: Answer, step: int) -> None:
        await interaction.response.defer()
        pages = tuple(pages_of(lines_of(await answer.again(interaction, False))))
        now = self._present(answer_id)
        turned = replace(now, pages=pages, at=min(max(now.at + step, 0), len(pages) - 1))
        self._answers[answer_id] = turned
        await interaction.edit_original_response(content=turned.pages[turned.at], view=_view(answer_id, turned))

    def _look_again(self, answer_ids: Sequence[int]) -> None:
        self._forget_old()
        for answer_id in answer_ids:
            if answer_id in self._answers:
                self._errands.run(self._refresh(answer_id), "answer looked at again")

    async def _refresh(self, answer_id: int) -> None:
        """Show what is left of an answer."""
        answer = self._answers.get(answer_id)
        if answer is None:
            return
        interaction = answer.interaction
        with speaking(speech_for(interaction.locale, interaction.guild_locale)), contextlib.suppress(*TROUBLE):
            try:
                told = await answer.again(interaction, False)
                pages = tuple(pages_of(lines_of(told)))
            except Refusal as refusal:
                self._answers.pop(answer_id, None)
                await interaction.edit_original_response(content=explain(refusal).sentence, view=None, attachments=[])
                return
            now = self._answers.get(answer_id)
            if now is not None and pages != now.pages:
                left = replace(now, pages=pages, at=min(now.at, len(pages) - 1))
                self._answers[answer_id] = left
                await interaction.edit_original_response(
                    content=left.pages[left.at], view=_view(answer_id, left), attachments=_pictures(told)
                )

    def _present(self, answer_id: int) -> Answer:
        """The answer as it is after a while. Raises Refusal where it was forgotten."""
        answer = self._answers.get(answer_id)
        if answer is None:
            raise Refusal(GONE)
        return answer

    async def _to_person(self, interaction: discord.Interaction, answer_id: int, answer: Answer) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        told = await answer.again(interaction, False)
        self._present(answer_id)
        try:
            await _send(interaction.user, told)
        except discord.Forbidden:
            raise Refusal(NO_DM) from None
        await tell(interaction, _(SENT))

    async def _to_channel(self, interaction: discord.Interaction, answer_id: int) -> None:
        require_writing(interaction)
        await interaction.response.defer()
        answer = self._present(answer_id)
        if not answer.may_post:  # pressed twice
            return
        self._answers[answer_id] = replace(answer, may_post=False)
        sent = 0
        try:
            with aloud(self._language_at(interaction)):
                who = _("> **{name}** shares:", name=neutralize(interaction.user.display_name))
                told = await answer.again(interaction, True)
                messages = _messages([who, *lines_of(told)], told)
            self._present(answer_id)
            for page, files in messages:
                message = await interaction.followup.send(page, files=files, ephemeral=False, wait=True)
                sent += 1
                self._posted.follow(message, interaction.guild_id or 0)
        finally:
            if not sent and answer_id in self._answers:
                self._answers[answer_id] = replace(self._answers[answer_id], may_post=True)
        if answer_id in self._answers:
            await interaction.edit_original_response(view=_view(answer_id, self._answers[answer_id]))

    def _forget_old(self) -> None:
        now = self._clock.now()
        while self._answers and (
            len(self._answers) > MOST or now - next(iter(self._answers.values())).made_at > LATE_S
        ):
            self._answers.popitem(last=False)


def pages_of(lines: Sequence[str]) -> list[str]:
    """Lines in messages of at most 2,000 characters, cut between them; several say which they are."""
    pages = [""]
    for line in lines:
        joined = f"{pages[-1]}\n{line}" if pages[-1] else line
        if length(joined) <= PAGE_ROOM:
            pages[-1] = joined
        else:
            pages.append(line[:PAGE_ROOM])
    if len(pages) == 1:
        return pages
    marks = [_("page {number} of {count}", number=index, count=len(pages)) for index in range(1, len(pages) + 1)]
    return [f"{page}\n-# {mark}" for page, mark in zip(pages, marks, strict=True)]


def page_button(pages: Pages, press: Press) -> type[_Item]:
    """The item to register with the client."""

    class PageButton(discord.ui.DynamicItem[_Button], template=TEMPLATE):
        def __init__(self, what: str, answer_id: int) -> None:
            super().__init__(_button(what, answer_id))
            self._pressed = (what, answer_id)

        @classmethod
        async def from_custom_id(
            cls, interaction: discord.Interaction, item: discord.ui.Item[discord.ui.View], match: re.Match[str], /
        ) -> Self:
            return cls(match["what"], int(match["answer"]))

        async def callback(self, interaction: discord.Interaction) -> None:
            what, answer_id = self._pressed
            name = "post" if what == "post" else None  # a post may be made anew; what is there is turned and sent
            await press(interaction, lambda: pages.pressed(interaction, what, answer_id), name)

    return PageButton


def lines_of(told: Told) -> Sequence[str]:
    """The words of an answer."""
    return told.lines if isinstance(told, Illustrated) else told


async def _send(person: discord.User | discord.Member, told: Told) -> None:
    for page, files in _messages(lines_of(told), told):
        await person.send(page, files=files)


def _messages(lines: Sequence[str], told: Told) -> list[tuple[str, list[discord.File]]]:
    """The pages, the picture with the first."""
    return [(page, _pictures(told) if place == 0 else []) for place, page in enumerate(pages_of(lines))]


def _pictures(told: Told) -> list[discord.File]:
    return [told.picture] if isinstance(told, Illustrated) else []


_LABELS = {"prev": N_("Back"), "next": N_("Next"), "post": N_("Post here"), "dm": N_("Send me by DM")}


def _button(what: str, answer_id: int, *, disabled: bool = False) -> _Button:
    return discord.ui.Button(label=_(_LABELS[what]), custom_id=f"steward:page:{what}:{answer_id}", disabled=disabled)


def _view(answer_id: int, answer: Answer) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    if len(answer.pages) > 1:
        view.add_item(_button("prev", answer_id, disabled=answer.at == 0))
        view.add_item(_button("next", answer_id, disabled=answer.at == len(answer.pages) - 1))
    if answer.may_post:
        view.add_item(_button("post", answer_id))
    view.add_item(_button("dm", answer_id))
    view.stop()  # the registered item answers; discord.py would keep this one for ever otherwise
    return view
