"""Buckets and counters of rate limits, as Discord has them."""

from __future__ import annotations

from playground.limits import EVERYTHING, MESSAGES, REACTION, Limits, Rule
from tests.playground.conftest import Running, Start

POST = ("POST", "/channels/{channel_id}/messages")
PATCH = ("PATCH", "/channels/{channel_id}/messages/{message_id}")


def test_windows_begin_with_their_first_request() -> None:
    times = [100.0]
    limits = Limits(clock=lambda: times[-1])
    verdicts = [limits.take(*POST, "ada", "1") for _ in range(6)]
    assert [one.remaining for one in verdicts] == [4, 3, 2, 1, 0, 0]
    assert [one.refused for one in verdicts] == [False] * 5 + [True]
    assert not limits.take(*POST, "ada", "2").refused
    assert not limits.take(*POST, "grace", "1").refused
    times.append(105.0)
    assert not limits.take(*POST, "ada", "1").refused


def test_edits_have_a_bucket_of_their_own_for_each_channel() -> None:
    limits = Limits(clock=lambda: 0.0)
    posted = [limits.take(*POST, "bot", "1") for _ in range(5)]
    edited = [limits.take(*PATCH, "bot", "1") for _ in range(6)]
    assert not any(one.refused for one in [*posted, *edited[:5]])
    assert edited[5].refused
    assert not limits.take(*PATCH, "bot", "2").refused
    assert posted[0].bucket != edited[0].bucket == limits.take(*PATCH, "bot", "3").bucket


def test_reactions_given_and_taken_back_are_counted_together() -> None:
    times = [0.0]
    limits = Limits(clock=lambda: times[-1])
    assert not limits.take("PUT", REACTION + "/@me", "bot", "1").refused
    again = limits.take("DELETE", REACTION + "/@me", "bot", "1")
    assert (again.refused, again.limit) == (True, 1)
    assert again.reset_after_s == 0.25
    times.append(0.25)
    assert not limits.take("DELETE", REACTION + "/@me", "bot", "1").refused


def test_fifty_requests_a_second_are_the_most_but_for_answers_to_interactions() -> None:
    times = [0.0]
    limits = Limits(clock=lambda: times[-1])
    for channel in range(EVERYTHING.limit):
        assert not limits.take(*PATCH, "bot", str(channel)).refused
    refused = limits.take(*PATCH, "bot", "another")
    assert refused.refused and refused.everywhere
    assert refused.body()["global"] is True
    assert {"X-RateLimit-Global", "Retry-After"} < set(refused.headers())
    assert not limits.take("POST", "/interactions/{interaction_id}/{token}/callback", "token", "").refused
    assert not limits.take(*PATCH, "ada", "another").refused
    times.append(EVERYTHING.window_s)
    assert not limits.take(*PATCH, "bot", "another").refused


def test_it_counts_what_it_was_asked_and_what_it_refused() -> None:
    limits = Limits(clock=lambda: 0.0)
    for _ in range(MESSAGES.limit + 2):
        limits.take(*PATCH, "bot", "1")
    name = " ".join(PATCH)
    assert (limits.asked[name], limits.refused[name]) == (7, 2)
    assert limits.refused[" ".join(POST)] == 0


async def test_the_counters_can_be_read(start: Start) -> None:
    async with start(limits=Limits({POST: Rule(1, 30.0)})) as running:
        grace, general = await running.person("Grace", listening=False), running.channel_id()
        await grace.say(general, "one")
        status, refusal = await grace.request("POST", f"/channels/{general}/messages", {"content": "two"})
        assert (status, refusal["global"]) == (429, False)
        assert await counters(running) == ({" ".join(POST): 2}, {" ".join(POST): 1})


async def counters(running: Running) -> tuple[dict[str, int], dict[str, int]]:
    async with running.http.get(running.url + "/playground/limits") as response:
        told = await response.json()
    return told["asked"], told["refused"]
