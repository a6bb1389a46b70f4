"""What is posted with a token in the path, without an Authorization: webhooks' messages, and an application's
follow-ups to an interaction (where its own id stands in the webhook's place).
"""

from __future__ import annotations

from starlette.responses import Response

from playground.errors import invalid_webhook_token, unknown
from playground.forms import MessageForm, WebhookMessageForm, check
from playground.messages import find_message
from playground.models import Channel, Message, Payload, Webhook
from playground.parts import Parts
from playground.rest.edge import Sent, Server, answer, nothing, router
from playground.rest.messages import shown

routes = router()
POSTS = "/webhooks/{application_id}/{token}"
ONE = POSTS + "/messages/{message_id}"


def _webhook(parts: Parts, identity: int, token: str) -> Webhook | None:
    """The webhook, or None when the path is an application's."""
    found = parts.world.webhooks.get(identity)
    if found is None and identity != parts.world.bot.id:
        raise unknown("webhook")
    if found is not None and found.token != token:
        raise invalid_webhook_token()
    return found


def _channel(parts: Parts, webhook: Webhook, thread_id: int | None) -> Channel:
    """The webhook's own, or a thread of it."""
    channel = parts.world.channels.get(thread_id or webhook.channel_id)
    if channel is None or webhook.channel_id not in (channel.id, channel.parent_id):
        raise unknown("channel")
    return channel


def _by_webhook(parts: Parts, webhook: Webhook, which: str, thread_id: int | None) -> Message:
    channel = _channel(parts, webhook, thread_id)
    message = find_message(parts.world, channel, int(which) if which.isdigit() else 0)
    if message.author_id != webhook.id:
        raise unknown("message")
    return message


def _told(parts: Parts, message: Message) -> Payload:
    return shown(parts, message, parts.world.bot)


@routes.post(POSTS)
async def post(
    application_id: int, token: str, parts: Server, sent: Sent, wait: bool = False, thread_id: int | None = None
) -> Response:
    webhook = _webhook(parts, application_id, token)
    if webhook is None:
        check(MessageForm, sent.body)
        one = parts.interactions.find(token)
        return answer(_told(parts, parts.interactions.follow_up(one, sent.body, sent.uploads)))
    check(WebhookMessageForm, sent.body)
    channel = _channel(parts, webhook, thread_id)
    message = parts.messages.post_as(webhook, channel, sent.body, sent.uploads)
    return answer(_told(parts, message)) if wait else nothing()


@routes.get(ONE)
async def get(
    application_id: int, token: str, message_id: str, parts: Server, thread_id: int | None = None
) -> Response:
    webhook = _webhook(parts, application_id, token)
    if webhook is not None:
        return answer(_told(parts, _by_webhook(parts, webhook, message_id, thread_id)))
    one = parts.interactions.find(token)
    return answer(_told(parts, parts.interactions.message(one, message_id)))


@routes.patch(ONE)
async def edit(
    application_id: int, token: str, message_id: str, parts: Server, sent: Sent, thread_id: int | None = None
) -> Response:
    check(MessageForm, sent.body)
    webhook = _webhook(parts, application_id, token)
    if webhook is not None:
        message = _by_webhook(parts, webhook, message_id, thread_id)
        parts.messages.rewrite(message, sent.body, sent.uploads)
    else:
        one = parts.interactions.find(token)
        message = parts.interactions.message(one, message_id)
        parts.interactions.edit(one, message, sent.body, sent.uploads)
    return answer(_told(parts, message))


@routes.delete(ONE)
async def delete(
    application_id: int, token: str, message_id: str, parts: Server, thread_id: int | None = None
) -> Response:
    webhook = _webhook(parts, application_id, token)
    if webhook is not None:
        gone = _by_webhook(parts, webhook, message_id, thread_id)
        parts.messages.remove(parts.world.channels[gone.channel_id], [gone])
        return nothing()
    one = parts.interactions.find(token)
    parts.interactions.delete(one, parts.interactions.message(one, message_id))
    return nothing()
