"""What stands on Discord at the end of a turn: which text, what is said under it, and which buttons. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from bot.conversation.answer import NOTHING_ASKED, Answer
from bot.conversation.buttons import Buttons, Target, after_answer, after_failure
from bot.conversation.order import Kind, Order
from bot.conversation.rendering import small
from bot.conversation.running import Running, Why
from storage.open_replies import Page

FOR_GOOD = (Why.DELETED, Why.LEFT)
"""After these there is nothing to try again."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The last state of a reply: what stands there, and all the answers of which it is the one numbered `number`."""

    text: str
    footer: str
    buttons: Buttons
    number: int = 0
    pages: tuple[Page, ...] = ()


def ending(order: Order, answer: Answer, running: Running, *, is_answered: bool) -> Ending:
    """How a turn ends. `is_answered`: somebody replied to what stands there, so it must not change any more."""
    footer = answer.footer()
    if answer.is_shown:
        number, pages = _paged(order, Page(answer.text, footer, answer.finish_reason or "cancelled"))
        return Ending(answer.text, footer, _under(order, answer, running, number, pages, is_answered), number, pages)
    if order.standing.text:
        footer = "\n".join(filter(None, (order.standing.footer, small(footer) if footer else "")))
        buttons = _under(order, answer, running, order.number, order.pages, is_answered)
        return Ending(order.standing.text, footer, buttons, order.number, order.pages)
    mended_by_retry = answer.instead != NOTHING_ASKED and answer.why_stopped not in FOR_GOOD
    return Ending("", footer, after_failure(_target(running, 0)) if mended_by_retry else ())


def _paged(order: Order, page: Page) -> tuple[int, tuple[Page, ...]]:
    """Where the new page stands, and all pages with it."""
    if order.kind is Kind.AGAIN:
        return len(order.pages), (*order.pages, page)
    if order.kind is Kind.CONTINUE and order.pages:
        return order.number, (*order.pages[: order.number], page, *order.pages[order.number + 1 :])
    return 0, (page,)


def _under(
    order: Order, answer: Answer, running: Running, number: int, pages: tuple[Page, ...], is_answered: bool
) -> Buttons:
    """The buttons under a text: a failed answer can be tried again, any other be joined by one more."""
    if answer.why_stopped in FOR_GOOD or (is_answered and not answer.error):
        return ()
    target = _target(running, number)
    if (answer.error or answer.why_stopped is Why.CLOSING) and order.kind is Kind.ANSWER:
        return after_failure(target)
    is_cut_off = answer.finish_reason == "length" if answer.is_shown else order.is_cut_off
    return after_answer(target, len(pages), is_cut_off=is_cut_off)


def _target(running: Running, number: int) -> Target:
    return Target(running.question.id, running.asker_id, number)
