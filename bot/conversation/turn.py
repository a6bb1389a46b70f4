"""The life of one reply: its conversation, its prompt, the stream, what Discord shows and what is stored.

Every turn ends in something that the person sees: the answer, a part of it with the reason, or a sentence. It does not
know who may ask (`reception`) nor how edits are paced (`streaming`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field

import discord
import structlog

from bot.conversation.context import Exchange, Row, exchanges
from bot.conversation.intake import Intake
from bot.conversation.lanes import Lanes
from bot.conversation.naming import names_in
from bot.conversation.patience import PATIENCE_S, Patience
from bot.conversation.prompting import Prompt, Prompts
from bot.conversation.rendering import Part, render, small
from bot.conversation.streaming import ChannelClocks, LiveReply
from bot.conversation.transcript import Conversation, Transcript
from bot.errors import explain
from llm.client import LLMClient
from llm.errors import LLMError
from llm.types import ChatEvent, FinishReason, Usage
from storage.errors import StorageError
from storage.history import History, StoredMessage, StoredPerson, StoredReply

log = structlog.get_logger()

REMARK_AFTER_S = 5.0
"""After this long without an engine, the person is told what is waited for."""

RESTARTING = "The language model is being restarted. I answer as soon as it is back."
NOTHING_ASKED = "Yes? Write your question after my name, or use `/help` to see what I can do."
NO_ANSWER = "I have no answer to that. Please ask in other words."
ONLY_THOUGHT = (
    "I thought about it until my answer had reached its length limit, and came to no result. "
    "Please ask for less at once."
)
ATTACHMENTS_UNREAD = "I cannot read attachments yet"
CUT_OFF = "this answer reached its length limit; reply “go on” for more"


@dataclass(slots=True)
class Answer:
    """What came of one question. Times in seconds since it was asked; `instead` stands where the model says nothing."""

    model: str = ""
    prompt: Prompt | None = None
    pieces: list[str] = field(default_factory=list)
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    begun: float = field(default_factory=time.monotonic)
    first_token_s: float | None = None
    error: LLMError | None = None
    instead: str = NO_ANSWER
    has_thought: bool = False

    @property
    def text(self) -> str:
        """The model's own text so far; blank space around it says nothing."""
        return "".join(self.pieces).strip()

    def add(self, event: ChatEvent) -> None:
        """Take one event of the stream in. What the model thinks is not kept: it is no part of the answer."""
        if event.recalls:
            self.pieces.clear()
        self.has_thought = self.has_thought or bool(event.reasoning)
        if event.finish_reason == "length" and self.has_thought:
            self.instead = ONLY_THOUGHT
        if event.text:
            self.pieces.append(event.text)
            if self.first_token_s is None:
                self.first_token_s = time.monotonic() - self.begun
        self.finish_reason = event.finish_reason or self.finish_reason
        self.usage = event.usage or self.usage


