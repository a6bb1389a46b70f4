"""The life of one reply: its conversation, its prompt, the stream, what Discord shows and what is stored.

Every turn ends in something that the person sees: the answer, a part of it with the reason, or a sentence. It does not
know who may ask (`reception`), nor how edits are paced (`streaming`), nor what buttons do (`controls`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from functools import partial
from itertools import chain

import discord
import structlog

from bot.conversation.aftercare import Aftercare
from bot.conversation.answer import NOTHING_ASKED, Answer, place_in_line
from bot.conversation.bursts import Burst
from bot.conversation.buttons import Target, after_answer, while_writing
from bot.conversation.channel_clock import ChannelClocks
from bot.conversation.context import Row
from bot.conversation.ending import ending
from bot.conversation.intake import Intake
from bot.conversation.lanes import Lanes
from bot.conversation.newest import Finished, Newest
from bot.conversation.order import Kind, Order
from bot.conversation.own_text import INSTEAD, OwnText, WordList
from bot.conversation.pace import Pace
from bot.conversation.patience import Patience
from bot.conversation.pictures import Images, Pictures
from bot.conversation.pieces import pieces_of, rows_of
from bot.conversation.prompting import Prompts
from bot.conversation.recalling import Recalling
from bot.conversation.recording import Recording
from bot.conversation.rendering import Part, small
from bot.conversation.rooms import room_of
from bot.conversation.running import Replies, Running, Why
from bot.conversation.shown import AnyMessage, Standing
from bot.conversation.streaming import LiveReply
from bot.conversation.transcript import Conversation, Transcript
from bot.errors import LeftOut, Refusal, explain
from bot.gate import require_role
from bot.metering import Metering, Payer
from bot.settings.rulebook import Rulebook, where
from llm.client import LLMClient
from llm.errors import ContextTooLong, LLMError
from llm.types import QueuePosition, Sampling
from storage.choices import Choices, Consent
from storage.history import History, Read
from storage.open_replies import Page

log = structlog.get_logger()

REMARK_AFTER_S = 5.0
"""After this long without an engine, the person is told what is waited for."""

RESTARTING = "The language model is being restarted. I answer as soon as it is back."
GO_ON = "Go on exactly where you stopped, without repeating anything."
VARIED = 0.8
"""Temperature of a further answer where the owner chose greedy ones."""
FIRST = Order()
NO_WORDS = WordList(())


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
        pace: Pace,
        clocks: ChannelClocks,
        replies: Replies,
        newest: Newest,
        words: WordList,
        choices: Choices,
        recalling: Recalling,
        rulebook: Rulebook,
        aftercare: Aftercare,
        pictures: Pictures,
        metering: Metering,
    ) -> None:
        self._llm = llm
        self._recording = Recording(history, me, rulebook.keeps)
        self._intake = intake
        self._transcript = transcript
        self._prompts = prompts
        self._me = me
        self._pace = pace
        self._clocks = clocks
        self._replies = replies
        self._newest = newest
        self._words = words
        self._choices = choices
        self._recalling = recalling
        self._rulebook = rulebook
        self._aftercare = aftercare
        self._pictures = pictures
        self._metering = metering
        self._lanes = Lanes()

    @asynccontextmanager
    async def begun(
        self,
        question: discord.Message,
        *,
        asker_id: int | None = None,
        asker: discord.abc.User | None = None,
        gathers: bool = False,
        payer: Payer | None = None,
    ) -> AsyncIterator[Running]:
        """Take the next place in the question's conversation, for the length of the body.

        `asker`: who asked, with their roles, where the question itself does not tell (Discord was asked for it again).
        `gathers`: further messages of the asker join the question until there is a first word of the answer.
        `payer`: whose use it is, where that is not who asked.
        Raises TooManyRequests, LeftOut and StorageError."""
        for_whom = asker_id or question.author.id
        chosen = await self._choices.of(for_whom, question.guild.id if question.guild else None)
        if Consent.OPT_OUT in chosen:
            raise LeftOut
        await self._intake.record_said(question)
        key = self._key(await self._transcript.of(question, files=False))
        burst = Burst(self._pace) if gathers else None
        rules = await self._rulebook.for_message(question, asker)
        with self._lanes.line(key) as place:
            running = Running(
                self._intake.latest(question),
                key,
                place,
                asker_id=for_whom,
                burst=burst,
                chosen=chosen,
                rules=rules,
                spot=where(question.guild, question.channel, asker or question.author),
                asker=asker or question.author,
                payer=payer,
            )
            with self._replies.opened(running):
                yield running

    async def answer(self, running: Running, order: Order = FIRST) -> None:
        """Answer a question. Raises StorageError and discord's errors where nothing could be said at all."""
        question = running.question
        room = running.room = running.room or room_of(question, order.standing)
        live = LiveReply(
            question,
            self._clocks.of(room.id if room else question.channel.id),
            partial(self._posted, running),
            self._pace,
            buttons=while_writing(Target(question.id, running.asker_id, order.number)),
            standing=order.standing,
            own=self._own_text(running),
            is_live=Consent.NO_TYPING not in running.chosen,
            room=room,
        )
        answer = Answer(self._pace.clock)
        async with live:
            try:
                answer = await self._written(running, order, live)
                answer.unread = await self._pictures.unread(running.question, running.rules.model)
                await self._end(running, order, answer, live)
            finally:
                running.shown.set()
                if running.why_stopped is Why.LEFT:
                    await self._recording.forget(running.parts)
                else:
                    await self._kept(running, answer, live)

    async def _kept(self, running: Running, answer: Answer, live: LiveReply) -> None:
        """Count what was used, and keep what was said."""
        await self._metering.count(running.payer, answer.used())
        if await self._recording.whole(running.question.id, answer, live.posted):
            self._aftercare.after(live.question, live.posted[-1].message.id, running.rules)

    async def show(self, finished: Finished, pages: Sequence[Page], number: int, message: discord.Message) -> None:
        """Show another of the answers that there are already, in the place of the one that stands there."""
        page = pages[number]
        target = Target(finished.question_id, finished.asker_id, number)
        buttons = after_answer(target, len(pages), is_cut_off=page.is_cut_off)
        clock = self._clocks.of(message.channel.id)
        async with LiveReply(message, clock, self._recording.begun, self._pace, standing=finished.standing) as live:
            await live.finish(page.text, page.footer, buttons)
            is_newest = self._newest.of([message.id]) is finished
            finished.standing, finished.number = Standing(live.posted, page.text, page.footer), number
            await self._recording.turned_to(finished.question_id, live.posted)
            if is_newest:
                await self._newest.put(finished, pages)
            else:  # another reply is the newest by now, or time is over
                await self._newest.strip(finished.last)

    async def _posted(self, running: Running, message: AnyMessage, part: Part, before: AnyMessage) -> None:
        running.parts.append(message.id)
        await self._recording.begun(message, part, before)

    async def _written(self, running: Running, order: Order, live: LiveReply) -> Answer:
        """The answer, written as often as the question changes while it is."""
        while True:
            answer = Answer(self._pace.clock, order.before)
            live.question = running.question
            async with running.attempt():
                if running.burst is not None:
                    await running.burst.over()
                await running.place.turn()
                await self._generate(running, order, answer, live)
            if not running.begins_anew:
                break
            live.begin_anew()
            await self._metering.count(running.payer, replace(answer.used(), requests=0))
        running.has_begun = running.is_ending = True
        if self._own_text(running).checked(answer.text, is_whole=True).is_hit:
            log.warning("answer taken back", message=running.question.id)
            answer.take_back(INSTEAD)
        answer.why_stopped = running.why_stopped
        if answer.why_stopped is Why.LEFT:
            answer.take_back("")
        if answer.why_stopped:
            answer.finish_reason = "cancelled"
        return answer

    async def _end(self, running: Running, order: Order, answer: Answer, live: LiveReply) -> None:
        before = self._newest.of([shown.message.id for shown in live.posted])
        end = ending(order, answer, running, is_answered=before is not None and before.is_answered)
        await live.finish(end.text, end.footer, end.buttons)
        if live.posted and end.text and running.why_stopped is not Why.LEFT:
            standing = Standing(live.posted, end.text, end.footer)
            finished = Finished(
                running.key,
                running.question.id,
                running.asker_id,
                standing,
                self._pace.clock.utc(),
                end.number,
                running.question,
                is_answered=not end.buttons,
            )
            await self._newest.put(finished, end.pages)

    async def _generate(self, running: Running, order: Order, answer: Answer, live: LiveReply) -> None:
        """Fill `answer`, waiting with patience while the engine is being restarted; an error stays in it."""
        patience = Patience(self._pace.patience_s)
        while True:
            try:
                await self._attempt(running, order, answer, live)
                return
            except LLMError as error:
                if isinstance(error, ContextTooLong) and not answer.pieces and self._prompts.was_wrong(answer.prompt):
                    continue
                if answer.pieces or not patience.bears(error):
                    log.log(explain(error).level, "answer failed", message=running.question.id, error=repr(error))
                    answer.error = error
                    return
            if patience.waited_s > REMARK_AFTER_S:
                live.remark(small(RESTARTING))
            await patience.pause()

    async def _attempt(self, running: Running, order: Order, answer: Answer, live: LiveReply) -> None:
        question = running.question
        if not await self._may_still_ask(running, answer):
            return
        answer.model = (await self._llm.model(running.rules.model)).id
        running.reads = None  # whoever leaves while it is being read may be in it
        conversation = await self._transcript.of(  # again: the turns before this one have been answered now
            question, running.rules.context_messages, model=answer.model
        )
        running.reads = _authors(conversation)
        beside = await self._recalling.beside(question, running.asker_id, conversation.rows, running.chosen)
        said = {row.id: row.content for row in conversation.rows if row.author.id != self._me().id}
        answer.read = Read(said, tuple(chain.from_iterable(beside.values())))
        kept = [row.id for row in conversation.rows if row.deleted_at is None]
        images = await self._pictures.of(question, kept, running.rules.model)
        rows = self._rows(conversation, order, live, images)
        pieces = await pieces_of(rows, question.guild, self._me(), beside)
        if not pieces or pieces[-1].messages[-1].role == "assistant":
            answer.instead, answer.finish_reason = NOTHING_ASKED, "stop"
            return
        guild_name = question.guild.name if question.guild else None
        prompt = answer.prompt = await self._prompts.make(guild_name, pieces, conversation.unseen, running.rules)
        user = f"{question.guild.id if question.guild else 0}/{running.asker_id}"
        sampling = varied(prompt.sampling) if order.kind is Kind.AGAIN else prompt.sampling
        stream = self._llm.stream_chat(prompt.context.messages, sampling, user=user, model=running.rules.model)
        async with aclosing(stream) as events:
            async for event in events:
                answer.add(event)
                if event.queue:
                    self._say_place(event.queue, answer, live)
                if event.text:
                    running.has_begun = True
                    live.show(answer.text)
                if live.is_taken_back:
                    return
                if live.has_ended:
                    answer.finish_reason = "cancelled"
                    return

    async def _may_still_ask(self, running: Running, answer: Answer) -> bool:
        """What managers choose holds at once, also for who waits in line."""
        running.rules = await self._rulebook.at(running.spot)
        if running.question.guild is None or not isinstance(running.asker, discord.Member):
            return True
        try:
            require_role(running.rules, running.question.guild, running.asker)
        except Refusal as refusal:
            answer.instead, answer.finish_reason = str(refusal), "stop"
            return False
        return True

    def _say_place(self, place: QueuePosition, answer: Answer, live: LiveReply) -> None:
        """Short waits need no words: the typing indicator tells of them."""
        waited = self._pace.clock.now() - answer.begun
        if not answer.text and max(waited, place.eta_s) >= self._pace.queue_remark_s:
            live.remark(small(place_in_line(place)))

    def _rows(
        self, conversation: Conversation, order: Order, live: LiveReply, images: Mapping[int, Images]
    ) -> list[Row]:
        """What was said, without the answer that is to be replaced; with it, where it is to go on."""
        mine, own = self._me().id, {shown.message.id for shown in live.posted}
        rows = rows_of(conversation.rows, mine, own, images)
        if order.kind is Kind.CONTINUE and rows:
            question = rows[-1]
            rows.append(Row(question.id, "", True, order.before, question.id))
            rows.append(Row(question.id, question.author, False, GO_ON, question.id))
        return rows

    def _key(self, conversation: Conversation) -> int:
        """What stands for a conversation. Of a long one only the end is read, which moves on: there it is that of its
        last reply."""
        if conversation.unseen == 0:
            return conversation.key
        ids = [row.id for row in reversed(conversation.rows)]
        running = next((one for number in ids if (one := self._replies.to(number)) is not None), None)
        known = running or self._newest.of(ids)
        return known.key if known is not None else conversation.key

    def _own_text(self, running: Running) -> OwnText:
        """The filter over what is said there, which the managers may have switched off."""
        return OwnText(self._words if running.rules.filter_own_text else NO_WORDS)


def _authors(conversation: Conversation) -> frozenset[int] | None:
    """Whose words a conversation holds; None where it comes with a summary of what more people may have said."""
    if any(row.digest is not None for row in conversation.rows):
        return None
    return frozenset(row.author.id for row in conversation.rows)


def varied(sampling: Sampling) -> Sampling:
    """For one more answer to the same question: a greedy one would be the same again."""
    return replace(sampling, temperature=VARIED) if sampling.temperature == 0 else sampling
