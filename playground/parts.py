"""The composition root: builds the playground's parts around one store and hands them to each other."""

from __future__ import annotations

from dataclasses import dataclass, field

from playground import seed
from playground.broadcast import Broadcast
from playground.faults import Faults
from playground.gateway import Gateway
from playground.interactions import Interactions
from playground.limits import Limits
from playground.messages import Messages
from playground.sessions import Sessions
from playground.state import World
from playground.store import Store


@dataclass(frozen=True, slots=True)
class Timing:
    """Discord's own times, in seconds; tests may shorten them."""

    heartbeat_interval_s: float = 41.25
    answer_within_s: float = 3.0
    """How long an application has for its first answer to an interaction."""
    preview_after_s: float = 0.6
    """How long after a message with a link the link's preview comes."""
    interaction_token_s: float = 900.0


@dataclass(slots=True)
class Parts:
    """Everything that a route may need."""

    world: World
    sessions: Sessions
    broadcast: Broadcast
    messages: Messages
    interactions: Interactions
    gateway: Gateway
    base_url: str
    faults: Faults
    limits: Limits = field(default_factory=Limits)


def build(store: Store, base_url: str, timing: Timing | None = None) -> Parts:
    """A playground over what the store remembers; base_url is how all reach it, without a final slash."""
    timing = timing or Timing()
    world = World(store)
    seed.plant(world)
    sessions = Sessions()
    broadcast = Broadcast(world, sessions, base_url)
    messages = Messages(world, broadcast, timing.preview_after_s)
    interactions = Interactions(
        world,
        broadcast,
        messages,
        base_url,
        answer_within_s=timing.answer_within_s,
        token_lifetime_s=timing.interaction_token_s,
    )
    interactions.end_abandoned()
    faults = Faults()
    gateway = Gateway(world, sessions, broadcast, faults, base_url, timing.heartbeat_interval_s)
    return Parts(world, sessions, broadcast, messages, interactions, gateway, base_url, faults)
