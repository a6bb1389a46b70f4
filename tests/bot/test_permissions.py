"""The rules by which a message is answered, as a table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.permissions import Incoming, PrivatePolicy, Verdict, judge

PLAIN = Incoming(author_id=7)
NOBODY = PrivatePolicy("nobody")


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, Verdict.IGNORE),
        ({"mentions_me": True}, Verdict.ANSWER),
        ({"mentions_my_role": True}, Verdict.ANSWER),
        ({"mentions_me": True, "from_bot": True}, Verdict.IGNORE),
        ({"mentions_me": True, "from_me": True}, Verdict.IGNORE),
        ({"mentions_me": True, "ordinary": False}, Verdict.IGNORE),
        ({"mentions_me": True, "served": False}, Verdict.IGNORE),
        ({"in_own_thread": True, "humans_in_thread": 1}, Verdict.ANSWER),
        ({"in_own_thread": True, "humans_in_thread": 2}, Verdict.IGNORE),
        ({"in_own_thread": True, "humans_in_thread": 2, "mentions_me": True}, Verdict.ANSWER),
        ({"in_own_thread": True, "humans_in_thread": 1, "served": False}, Verdict.IGNORE),
        ({"in_private": True}, Verdict.REFUSE_PRIVATE),
        ({"in_private": True, "from_bot": True}, Verdict.IGNORE),
    ],
)
def test_judge(changes: dict[str, bool | int], verdict: Verdict) -> None:
    assert judge(replace(PLAIN, **changes), NOBODY) is verdict  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        (PrivatePolicy("auto"), False),
        (PrivatePolicy("auto", in_playground=True), True),
        (PrivatePolicy("nobody", in_playground=True), False),
        (PrivatePolicy("everyone"), True),
        (PrivatePolicy((7, 8)), True),
        (PrivatePolicy((8,), in_playground=True), False),
    ],
)
def test_private_policy(policy: PrivatePolicy, allowed: bool) -> None:
    assert policy.allows(7) is allowed
    expected = Verdict.ANSWER if allowed else Verdict.REFUSE_PRIVATE
    assert judge(replace(PLAIN, in_private=True), policy) is expected
