"""Discord's messages → what they say: the one place that looks into embeds, polls, stickers, attachments and snapshots.

It does not know storage, nor how files are fetched: their texts are given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import discord

from bot.conversation.said import Card, File, Poll, Said, readable_message

WRITTEN = (discord.MessageType.default, discord.MessageType.reply)
"""Messages that somebody wrote; the others are Discord's own notices."""
PREVIEWS = frozenset({"link", "image", "video", "gifv", "article"})
"""Embeds that Discord makes of links, often after the message: they come and go, and nobody wrote them."""


def text_of(message: discord.Message, files: Mapping[int, File] | None = None) -> str:
    """The whole message as readable text; `files` holds those attachments that were read, by their ids."""
    return readable_message(said(message, files or {}))


def said(message: discord.Message, files: Mapping[int, File]) -> Said:
    """The message's parts. A notice is told in Discord's own words."""
    is_notice = message.type not in WRITTEN
    return Said(
        text="" if is_notice else message.content,
        notice=message.system_content if is_notice else "",
        cards=_cards(message.embeds),
        poll=_poll(message.poll) if message.poll else None,
        stickers=tuple(sticker.name for sticker in message.stickers),
        files=_files(message.attachments, files),
        forwarded=tuple(_snapshot(one, files) for one in message.message_snapshots),
    )


def _snapshot(one: discord.MessageSnapshot, files: Mapping[int, File]) -> Said:
    return Said(
        text=one.content,
        cards=_cards(one.embeds),
        stickers=tuple(sticker.name for sticker in one.stickers),
        files=_files(one.attachments, files),
    )


def _cards(embeds: Sequence[discord.Embed]) -> tuple[Card, ...]:
    return tuple(
        Card(
            title=embed.title or "",
            text=embed.description or "",
            fields=tuple((field.name or "", field.value or "") for field in embed.fields),
            author=embed.author.name or "",
            footer=embed.footer.text or "",
        )
        for embed in embeds
        if embed.type not in PREVIEWS and embed.type != "poll_result"
    )


def _poll(poll: discord.Poll) -> Poll:
    answers = tuple((answer.text, answer.vote_count) for answer in poll.answers)
    return Poll(poll.question, answers, poll.is_finalised())


def _files(attachments: Sequence[discord.Attachment], read: Mapping[int, File]) -> tuple[File, ...]:
    return tuple(read.get(one.id) or File(one.filename, one.size, one.description or "") for one in attachments)
