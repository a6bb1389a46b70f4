"""What is wanted of a turn: a first answer, one more to choose from, or the rest of one. Plain data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from bot.conversation.shown import Standing
from storage.open_replies import Page

NOTHING = Standing(())


class Kind(Enum):
    """What is wanted of the model."""

    ANSWER = auto()
    """The answer to the question; where one stands already, it failed or its question was edited."""
    AGAIN = auto()
    """One more answer, to choose from."""
    CONTINUE = auto()
    """The rest of an answer that reached the length limit."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted, and what stands on Discord already: the answer `number` of `pages`."""

    kind: Kind = Kind.ANSWER
    standing: Standing = NOTHING
    number: int = 0
    pages: tuple[Page, ...] = ()

    @property
    def is_cut_off(self) -> bool:
        """Whether what stands there is not the whole answer."""
        return bool(self.pages) and self.pages[self.number].is_cut_off

    @property
    def before(self) -> str:
        """The text that the new one is appended to."""
        return self.standing.text if self.kind is Kind.CONTINUE else ""
