"""Rate limits as Discord counts them: so many requests of a kind, by one caller, about one channel, in a window."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    limit: int
    window_s: float


MESSAGES = Rule(5, 5.0)
DISCORDS_OWN: Mapping[tuple[str, str], Rule] = {
    ("POST", "/channels/{channel_id}/messages"): MESSAGES,
    ("PATCH", "/channels/{channel_id}/messages/{message_id}"): MESSAGES,
    ("DELETE", "/channels/{channel_id}/messages/{message_id}"): Rule(5, 1.0),
    ("POST", "/channels/{channel_id}/messages/bulk-delete"): Rule(1, 3.0),
    ("PUT", "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}/@me"): Rule(1, 0.25),
    ("POST", "/channels/{channel_id}/typing"): MESSAGES,
    ("POST", "/webhooks/{application_id}/{token}"): Rule(5, 2.0),
    ("PATCH", "/webhooks/{application_id}/{token}/messages/{message_id}"): Rule(5, 2.0),
}
"""The routes that a bot meets its limits on. Anything else has EASY."""

EASY = Rule(50, 1.0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one request is told: the headers' numbers, and how long to wait when it was refused."""

    bucket: str
    limit: int
    remaining: int
    reset_after_s: float
    refused: bool

    def headers(self) -> dict[str, str]:
        headers = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": f"{time.time() + self.reset_after_s:.3f}",
            "X-RateLimit-Reset-After": f"{self.reset_after_s:.3f}",
            "X-RateLimit-Bucket": self.bucket,
        }
        if self.refused:
            scope = {"Retry-After": f"{self.reset_after_s:.3f}", "X-RateLimit-Scope": "user", "Via": "1.1 playground"}
            headers |= scope
        return headers


@dataclass(slots=True)
class _Window:
    ends: float
    left: int


class Limits:
    """Counts requests; a window begins with its first request."""

    def __init__(
        self,
        rules: Mapping[tuple[str, str], Rule] = DISCORDS_OWN,
        otherwise: Rule = EASY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rules = rules
        self._otherwise = otherwise
        self._clock = clock
        self._windows: dict[tuple[str, str, str], _Window] = {}

    def take(self, method: str, route: str, who: str, where: str) -> Verdict:
        """One request by `who` on a route template; `where` is the channel, server or webhook it is about."""
        rule = self._rules.get((method, route), self._otherwise)
        now = self._clock()
        key = (f"{method} {route}", who, where)
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
