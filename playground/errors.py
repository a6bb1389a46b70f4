"""What the playground says when it refuses, in Discord's own codes and words.

DiscordError: an HTTP status, Discord's JSON error code, its sentence, and for forms the tree of field errors.
"""

from __future__ import annotations

from playground.models import Payload

UNKNOWN = {
    "channel": (10003, "Unknown Channel"),
    "guild": (10004, "Unknown Guild"),
    "member": (10007, "Unknown Member"),
    "message": (10008, "Unknown Message"),
    "user": (10013, "Unknown User"),
    "emoji": (10014, "Unknown Emoji"),
    "webhook": (10015, "Unknown Webhook"),
    "sticker": (10060, "Unknown sticker"),
    "interaction": (10062, "Unknown interaction"),
    "command": (10063, "Unknown application command"),
}


class DiscordError(Exception):
    """A refusal as Discord words it; the REST edge turns it into the answer."""

    def __init__(self, status: int, code: int, message: str, errors: Payload | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors

    def body(self) -> Payload:
        body: Payload = {"message": self.message, "code": self.code}
        if self.errors is not None:
            body["errors"] = self.errors
        return body


def unknown(kind: str) -> DiscordError:
    code, message = UNKNOWN[kind]
    return DiscordError(404, code, message)


def unauthorized() -> DiscordError:
    return DiscordError(401, 0, "401: Unauthorized")


def invalid_webhook_token() -> DiscordError:
    return DiscordError(401, 50027, "Invalid Webhook Token")


def too_many_webhooks(limit: int) -> DiscordError:
    return DiscordError(400, 30007, f"Maximum number of webhooks reached ({limit})")


def missing_access() -> DiscordError:
    return DiscordError(403, 50001, "Missing Access")


def missing_permissions() -> DiscordError:
    return DiscordError(403, 50013, "Missing Permissions")


def not_your_message() -> DiscordError:
    return DiscordError(403, 50005, "Cannot edit a message authored by another user")


def system_message() -> DiscordError:
    return DiscordError(403, 50021, "Cannot execute action on a system message")


def cannot_message_user() -> DiscordError:
    return DiscordError(403, 50007, "Cannot send messages to this user")


def too_large() -> DiscordError:
    return DiscordError(413, 40005, "Request entity too large")


def too_old() -> DiscordError:
    return DiscordError(400, 50034, "You can only bulk delete messages that are under 14 days old.")


def invalid_sticker() -> DiscordError:
    return DiscordError(400, 50081, "Invalid sticker sent")


def not_a_poll() -> DiscordError:
    return DiscordError(400, 520006, "Cannot expire a message without a poll")


def needed_channel() -> DiscordError:
    return DiscordError(400, 50074, "Cannot delete a channel required for community servers")


def empty_message() -> DiscordError:
    return DiscordError(400, 50006, "Cannot send an empty message")


def wrong_channel_type() -> DiscordError:
    return DiscordError(400, 50024, "Cannot execute action on this channel type")


def archived_thread() -> DiscordError:
    return DiscordError(400, 50083, "Thread is archived")


def already_has_thread() -> DiscordError:
    return DiscordError(400, 160004, "A thread has already been created for this message")


def already_acknowledged() -> DiscordError:
    return DiscordError(400, 40060, "Interaction has already been acknowledged.")


def bad_json() -> DiscordError:
    return DiscordError(400, 50109, "The request body contains invalid JSON.")


def invalid_form(path: str, code: str, message: str) -> DiscordError:
    """A form error at a dotted path such as `content` or `embeds.0.title`."""
    tree: Payload = {"_errors": [{"code": code, "message": message}]}
    for part in reversed(path.split(".")):
        tree = {part: tree}
    return DiscordError(400, 50035, "Invalid Form Body", tree)


def too_long(path: str, limit: int) -> DiscordError:
    return invalid_form(path, "BASE_TYPE_MAX_LENGTH", f"Must be {limit} or fewer in length.")


def required(path: str) -> DiscordError:
    return invalid_form(path, "BASE_TYPE_REQUIRED", "This field is required")
