"""What a template understands is found out from what it renders."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from jinja2 import Environment, TemplateError

from llm.worker.manners import Manners
from llm.worker.probing import Findings, Switches, TemplateRefused, probe

PLAIN = "{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}{% if prompted %}<assistant>{% endif %}"
REFUSING = (
    "{% for m in messages %}{% if CONDITION %}{{ no.such.thing }}{% endif %}"
    "<{{ m.role }}>{{ m.content }}{% endfor %}<a>"
)
INSTRUCTIONS = (
    "{% for m in messages %}{% if m.role == 'user' %}[Q]{{ m.content }}[/Q]"
    "{% else %}{{ m.content }}$$${% endif %}{% endfor %}"
)


def found(source: str) -> Findings:
    template = Environment().from_string(source)

    def render(messages: Sequence[object], prompted: bool, switches: Switches) -> str:
        try:
            return template.render(messages=messages, prompted=prompted, **switches)
        except (TemplateError, TypeError) as error:
            raise TemplateRefused(str(error)) from error

    return probe(render)


def refusing(condition: str) -> Manners:
    return found(REFUSING.replace("CONDITION", condition)).manners


def test_a_template_that_takes_everything() -> None:
    findings = found(PLAIN)
    assert findings.manners == Manners()
    assert findings.turn_end == "<end><user>"
    assert "<assistant>" in findings.scaffold and "Sentinel" not in findings.scaffold
    assert findings.thinking is None and findings.complaint is None


def test_what_is_refused() -> None:
    assert refusing("m.role == 'system'").systems == "never"
    assert refusing("m.role == 'system' and not loop.first").systems == "first"
    assert refusing("loop.previtem and loop.previtem.role == m.role").alternates
    assert refusing("loop.first and m.role == 'assistant'").user_first
    assert refusing("loop.last and m.role == 'assistant'").user_last
    assert refusing("not m.content").needs_text


def test_what_is_lost_in_silence() -> None:
    quiet = "{% for m in messages %}{% if WHAT %}<{{ m.role }}>{{ m.content }}<end>{% endif %}{% endfor %}<assistant>"
    assert found(quiet.replace("WHAT", "m.role != 'system'")).manners.systems == "never"
    assert found(quiet.replace("WHAT", "m.role != 'system' or loop.first")).manners.systems == "first"
    assert found(quiet.replace("WHAT", "not (loop.first and m.role == 'assistant')")).manners.user_first


def test_a_content_of_typed_parts() -> None:
    source = (
        "{% for m in messages %}{% for p in m.content if p.type == 'text' %}<u>{{ p.text }}{% endfor %}{% endfor %}<a>"
    )
    assert found(source).manners.parts


def test_an_opening_that_the_template_leaves_out() -> None:
    without = PLAIN.partition("{% if prompted")[0]
    assert found(without).manners.header == "<assistant>"
    assert found(INSTRUCTIONS).manners == Manners(user_last=True)


def test_the_model_speaks_only_behind_a_user() -> None:
    assert found(INSTRUCTIONS).manners.user_last
    assert not found(PLAIN).manners.user_last


@pytest.mark.parametrize(
    ("source", "name", "off"),
    [
        (
            "{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}",
            "enable_thinking",
            False,
        ),
        ("{% if thinking %}Think first.{% endif %}", "thinking", False),
        ("{{ thinking_budget | default(-1) }}", "thinking_budget", 0),
        ("Reasoning: {{ reasoning_effort | default('medium') }}", "reasoning_effort", "low"),
        (
            "{% if reasoning_effort is defined and reasoning_effort not in ['none', 'high'] %}{{ no.such }}{% endif %}"
            "{{ reasoning_effort }}",
            "reasoning_effort",
            "none",
        ),
    ],
)
def test_switches_of_thinking(source: str, name: str, off: object) -> None:
    switch = found(PLAIN + source).thinking
    assert switch is not None and (switch.name, switch.off) == (name, off)


def test_a_template_that_takes_nothing_says_why() -> None:
    complaint = found("{{ no.such.thing }}").complaint
    assert complaint is not None and "no" in complaint
    assert found("Hello!").complaint == "it leaves a user's text out"
