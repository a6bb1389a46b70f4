"""Somebody's message → the texts that stand for it in another language, counted and looked at before anybody sees them.

Mirrors and flags share it. It does not know where the texts are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import discord
import structlog

from bot.conversation.own_text import WordList
from bot.conversation.rendering import small
from bot.language import Speech, _, language_of, speaking
from bot.metering import Metering, Payer
from bot.mirrors.wording import CUT, NOT_TRANSLATED, OWN_WORDS, Said, texts
from bot.settings.rulebook import Rulebook, where
from llm.errors import LLMError
from llm.tasks.translate import Translated, Translation
from llm.types import Usage
from storage.usage import Used

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Wish:
    """Into which language, for whom it is counted, what is said above it, and in which language people mostly write
    there (None: nobody knows)."""

    language: str
    payer: Payer
    above: str = ""
    usual: str | None = None


class Rewording:
    """Translates messages."""

    def __init__(self, translation: Translation, rulebook: Rulebook, metering: Metering, words: WordList) -> None:
        self._translation = translation
        self._rulebook = rulebook
        self._metering = metering
        self._words = words

    async def of(self, message: discord.Message, wish: Wish) -> tuple[Translated, list[str]]:
        """The translation, and the messages that show it. Raises llm.errors and StorageError."""
        said = Said.of(message)
        found = await self._translated(message, said.words, wish)
        under = small(_(CUT, link=said.link)) if found.truncated else ""
        return found, await self._shown(message, said, found.text, above=wish.above, under=under)

    async def or_original(self, message: discord.Message, wish: Wish) -> list[str]:
        """The messages that show it in the other language, or, where nothing can translate it, as it was written.

        Raises StorageError."""
        try:
            return (await self.of(message, wish))[1]
        except LLMError as error:
            log.warning("message not translated", message=message.id, error=repr(error))
            said = Said.of(message)
            under = small(_(NOT_TRANSLATED))
            return await self._shown(message, said, said.words, above=wish.above, under=under)

    async def _translated(self, message: discord.Message, words: str, wish: Wish) -> Translated:
        """Raises llm.errors and StorageError."""
        spent: list[Usage | None] = []
        rules = await self._rulebook.at(where(message.guild, message.channel))
        guild_id = message.guild.id if message.guild else 0
        people = {person.display_name for person in (message.author, *message.mentions)}
        try:
            (found,) = await self._translation.translate(
                [words],
                wish.language,
                usual=wish.usual,
                user=f"{guild_id}/{message.author.id}",
                priority="command",
                model=rules.model,
                names=people,
                count=spent.append,
            )
            return found
        finally:
            await self._metering.count(wish.payer, _used(spent))

    async def _shown(self, message: discord.Message, said: Said, words: str, *, above: str, under: str) -> list[str]:
        """The messages that show these words for what was said; with words that Steward does not say, none of them."""
        rules = await self._rulebook.at(where(message.guild, message.channel))
        if rules.filter_own_text and self._words.is_in(words):
            return [small(_(OWN_WORDS, link=said.link))]
        return texts(words, said, above=above, under=under)


def spoken_in(language: str) -> AbstractContextManager[None]:
    """Remarks in the body are in the language of the text around them, as far as Steward speaks it."""
    code = language_of(language)
    return speaking(Speech(code, code))


def _used(spent: Sequence[Usage | None]) -> Used:
    """All requests for one message are one."""
    if not spent:
        return Used()
    known = [usage for usage in spent if usage is not None]
    return Used(1, sum(one.prompt_tokens for one in known), sum(one.completion_tokens for one in known))
