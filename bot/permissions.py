"""Who is answered: which messages address Steward, and who may talk with it in private. Pure.

It does not read Discord's objects (`conversation.reception` does) and does not count requests (`limits` does).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from bot.language import N_
from bot.settings.rules import AnswerWhen


class Verdict(Enum):
    """What happens to a message."""

    IGNORE = "ignore"
    ANSWER = "answer"
    REFUSE_PRIVATE = "refuse private"


@dataclass(frozen=True, slots=True)
class Incoming:
    """What decides whether a message is for Steward.

    `from_bot`: another program wrote it (a bot, a webhook), and not one that the owner allows. `mentions_me`: it
    notifies Steward itself, by mention or by a reply with the ping on. `humans_in_thread`: people who wrote there.
    `replies_only`: it mentions Steward by replying, and not by name. `answer_when`: what the managers chose.
    """

    author_id: int
    ordinary: bool = True
    from_me: bool = False
    from_bot: bool = False
    in_private: bool = False
    served: bool = True
    mentions_me: bool = False
    mentions_my_role: bool = False
    in_own_thread: bool = False
    humans_in_thread: int = 0
    replies_only: bool = False
    answer_when: AnswerWhen = "addressed"


@dataclass(frozen=True, slots=True)
class PrivatePolicy:
    """Whom Steward answers in private messages: the setting [bot] direct_messages, with `auto` resolved by place."""

    setting: Literal["auto", "nobody", "everyone"] | tuple[int, ...]
    in_playground: bool = False

    @property
    def sentence(self) -> str:
        """Whom Steward answers in private, for people."""
        if isinstance(self.setting, tuple):
            return N_("the owner chose who may write to me; `/help` works for everybody.")
        return N_("write to me; a mention starts afresh.") if self.allows(0) else N_("off, but for `/help`.")

    def allows(self, person_id: int) -> bool:
        """Whether this person may talk with Steward in private."""
        if isinstance(self.setting, tuple):
            return person_id in self.setting
        return self.setting == "everyone" or (self.setting == "auto" and self.in_playground)


def judge(message: Incoming, private: PrivatePolicy) -> Verdict:
    """Whether Steward answers a message."""
    if message.from_me or message.from_bot or not message.ordinary:
        return Verdict.IGNORE
    if message.in_private:
        return Verdict.ANSWER if private.allows(message.author_id) else Verdict.REFUSE_PRIVATE
    if not message.served:
        return Verdict.IGNORE
    if message.answer_when == "nothing":
        return Verdict.IGNORE
    return Verdict.ANSWER if is_named(message) or needs_no_mention(message) else Verdict.IGNORE


def is_named(message: Incoming) -> bool:
    """Whether this message calls Steward, in the way that counts there."""
    by_name = message.mentions_me and not (message.replies_only and message.answer_when == "mentioned")
    return by_name or message.mentions_my_role


def starts_afresh(message: Incoming) -> bool:
    """Whether this message begins a new conversation where everything else that is said goes on with the old one."""
    return message.in_private and message.mentions_me and not message.replies_only


def needs_no_mention(message: Incoming) -> bool:
    """Whether everything that this person says here is for Steward."""
    if message.answer_when == "everything":
        return True
    return message.in_private or (message.in_own_thread and message.humans_in_thread <= 1)
