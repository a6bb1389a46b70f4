"""Polls: making one from what was posted, voting, counting. It does not know messages, routes or who may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from playground.errors import DiscordError, invalid_form, required, too_long
from playground.models import Payload, Poll

QUESTION_LIMIT = 300
ANSWER_LIMIT = 55
ANSWERS_LIMIT = 10
DAY_H, LONGEST_H = 24, 768
LAYOUT = 1


def made(body: Payload | None, moment: datetime | None = None) -> Poll | None:
    """The poll that a message's body asks for, open from now on; raises a form error for one that Discord refuses."""
    if body is None:
        return None
    question = (body["question"].get("text") or "").strip()
    if not question:
        raise required("poll.question.text")
    if len(question) > QUESTION_LIMIT:
        raise too_long("poll.question.text", QUESTION_LIMIT)
    asked = body["answers"]
    if not 1 <= len(asked) <= ANSWERS_LIMIT:
        raise invalid_form("poll.answers", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {ANSWERS_LIMIT} in length.")
    for index, one in enumerate(asked):
        if len(one["poll_media"].get("text") or "") > ANSWER_LIMIT:
            raise too_long(f"poll.answers.{index}.poll_media.text", ANSWER_LIMIT)
    hours = min(max(body.get("duration") or DAY_H, 1), LONGEST_H)
    ends = (moment or datetime.now(UTC)) + timedelta(hours=hours)
    answers = [_kept(one["poll_media"]) for one in asked]
    return Poll(question, answers, ends.isoformat(), bool(body.get("allow_multiselect")))


def ended(poll: Poll, moment: datetime | None = None) -> bool:
    return poll.ended or datetime.fromisoformat(poll.expiry) <= (moment or datetime.now(UTC))


def vote(poll: Poll, user_id: int, answer_ids: list[int]) -> tuple[list[int], list[int]]:
    """Sets somebody's votes; which answers they now chose anew, and which no more."""
    if ended(poll):
        raise DiscordError(400, 520001, "Poll expired")
    wanted = set(answer_ids)
    if not wanted <= set(range(1, len(poll.answers) + 1)) or (len(wanted) > 1 and not poll.allow_multiselect):
        raise invalid_form("answer_ids", "POLL_ANSWERS_INVALID", "These answers cannot be chosen")
    before = {number for number in range(1, len(poll.answers) + 1) if user_id in voters(poll, number)}
    for number in before - wanted:
        poll.votes[str(number)].remove(user_id)
    for number in wanted - before:
        poll.votes.setdefault(str(number), []).append(user_id)
    return sorted(wanted - before), sorted(before - wanted)


def voters(poll: Poll, answer_id: int) -> list[int]:
    return poll.votes.get(str(answer_id), [])


def shown(poll: Poll, viewer_id: int) -> Payload:
    """Discord's JSON shape."""
    numbers = range(1, len(poll.answers) + 1)
    counts = [
        {"id": number, "count": len(voters(poll, number)), "me_voted": viewer_id in voters(poll, number)}
        for number in numbers
        if voters(poll, number)
    ]
    return {
        "question": {"text": poll.question},
        "answers": [{"answer_id": number, "poll_media": poll.answers[number - 1]} for number in numbers],
        "expiry": poll.expiry,
        "allow_multiselect": poll.allow_multiselect,
        "layout_type": LAYOUT,
        "results": {"answer_counts": counts, "is_finalized": ended(poll)},
    }


def result_embed(poll: Poll) -> Payload:
    """What Discord's own message about the end of a poll carries."""
    numbers = range(1, len(poll.answers) + 1)
    best = max(numbers, key=lambda number: len(voters(poll, number)))
    fields = {
        "poll_question_text": poll.question,
        "victor_answer_votes": str(len(voters(poll, best))),
        "total_votes": str(sum(len(voters(poll, number)) for number in numbers)),
        "victor_answer_id": str(best),
        "victor_answer_text": poll.answers[best - 1].get("text", ""),
    }
    listed = [{"name": name, "value": value, "inline": False} for name, value in fields.items()]
    return {"type": "poll_result", "fields": listed}


def _kept(media: Payload) -> Payload:
    kept: Payload = {"text": (media.get("text") or "").strip()}
    emoji = media.get("emoji")
    if emoji:
        kept["emoji"] = {"id": emoji.get("id"), "name": emoji.get("name")}
    return kept
