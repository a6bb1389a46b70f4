"""How long things wait in a conversation: one place for all the delays that people feel. Knows nothing that waits."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.clock import Clock
from bot.conversation.patience import PATIENCE_S


@dataclass(frozen=True, slots=True)
class Pace:
    """All in seconds. `clock` is what they are measured with."""

    patience_s: float = PATIENCE_S
    edit_interval_s: float = 1.0
    """Discord lets a bot send or edit about five messages per five seconds in one channel."""
    late_s: float = 15.0
    """An answer whose first text comes later than this is a new reply that pings the asker, who looks elsewhere."""
    queue_remark_s: float = 3.0
    """A place in the queue is said when the wait is longer than this; the typing indicator tells the rest."""
    quiet_s: float = 2.0
    """Where no mention is needed, messages of one person that follow each other within this are one question…"""
    longest_burst_s: float = 8.0
    """…and when the person is still typing, this is how long the rest is waited for."""
    repost_s: float = 5.0
    """How long a proxy's copy of a deleted question is waited for."""
    edits_s: float = 120.0
    """A question that is edited within this is answered anew, while nobody has replied."""
    controls_s: float = 15 * 60.0
    """How long the buttons stand under an answer."""
    fetch_pause_s: float = 1.0
    """Between two pages of messages of long ago: people come first."""
    clock: Clock = field(default_factory=Clock)
