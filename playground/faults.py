"""What can be made to go wrong on purpose: refused, failing, lost and slow requests, and gateway sockets that drop.

A fault strikes the requests or events that it names, as often as it says; a share below 1 is drawn from its seed, so
that a run can be repeated. It knows neither HTTP nor sockets: it only says what strikes now.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from playground.models import Payload

RequestKind = Literal["refuse", "fail", "lose", "slow"]
SocketKind = Literal["drop", "invalidate", "reconnect"]
SOCKET_KINDS: tuple[SocketKind, ...] = ("drop", "invalidate", "reconnect")


class Fault(BaseModel):
    """`refuse` answers 429, `fail` an error before anything is done, `lose` the same after it was done, `slow` late.

    `drop` closes the gateway's socket (it can be resumed), `invalidate` ends its session too, `reconnect` asks the
    client with opcode 7 to come back.
    """

    model_config = ConfigDict(extra="forbid")

    kind: RequestKind | SocketKind
    who: Literal["bot", "people", "everyone"] = "bot"
    method: str | None = None
    """Of requests: PATCH and so on; None strikes all."""
    route: str | None = None
    """Of requests: a template such as `/channels/{channel_id}/messages/{message_id}`; None strikes all."""
    after: int = Field(0, ge=0)
    """So many matching requests or events pass first."""
    times: int | None = Field(1, ge=1)
    """So often it strikes; None: until it is switched off."""
    share: float = Field(1.0, gt=0, le=1)
    seed: int = 0
    seconds: float = Field(1.0, ge=0)
    """How long a refused one is told to wait, or a slow one waits."""
    status: int = Field(500, ge=500, le=599)
    everywhere: bool = False
    """Of `refuse`: as if the limit on everything had been met."""


@dataclass(slots=True)
class _Armed:
    fault: Fault
    struck: int = 0
    passed: int = 0
    dice: random.Random = field(default_factory=random.Random)

    @property
    def spent(self) -> bool:
        return self.fault.times is not None and self.struck >= self.fault.times

    def strikes(self) -> bool:
        """Whether it strikes this matching request."""
        if self.passed < self.fault.after:
            self.passed += 1
            return False
        if self.dice.random() >= self.fault.share:
            return False
        self.struck += 1
        return True


class Faults:
    """The faults that are switched on, by the names that tests gave them."""

    def __init__(self) -> None:
        self._armed: dict[str, _Armed] = {}

    def switch_on(self, name: str, fault: Fault) -> None:
        """Under a name that is taken, the new fault replaces the old one."""
        self._armed[name] = _Armed(fault, dice=random.Random(fault.seed))

    def switch_off(self, name: str | None = None) -> None:
        """One fault, or all."""
        if name is None:
            self._armed.clear()
        else:
            self._armed.pop(name, None)

    def told(self) -> Payload:
        """Each fault with how often it struck."""
        return {name: {**one.fault.model_dump(), "struck": one.struck} for name, one in self._armed.items()}

    def of_request(self, method: str, route: str, *, by_bot: bool) -> tuple[str, Fault] | None:
        """The fault, with its name, that strikes this request."""
        for name, one in self._armed.items():
            fault = one.fault
            if fault.kind in SOCKET_KINDS or one.spent or not _concerns(fault, by_bot=by_bot):
                continue
            if fault.method in (None, method) and fault.route in (None, route) and one.strikes():
                return name, fault
        return None

    def of_socket(self, *, by_bot: bool) -> SocketKind | None:
        """What strikes this socket now; ask before each event, and say `sent` after it."""
        for one in self._armed.values():
            kind = one.fault.kind
            if kind not in SOCKET_KINDS or one.spent or not _concerns(one.fault, by_bot=by_bot):
                continue
            if one.passed >= one.fault.after:
                one.struck += 1
                one.passed = 0
                return kind
        return None

    def sent(self, *, by_bot: bool) -> None:
        """One more event has gone through a socket."""
        for one in self._armed.values():
            if one.fault.kind in SOCKET_KINDS and not one.spent and _concerns(one.fault, by_bot=by_bot):
                one.passed += 1


def _concerns(fault: Fault, *, by_bot: bool) -> bool:
    return fault.who == "everyone" or (fault.who == "bot") == by_bot
