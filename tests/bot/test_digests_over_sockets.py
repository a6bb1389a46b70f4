"""/summarize and /catchup over the playground's sockets: cited, posted, followed, and answered without any engine."""

from __future__ import annotations

import sklearn.feature_extraction.text  # noqa: F401 - takes seconds on a busy machine: not inside a test

from tests.bot.sockets import Ada
from tests.bot.test_lookup_over_sockets import TEXT, ada, listener, press, run, told
from tests.fakes import ScriptedEngine, reply
from tests.playground.people import Person

__all__ = ["ada", "listener"]  # fixtures

THURSDAY = "The release of the garden app moves to Thursday"


async def test_a_summary_is_posted_and_follows_its_messages(ada: Ada, listener: Person, engine: ScriptedEngine) -> None:
    first = await ada.say(f"{THURSDAY}, because the payment page is broken.")
    second = await ada.say("Linus will write the announcement for the release before Wednesday.")
    engine.enqueue(reply(f"- {THURSDAY} [1]\n- Linus will write the announcement [2]\n- The moon is cheese [1]"))
    await run(ada, listener, "summarize", [])
    found = await told(listener, "**What was said**")
    assert f"/{first})" in found["content"] and f"/{second})" in found["content"] and "moon" not in found["content"]
    assert found["flags"] & 64
    await press(ada, listener, found, "Post here")
    shared = await listener.heard("MESSAGE_CREATE", lambda message: "shares:" in message["content"])
    await ada.call("DELETE", f"/channels/{ada.channel}/messages/{second}")
    left = await listener.heard(
        "MESSAGE_UPDATE", lambda one: one["id"] == shared["id"] and "announcement" not in one["content"]
    )
    assert f"/{first})" in left["content"]


async def test_what_was_missed_is_told_without_any_engine(ada: Ada, listener: Person, engine: ScriptedEngine) -> None:
    said = await ada.say(f"<@{ada.seed['people'][0]['id']}> {THURSDAY}, because the payment page is broken.")
    await engine.stop()
    await run(ada, listener, "catchup", [{"name": "window", "type": TEXT, "value": "1h"}])
    missed = await told(listener, "**For you**")
    assert f"/{said})" in missed["content"] and "not available right now" in missed["content"]
    assert missed["flags"] & 64
    await run(ada, listener, "summarize", [])
    assert f"/{said})" in (await told(listener, "**The most telling messages**"))["content"]
