"""Which pictures a model gets with a conversation: those of the question and of what it replies to, and later on again.

They are opened only when somebody asks, for a model that sees, and stay in memory for the turns that follow; nothing of
them is stored. It does not know how files are fetched and opened (`attachments`), nor what the engine makes of them.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence

import discord

from bot.conversation.attachments import Attachments, is_picture
from bot.conversation.rendering import neutralize
from bot.conversation.unpacking import Unreadable
from llm.client import LLMClient
from llm.errors import LLMError
from llm.types import ChatImage, ModelInfo

MOST = 4
"""Pictures in one prompt, the newest: each takes about a thousand tokens."""
SHARE = 0.4
"""Of the model's context, which pictures may take at most."""
REMEMBERED = 100
"""Messages whose pictures are kept, as long as these take no more than MOST_BYTES."""
MOST_BYTES = 64 * 1024 * 1024

BLIND_FOR_ONE = "my model cannot see pictures, so I know only the picture's name and description"
BLIND = "my model cannot see pictures, so I know only their names and descriptions"

Images = tuple[ChatImage, ...]


class Pictures:
    """Opens pictures, where the engine's model sees them. `unread` says what did not reach it."""

    def __init__(self, llm: LLMClient, attachments: Attachments) -> None:
        self._llm = llm
        self._attachments = attachments
        self._images: OrderedDict[int, Images] = OrderedDict()
        self._troubles: dict[int, tuple[str, ...]] = {}
        self._of_whom: dict[int, tuple[int, int | None]] = {}

    async def of(self, question: discord.Message, message_ids: Sequence[int], model: str = "") -> Mapping[int, Images]:
        """Pictures by the ids of their messages, for the messages of a conversation that may be read, oldest first.

        Raises LLMError."""
        asked = (_replied_to(question), question)
        shown = [message for message in asked if message is not None and message.id in message_ids]
        if not any(map(_pictures, shown)) and self._images.keys().isdisjoint(message_ids):
            return {}
        info = await self._llm.model(model)
        if info.sees is False:
            return {}
        for message in shown:
            if message.id not in self._images and _pictures(message):
                await self._open(message)
        return self._newest(message_ids, info)

    async def unread(self, question: discord.Message, model: str = "") -> list[str]:
        """What to tell the person about attached files that did not reach the model, once it has answered."""
        told, there = self._attachments.unread(question), _pictures(question)
        if not there:
            return told
        try:
            info = await self._llm.model(model)
        except LLMError:  # the answer says what there is to say
            return told
        if info.sees is False:
            return [*told, BLIND_FOR_ONE if len(there) == 1 else BLIND]
        troubles = self._troubles.get(question.id, ())
        looked_at = len(self._newest([question.id], info).get(question.id, ()))
        if looked_at + len(troubles) < len(there):
            troubles += (f"I looked at {looked_at} of {len(there)} pictures, since no more fit at once",)
        return [*told, *troubles]

    def forget(self, message_ids: Collection[int]) -> None:
        """These messages were deleted."""
        for message_id in message_ids:
            self._images.pop(message_id, None)
            self._troubles.pop(message_id, None)
            self._of_whom.pop(message_id, None)
        self._attachments.forget(message_ids)

    def forget_person(self, person_id: int, guild_id: int | None) -> None:
        """Nothing that this person attached is kept, in one server or (None) everywhere."""
        theirs = [
            message_id
            for message_id, (author_id, place) in self._of_whom.items()
            if author_id == person_id and guild_id in (None, place)
        ]
        self.forget(theirs)
        self._attachments.forget_person(person_id, guild_id)

    def _newest(self, message_ids: Sequence[int], model: ModelInfo) -> dict[int, Images]:
        """As many as there is room for: words need the greater part of the context."""
        chosen: dict[int, Images] = {}
        left, room = MOST, model.max_model_len * SHARE
        for message_id in reversed(message_ids):
            for image in self._images.get(message_id, ()):
                if left and image.tokens <= room:
                    chosen[message_id] = (*chosen.get(message_id, ()), image)
                    left, room = left - 1, room - image.tokens
        return chosen

    async def _open(self, message: discord.Message) -> None:
        found = await asyncio.gather(*map(self._picture, _pictures(message)[:MOST]))
        self._of_whom[message.id] = (message.author.id, message.guild.id if message.guild else None)
        self._images[message.id] = tuple(one for one in found if isinstance(one, ChatImage))
        self._troubles[message.id] = tuple(one for one in found if isinstance(one, str))
        while len(self._images) > 1 and (len(self._images) > REMEMBERED or self._bytes() > MOST_BYTES):
            oldest, _ = self._images.popitem(last=False)
            self._troubles.pop(oldest, None)
            self._of_whom.pop(oldest, None)

    def _bytes(self) -> int:
        return sum(len(image.jpeg) for images in self._images.values() for image in images)

    async def _picture(self, one: discord.Attachment) -> ChatImage | str:
        """The picture, or a sentence."""
        try:
            picture = await self._attachments.picture(one)
        except Unreadable as error:
            return f"I could not look at {neutralize(one.filename)}: {error}"
        return ChatImage(picture.jpeg, picture.width, picture.height)


def _replied_to(question: discord.Message) -> discord.Message | None:
    known = question.reference.resolved if question.reference else None
    return known if isinstance(known, discord.Message) else None


def _pictures(message: discord.Message) -> list[discord.Attachment]:
    return [one for one in message.attachments if is_picture(one)]
