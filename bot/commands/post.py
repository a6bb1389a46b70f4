"""*Post here*: a private answer becomes a public one, when the person who asked wants that.

The button works after a restart: what is posted comes from the message that it stands under, and from history.
"""

from __future__ import annotations

from collections.abc import Callable

import discord

from bot.commands.answering import explained
from bot.conversation.rendering import DISCORD_LIMIT, length, neutralize, render, without_remarks
from bot.errors import Refusal
from storage.history import History, StoredMessage, StoredPerson

POST_ID = "steward:post"
_QUOTED = 300
"""Characters of the question that are shown above a posted answer."""


def post_button() -> discord.ui.View:
    """The button to stand under a private answer; pressing it is `Posting`'s business."""
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="Post here", style=discord.ButtonStyle.secondary, custom_id=POST_ID))
    return view


class Posting(discord.ui.View):
    """What every *Post here* does. Registered once, as a persistent view."""

    def __init__(self, history: History, me: Callable[[], discord.ClientUser]) -> None:
        super().__init__(timeout=None)
        self._history = history
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
        _require_writing(interaction)
        said = (await self._history.chain(private.id)).messages
        me = self._me().id
        question = next((row for row in said if row.author.id != me), None)
        text = "".join(row.content for row in said if row.author.id == me) or without_remarks(private.content)
        await interaction.response.edit_message(view=None)
        header = _header(interaction.user.display_name, question)
        parts = render(text, limit=DISCORD_LIMIT - length(header) - 1)
        rows: list[StoredMessage] = []
        for index, part in enumerate(parts):
            shown = f"{header}\n{part.shown}" if index == 0 else part.shown
            posted = await interaction.followup.send(shown, ephemeral=False, wait=True)
            if question is not None:
                rows.append(self._row(posted, part.raw, question, rows[-1].id if rows else question.id))
        await self._history.record(rows)

    def _row(self, posted: discord.Message, content: str, question: StoredMessage, reply_to: int) -> StoredMessage:
        me = self._me()
        return StoredMessage(
            id=posted.id,
            channel_id=question.channel_id,
            guild_id=question.guild_id,
            author=StoredPerson(me.id, me.display_name, is_bot=True),
            content=content,
            created_at=posted.created_at,
            reply_to=reply_to,
        )


def _require_writing(interaction: discord.Interaction) -> None:
    """Nobody writes through Steward where they may not write themselves."""
    if interaction.guild_id is None:
        return
    granted = interaction.permissions
    in_thread = isinstance(interaction.channel, discord.Thread)
    if not (granted.send_messages_in_threads if in_thread else granted.send_messages):
        raise Refusal("You may not write in this channel, so I cannot post there for you.")


def _header(name: str, question: StoredMessage | None) -> str:
    if question is None:
        return f"> {neutralize(name)} shares:"
    asked = " ".join(neutralize(question.content).split())
    short = asked if len(asked) <= _QUOTED else asked[: _QUOTED - 1] + "…"
    return f"> **{neutralize(name)}** asked me: {short}"
