"""What stands on Discord at the end of a turn: which text, what is said under it, and which buttons. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import discord

from bot.conversation.answer import NOTHING_ASKED, Answer
from bot.conversation.buttons import Buttons, Target, after_answer, after_failure
from bot.conversation.order import Kind, Order
from bot.conversation.rendering import small
from bot.conversation.running import Why


@dataclass(frozen=True, slots=True)
class Ending:
    """The last state of a reply. `is_new`: it is an answer that was not there before, the one numbered `number`."""

    text: str
    footer: str
    buttons: Buttons
    is_new: bool
    number: int = 0
    count: int = 1


def ending(order: Order, answer: Answer, question: discord.Message, *, is_answered: bool) -> Ending:
    """How a turn ends. `is_answered`: somebody replied to what stands there, so it must not change any more."""
    footer = answer.footer(question)
    if answer.is_shown:
        number = order.count if order.kind is Kind.AGAIN else order.number
        count = order.count + 1 if order.kind is Kind.AGAIN else order.count
        return Ending(
            answer.text, footer, _under(order, answer, question, number, count, is_answered), True, number, count
        )
    if order.standing.text:
        footer = "\n".join(filter(None, (order.standing.footer, small(footer))))
        buttons = _under(order, answer, question, order.number, order.count, is_answered)
        return Ending(order.standing.text, footer, buttons, False, order.number, order.count)
    mended_by_retry = answer.instead != NOTHING_ASKED and answer.why_stopped is not Why.DELETED
    return Ending("", footer, after_failure(_target(question, 0)) if mended_by_retry else (), False)


def _under(
    order: Order, answer: Answer, question: discord.Message, number: int, count: int, is_answered: bool
) -> Buttons:
    """The buttons under a text: a failed answer can be tried again, any other be joined by one more."""
    if answer.why_stopped is Why.DELETED or (is_answered and not answer.error):
        return ()
    target = _target(question, number)
    if answer.error and order.kind is Kind.ANSWER:
        return after_failure(target)
    is_cut_off = answer.finish_reason == "length" if answer.is_shown else order.is_cut_off
    return after_answer(target, count, is_cut_off=is_cut_off)


def _target(question: discord.Message, number: int) -> Target:
    return Target(question.id, question.author.id, number)
