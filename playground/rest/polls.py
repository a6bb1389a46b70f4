"""Polls under messages: people vote, everyone may see who chose what, the poll's writer ends it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from playground import payloads, polls
from playground.errors import missing_permissions, not_a_poll
from playground.forms import VoteForm, check
from playground.message_payloads import reference_to
from playground.models import Message, MessageType, Poll
from playground.rest.edge import Caller, Place, Sent, Server, Target, answer, nothing, router
from playground.rest.messages import shown

routes = router()
POLL = "/channels/{channel_id}/polls/{message_id}"


def _poll(message: Message) -> Poll:
    if message.poll is None:
        raise not_a_poll()
    return message.poll


@routes.put(POLL + "/answers/@me")
async def vote(target: Target, channel: Place, parts: Server, caller: Caller, sent: Sent) -> Response:
    """Sets the caller's answers, as people's clients do; none takes the vote back. Bots cannot vote."""
    if caller.bot:
        raise missing_permissions()
    check(VoteForm, sent.body)
    added, removed = polls.vote(_poll(target), caller.id, [int(one) for one in sent.body["answer_ids"]])
    parts.world.keep(target)
    for number in removed:
        parts.broadcast.voted(channel, target, caller, number, added=False)
    for number in added:
        parts.broadcast.voted(channel, target, caller, number, added=True)
    return nothing()


@routes.get(POLL + "/answers/{answer_id}")
async def who(
    answer_id: int, target: Target, parts: Server, after: int = 0, limit: Annotated[int, Query(ge=1, le=100)] = 25
) -> Response:
    users = [one for one in sorted(polls.voters(_poll(target), answer_id)) if one > after]
    return answer({"users": [payloads.user(parts.world.users[one]) for one in users[:limit]]})


@routes.post(POLL + "/expire")
async def expire(target: Target, channel: Place, parts: Server, caller: Caller) -> Response:
    poll = _poll(target)
    if target.author_id != caller.id:
        raise missing_permissions()
    if not polls.ended(poll):
        poll.ended = True
        parts.world.keep(target)
        parts.broadcast.message_updated(target)
        embeds = [polls.result_embed(poll)]
        reference = reference_to(target, channel)
        parts.messages.system(MessageType.POLL_RESULT, caller, channel, "", reference, embeds)
    return answer(shown(parts, target, caller))