class Turns:
    """Answers questions, one at a time per conversation."""

    def __init__(
        self,
        *,
        llm: LLMClient,
        history: History,
        intake: Intake,
        transcript: Transcript,
        prompts: Prompts,
        me: Callable[[], discord.ClientUser],
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._llm = llm
        self._history = history
        self._intake = intake
        self._transcript = transcript
        self._prompts = prompts
        self._me = me
        self._patience_s = patience_s
        self._lanes = Lanes()
        self._clocks = ChannelClocks()

    async def answer(self, question: discord.Message) -> None:
        """Answer one message. Raises Refusal, StorageError and discord's errors where nothing could be said at all."""
        await self._intake.record([question])
        conversation = await self._transcript.of(question)
        clock = self._clocks.of(question.channel.id)
        async with LiveReply(question, clock, self._remember_part) as live, self._lanes.turn(conversation.key):
            answer = Answer()
            try:
                await self._generate(question, answer, live)
                await live.finish(answer.text, _footer(answer, question))
            finally:
                await self._store(question, answer, live)

    async def _generate(self, question: discord.Message, answer: Answer, live: LiveReply) -> None:
        """Fill `answer`, waiting with patience while the engine is being restarted; an error stays in it."""
        patience = Patience(self._patience_s)
        while True:
            try:
                await self._attempt(question, answer, live)
                return
            except LLMError as error:
                if answer.text or not patience.bears(error):
                    log.log(explain(error).level, "answer failed", message=question.id, error=repr(error))
                    answer.error = error
                    return
            if patience.waited_s > REMARK_AFTER_S:
                live.remark(small(RESTARTING))
            await patience.pause()

    async def _attempt(self, question: discord.Message, answer: Answer, live: LiveReply) -> None:
        conversation = await self._transcript.of(question)  # again: the turns before this one have been answered now
        pieces = self._pieces(question, conversation)
        if not pieces or pieces[-1].messages[-1].role == "assistant":
            answer.instead, answer.finish_reason = NOTHING_ASKED, "stop"
            return
        answer.model = (await self._llm.model()).id
        guild_name = question.guild.name if question.guild else None
        prompt = answer.prompt = await self._prompts.make(conversation.key, guild_name, pieces)
        user = f"{question.guild.id if question.guild else 0}/{question.author.id}"
        stream = self._llm.stream_chat(prompt.context.messages, prompt.sampling, user=user)
        async with aclosing(stream) as events:
            async for event in events:
                answer.add(event)
                live.show(answer.text)
                if live.has_ended:
                    answer.finish_reason = "cancelled"
                    return

    def _pieces(self, question: discord.Message, conversation: Conversation) -> list[Exchange]:
        people = {row.author.id: row.author.name for row in conversation.rows}
        people |= {person.id: person.display_name for person in question.mentions}
        names = names_in(question.guild, self._me(), people)
        mine = self._me().id
        return exchanges(
            [
                Row(row.id, row.author.name, row.author.id == mine, row.content, row.reply_to)
                for row in conversation.rows
            ],
            names,
        )

    async def _remember_part(self, message: discord.Message, part: Part, before: discord.Message) -> None:
        """Store a part as soon as it is posted, so that a reply to it finds its conversation; its text follows."""
        try:
            await self._history.record([self._own(message, part, before)])
        except StorageError as error:
            log.error("reply not stored", message=message.id, error=str(error))

    async def _store(self, question: discord.Message, answer: Answer, live: LiveReply) -> None:
        """Keep what was said and how it came to be. The answer stands on Discord, so a failure is only logged."""
        if not live.posted:
            return
        before = question
        parts = []
        for message, part in live.posted:
            parts.append(self._own(message, part, before))
            before = message
        try:
            await self._history.record(parts)
            await self._history.record_reply(_as_stored(live.posted[0][0].id, question.id, answer))
        except StorageError as error:
            log.error("reply not stored", message=question.id, error=str(error))

    def _own(self, message: discord.Message, part: Part, before: discord.Message) -> StoredMessage:
        me = self._me()
        return StoredMessage(
            id=message.id,
            channel_id=message.channel.id,
            guild_id=message.guild.id if message.guild else None,
            author=StoredPerson(me.id, me.display_name, is_bot=True),
            content=part.raw,
            created_at=message.created_at,
            reply_to=before.id,
        )


def _as_stored(message_id: int, question_id: int, answer: Answer) -> StoredReply:
    usage = answer.usage
    return StoredReply(
        message_id=message_id,
        prompt_message_id=question_id,
        model=answer.model,
        prompt_tokens=usage.prompt_tokens if usage else None,
        completion_tokens=usage.completion_tokens if usage else None,
        first_token_s=answer.first_token_s,
        duration_s=time.monotonic() - answer.begun,
        finish_reason="error" if answer.error else answer.finish_reason or "cancelled",
        error=type(answer.error).__name__ if answer.error else None,
    )


def _footer(answer: Answer, question: discord.Message) -> str:
    """What is said under the answer, or instead of one that shows nothing: why it is partial, what was not read."""
    if not render(answer.text):
        return explain(answer.error).sentence if answer.error else answer.instead
    remarks = []
    if answer.error:
        remarks.append(explain(answer.error).sentence)
    if answer.finish_reason == "length":
        remarks.append(CUT_OFF)
    if answer.prompt and (remark := _unread(answer.prompt)):
        remarks.append(remark)
    if question.attachments:
        remarks.append(ATTACHMENTS_UNREAD)
    return small(" · ".join(remarks)) if remarks else ""


def _unread(prompt: Prompt) -> str:
    """What was left out; "about" where the engine could not count what fits."""
    context = prompt.context
    if context.read >= context.total:
        return ""
    estimated = "" if prompt.is_counted else ", about as much as I can read at once"
    return f"read {context.read} of {context.total} messages{estimated}"
