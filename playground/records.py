"""Stored JSON back into models. The other way is `dataclasses.asdict`. It does not know where the JSON lies."""

from __future__ import annotations

from playground.models import (
    Attachment,
    AuditEntry,
    Channel,
    Command,
    Guild,
    Member,
    Message,
    Overwrite,
    Payload,
    Poll,
    Reaction,
    Role,
    Sticker,
    ThreadInfo,
    User,
    Webhook,
)


def user(body: Payload) -> User:
    return User(**body)


def command(body: Payload) -> Command:
    return Command(**body)


def guild(body: Payload) -> Guild:
    return Guild(
        id=body["id"],
        name=body["name"],
        owner_id=body["owner_id"],
        roles={int(key): Role(**role) for key, role in body["roles"].items()},
        members={int(key): Member(**member) for key, member in body["members"].items()},
        audit_log=[AuditEntry(**entry) for entry in body["audit_log"]],
        stickers=[Sticker(**one) for one in body.get("stickers", [])],
    )


def channel(body: Payload) -> Channel:
    thread = body["thread"]
    return Channel(
        **{
            **body,
            "overwrites": [Overwrite(**one) for one in body["overwrites"]],
            "thread": None if thread is None else _thread(thread),
        }
    )


def message(body: Payload) -> Message:
    """Also one that an earlier version stored, without the fields that came later."""
    poll, snapshot = body.get("poll"), body.get("snapshot")
    return Message(
        **{
            **body,
            "attachments": [Attachment(**one) for one in body["attachments"]],
            "reactions": [Reaction(**one) for one in body["reactions"]],
            "stickers": [Sticker(**one) for one in body.get("stickers", [])],
            "poll": None if poll is None else Poll(**poll),
            "snapshot": None if snapshot is None else message(snapshot),
        }
    )


def webhook(body: Payload) -> Webhook:
    return Webhook(**body)


def _thread(body: Payload) -> ThreadInfo:
    return ThreadInfo(**{**body, "members": {int(key): joined for key, joined in body["members"].items()}})
