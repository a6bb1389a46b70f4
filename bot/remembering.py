"""Keeping a fact that a person wants remembered: only after their yes, and with where it was told.

It does not know how they said so (`commands.memory`, `conversation.reminding`), nor when it is recalled.
"""

from __future__ import annotations

from collections.abc import Collection

from bot.audience import Channel, is_private
from bot.embedding import Embedder
from bot.errors import Refusal
from storage.choices import Choices, Consent
from storage.memories import MOST_PER_PERSON, Memories, MemoryFull, NotRemembered

LONGEST_FACT = 500
IS_OFF = "Memory is off for you {where}, so I remember nothing about you. `/memory on` changes that."
IS_FULL = (
    f"I remember {MOST_PER_PERSON} things about you {{where}}, and that is all I can hold. `/memory forget` makes room."
)
TOO_LONG = f"That is too long for me to keep in mind: at most {LONGEST_FACT} characters, please."
NO_FACT = "There is nothing in that to keep in mind."
LEFT_OUT = "You opted out, so I keep nothing about you. `/privacy opt-in` comes first."


class Remembering:
    """Keeps facts, and whether people want that. Every method raises StorageError."""

    def __init__(self, memories: Memories, choices: Choices, embedder: Embedder) -> None:
        self._memories = memories
        self._choices = choices
        self._embedder = embedder

    async def switch_on(self, person_id: int, guild_id: int | None) -> bool:
        """This person said yes; whether that is news. Raises Refusal to whoever opted out."""
        chosen = await self._choices.of(person_id, guild_id)
        if Consent.OPT_OUT in chosen:
            raise Refusal(LEFT_OUT)
        await self._choices.choose(person_id, guild_id, Consent.MEMORY)
        return Consent.MEMORY not in chosen

    async def switch_off(self, person_id: int, guild_id: int | None) -> int:
        """This person takes the yes back, and everything goes; how much that was."""
        await self._choices.withdraw(person_id, guild_id, Consent.MEMORY)
        return await self._memories.forget_all(person_id, guild_id)

    async def is_on(self, person_id: int, guild_id: int | None) -> bool:
        """Whether this person said yes there."""
        return await self._choices.has(person_id, guild_id, Consent.MEMORY)

    async def keep(
        self,
        person_id: int,
        guild_id: int | None,
        channel: Channel,
        text: str,
        *,
        sources: Collection[int] = (),
        only_private: bool = False,
    ) -> int:
        """Remember this fact, told in `channel`; its id. Raises Refusal where it cannot be kept.

        `only_private`: for answers that nobody else reads, wherever it was told.
        """
        fact = " ".join(text.split())
        if not fact:
            raise Refusal(NO_FACT)
        if len(fact) > LONGEST_FACT:
            raise Refusal(TOO_LONG)
        told_in_private = is_private(channel)
        here = channel.id if told_in_private and not only_private and channel is not None else None
        try:
            return await self._memories.add(
                person_id,
                guild_id,
                fact,
                sources=sources,
                is_private=told_in_private or only_private,
                channel_id=here,
                embedded=await self._embedder.one(fact),
            )
        except MemoryFull:
            raise Refusal(IS_FULL.format(where=place(guild_id))) from None
        except NotRemembered:
            raise Refusal(IS_OFF.format(where=place(guild_id))) from None


def place(guild_id: int | None) -> str:
    """How people call where a memory counts."""
    return "in our private messages" if guild_id is None else "in this server"
