"""*Post here*: a private answer becomes a public one, when the person who asked wants that.

The button works after a restart: what is posted comes from history, else from the message that it stands under.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import discord

from bot.commands.answering import explained
from bot.conversation.rendering import DISCORD_LIMIT, length, neutralize, render, without_remarks
from bot.errors import Refusal
from bot.language import _, aloud
from bot.settings.rulebook import Rulebook
from storage.history import History, StoredMessage, StoredPerson

POST_ID = "steward:post"
_QUOTED = 300
"""Characters of the question that are shown above a posted answer."""


def private_id(discord_id: int) -> int:
    """Under which id something private is stored: Discord's ids are positive, so nothing public ever refers to it."""
    return -discord_id


def public_row(
    interaction: discord.Interaction, row_id: int, author: StoredPerson, content: str, reply_to: int | None
) -> StoredMessage:
    """What everybody in the interaction's channel may read."""
    return StoredMessage(
        id=row_id,
        channel_id=interaction.channel_id or 0,
        guild_id=interaction.guild_id,
        author=author,
        content=content,
        created_at=discord.utils.snowflake_time(row_id),
        reply_to=reply_to,
    )


def private_row(
    interaction: discord.Interaction, row_id: int, author: StoredPerson, content: str, reply_to: int | None
) -> StoredMessage:
    """What only the asker may read, until it is posted; `reply_to` is a private row's id."""
    row = public_row(interaction, row_id, author, content, reply_to)
    return replace(row, id=private_id(row.id), channel_id=private_id(row.channel_id))


def post_button() -> discord.ui.View:
    """The button to stand under a private answer; pressing it is `Posting`'s business."""
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label=_("Post here"), style=discord.ButtonStyle.secondary, custom_id=POST_ID))
    return view


class Posting(discord.ui.View):
    """What every *Post here* does. Registered once, as a persistent view."""

    def __init__(self, history: History, me: Callable[[], discord.ClientUser], rulebook: Rulebook) -> None:
        super().__init__(timeout=None)
        self._history = history
        self._rulebook = rulebook
        self._me = me
        self._in_work: set[int] = set()

    @discord.ui.button(label="Post here", style=discord.ButtonStyle.secondary, custom_id=POST_ID)
    async def post(self, interaction: discord.Interaction, button: discord.ui.Button[Posting]) -> None:
        """Post the answer that the button stands under, once."""
        message = interaction.message
        if message is None or message.id in self._in_work:
            await interaction.response.defer()
            return
        self._in_work.add(message.id)
        try:
            async with explained(interaction):
                await self._post(interaction, message)
        finally:
            self._in_work.discard(message.id)

    async def _post(self, interaction: discord.Interaction, private: discord.Message) -> None:
        require_writing(interaction)
        await interaction.response.defer()
        kept = [row for row in (await self._history.chain(private_id(private.id))).messages if not row.deleted_at]
        me = self._me().id
        question = next((row for row in kept if row.author.id != me), None)
        text = "".join(row.content for row in kept if row.author.id == me) or without_remarks(private.content)
        await interaction.edit_original_response(view=None)
        with aloud(self._rulebook.language_at(interaction)):
            header = _header(interaction.user.display_name, question)
        # the question goes under the id of the press, which no message has
        rows = [public_row(interaction, interaction.id, question.author, question.content, None)] if question else []
        for index, part in enumerate(render(text, limit=DISCORD_LIMIT - length(header) - 1)):
            shown = f"{header}\n{part.shown}" if index == 0 else part.shown
            posted = await interaction.followup.send(shown, ephemeral=False, wait=True)
            rows.append(public_row(interaction, posted.id, self._author(), part.raw, rows[-1].id if rows else None))
        if await self._rulebook.keeps(interaction.guild, interaction.channel):
            await self._history.record(rows)
        await self._history.delete([row.id for row in kept])

    def _author(self) -> StoredPerson:
        return StoredPerson(self._me().id, self._me().display_name, is_bot=True)


def require_writing(interaction: discord.Interaction) -> None:
    """Nobody writes through Steward where they may not write themselves."""
    if interaction.guild_id is None:
        return
    granted = interaction.permissions
    in_thread = isinstance(interaction.channel, discord.Thread)
    if not (granted.send_messages_in_threads if in_thread else granted.send_messages):
        raise Refusal("You may not write in this channel, so I cannot post there for you.")


def _header(name: str, question: StoredMessage | None) -> str:
    if question is None:
        return _("> **{name}** shares:", name=neutralize(name))
    asked = " ".join(neutralize(question.content).split())
    short = asked if len(asked) <= _QUOTED else asked[: _QUOTED - 1] + "…"
    return _("> **{name}** asked me: {question}", name=neutralize(name), question=short)
