"""Rate limits as Discord counts them: so many requests of a kind, by one caller, about one channel, in a window.

It counts what it was asked and what it refused, for tests and benchmarks. It does not know HTTP.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from playground.models import Payload


@dataclass(frozen=True, slots=True)
class Rule:
    limit: int
    window_s: float
    shared: str = ""
    """Routes whose rules have the same name are counted together."""


MESSAGES = Rule(5, 5.0)
REACTIONS = Rule(1, 0.25, shared="reactions")
REACTION = "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}"
DISCORDS_OWN: Mapping[tuple[str, str], Rule] = {
    ("POST", "/channels/{channel_id}/messages"): MESSAGES,
    ("PATCH", "/channels/{channel_id}/messages/{message_id}"): MESSAGES,
    ("DELETE", "/channels/{channel_id}/messages/{message_id}"): Rule(5, 1.0),
    ("POST", "/channels/{channel_id}/messages/bulk-delete"): Rule(1, 3.0),
    ("PUT", REACTION + "/@me"): REACTIONS,
    ("DELETE", REACTION + "/@me"): REACTIONS,
    ("DELETE", REACTION + "/{user_id}"): REACTIONS,
    ("POST", "/channels/{channel_id}/typing"): MESSAGES,
    ("POST", "/webhooks/{application_id}/{token}"): Rule(5, 2.0),
    ("PATCH", "/webhooks/{application_id}/{token}/messages/{message_id}"): Rule(5, 2.0),
}
"""The routes that a bot meets its limits on. Anything else has EASY."""

EASY = Rule(50, 1.0)

EVERYTHING = Rule(50, 1.0)
"""All requests of one caller together; answers to interactions are not counted here."""

OUTSIDE_EVERYTHING = ("/interactions/", "/webhooks/")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one request is told: the headers' numbers, and how long to wait when it was refused."""

    bucket: str
    limit: int
    remaining: int
    reset_after_s: float
    refused: bool
    everywhere: bool = False
    """Refused by the limit on everything, not by the route's own."""

    def headers(self) -> dict[str, str]:
        headers = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": f"{time.time() + self.reset_after_s:.3f}",
            "X-RateLimit-Reset-After": f"{self.reset_after_s:.3f}",
            "X-RateLimit-Bucket": self.bucket,
        }
        if self.refused:
            scope = "global" if self.everywhere else "user"
            headers |= {"Retry-After": f"{self.reset_after_s:.3f}", "X-RateLimit-Scope": scope, "Via": "1.1 playground"}
        if self.everywhere:
            headers["X-RateLimit-Global"] = "true"
        return headers

    def body(self) -> Payload:
        """What a refused request is answered."""
        retry_after = round(self.reset_after_s, 3)
        message = "You are being rate limited."
        return {"message": message, "retry_after": retry_after, "global": self.everywhere, "code": 0}


@dataclass(slots=True)
class _Window:
    ends: float
    left: int


class Limits:
    """Counts requests; a window begins with its first request.

    `asked` and `refused` count since the start, by method and route template ("PATCH /channels/{channel_id}/…").
    """

    def __init__(
        self,
        rules: Mapping[tuple[str, str], Rule] = DISCORDS_OWN,
        otherwise: Rule = EASY,
        everything: Rule = EVERYTHING,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.asked: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._rules = rules
        self._otherwise = otherwise
        self._everything = everything
        self._clock = clock
        self._windows: dict[tuple[str, str, str], _Window] = {}

    def take(self, method: str, route: str, who: str, where: str) -> Verdict:
        """One request by `who` on a route template; `where` is the channel, server or webhook it is about."""
        name = f"{method} {route}"
        self.asked[name] += 1
        rule = self._rules.get((method, route), self._otherwise)
        verdict = self._count((rule.shared or name, who, where), rule)
        if not verdict.refused and not route.startswith(OUTSIDE_EVERYTHING):
            whole = self._count(("", who, ""), self._everything)
            if whole.refused:
                verdict = replace(
                    verdict, remaining=0, reset_after_s=whole.reset_after_s, refused=True, everywhere=True
                )
        self.refused[name] += verdict.refused
        return verdict

    def _count(self, key: tuple[str, str, str], rule: Rule) -> Verdict:
        now = self._clock()
        window = self._windows.get(key)
        if window is None or window.ends <= now:
            self._forget_the_past(now)
            window = self._windows[key] = _Window(now + rule.window_s, rule.limit)
        refused = window.left <= 0
        window.left -= 0 if refused else 1
        bucket = hashlib.sha256(key[0].encode()).hexdigest()[:32]
        return Verdict(bucket, rule.limit, window.left, max(0.001, window.ends - now), refused)

    def _forget_the_past(self, now: float) -> None:
        if len(self._windows) > 1_000:
            self._windows = {key: window for key, window in self._windows.items() if window.ends > now}
