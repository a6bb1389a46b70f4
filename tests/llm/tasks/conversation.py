"""Channels to summarize."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from llm.tasks.summary import SourceMessage

_MORNING = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def channel(*lines: str) -> list[SourceMessage]:
    """Messages from lines of "Author: text"; their ids are 100, 101, … as they come."""
    return [
        SourceMessage(100 + number, *line.split(": ", 1), created_at=_MORNING + timedelta(minutes=number))
        for number, line in enumerate(lines)
    ]


RELEASE = channel(
    "Ada: good morning!",
    "Ada: Shall we ship the playground release on Friday, or wait for the new gateway tests?",
    "Grace: !deploy staging",
    "Grace: The gateway tests of the playground still fail on reconnect, I would wait with the release.",
    "Linus: lol",
    "Linus: I can mend the gateway reconnect tests today, then the release can go out on Friday.",
    "Ada: ok",
    "Ada: Deal: Linus mends the reconnect tests, and we ship the release on Friday at noon.",
    "Grace: https://example.org/a/very/long/link",
    "Grace: <:party:123456789012345678> <@123456789012345678>",
    "Linus: my cat is asleep on the keyboard again",
)
