"""A mention becomes a streamed reply, and the reply chain is what the model remembers."""

from __future__ import annotations

from storage.history import History
from tests.bot.conftest import World
from tests.fakes import ScriptedEngine, reply


async def test_a_mention_is_answered_and_stored(world: World, engine: ScriptedEngine, history: History) -> None:
    engine.enqueue(reply("Green is a fine colour."))
    question = await world.ada.send(world.channel, f"{world.mention} my favourite colour is green")
    answer = world.channel.last_message
    assert answer is not None
    assert answer.content == "Green is a fine colour."
    assert answer.reference is not None and answer.reference.message_id == question.id
    assert answer.mentions == []
    assert engine.requests[0].texts[-1] == "Ada: my favourite colour is green"
    assert "the Discord server Garden" in engine.requests[0].texts[0]

    chain = await history.chain(answer.id)
    assert [row.content for row in chain.messages] == [question.content, "Green is a fine colour."]
    stored = await history.reply(answer.id)
    assert stored is not None
    assert (stored.prompt_message_id, stored.model, stored.finish_reason) == (question.id, "scripted", "stop")
    assert stored.prompt_tokens and stored.completion_tokens == 5 and stored.first_token_s is not None
    assert stored.error is None
