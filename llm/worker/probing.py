"""Finds out once what a chat template understands, by rendering sentinels and looking whether they come out again.

It knows a `render` function only: no tokenizer, no model. A template may do anything with a message, and many refuse
or drop one without a word; what it says of itself cannot be trusted, what it renders can.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from llm.worker.manners import STRICT, Manners, Message, Systems, adapt, shapes

Value = bool | int | float | str
Switches = Mapping[str, Value]
"""Variables of the template that the owner or a request may set, such as `enable_thinking`."""

Render = Callable[[Sequence[object], bool, Switches], str]
"""The template itself: messages, whether to open the assistant's turn at the end, variables → text.

Raises TemplateRefused."""


class TemplateRefused(Exception):
    """The model's template cannot render these messages; `str(error)` is the template's own reason."""


@dataclass(frozen=True, slots=True)
class ThinkingSwitch:
    """How a template is told whether to think: a variable of its own and the values that mean on and off."""

    name: str
    on: Value
    off: Value


CANDIDATES = (
    ThinkingSwitch("enable_thinking", True, False),  # Qwen3, GLM, Hunyuan, SmolLM3, EXAONE 4, Gemma 4
    ThinkingSwitch("thinking", True, False),  # Granite, DeepSeek V3.1, Kimi K2.5
    ThinkingSwitch("skip_thinking", False, True),  # Command A Reasoning
    ThinkingSwitch("thinking_budget", -1, 0),  # Seed-OSS
    ThinkingSwitch("reasoning_effort", "medium", "low"),  # gpt-oss: it cannot be silenced, only be brief
    ThinkingSwitch("reasoning_effort", "high", "none"),  # Mistral Small
)


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found out about one template."""

    manners: Manners
    thinking: ThinkingSwitch | None
    turn_end: str  # what it writes directly behind an assistant's message, up to the next
    scaffold: str  # what it writes around messages
    complaint: str | None = None  # why it cannot render one plain message; then nothing else is known


def _say(role: str, number: int) -> Message:
    return {"role": role, "content": f"Sentinel{role}q{number}"}


S1, S2, S3 = (_say("system", number) for number in (1, 2, 3))
U1, U2, U3 = (_say("user", number) for number in (1, 2, 3))
A1, A2 = (_say("assistant", number) for number in (1, 2))
BLANK_USER, BLANK_ASSISTANT = {"role": "user", "content": ""}, {"role": "assistant", "content": ""}


def lost(messages: Sequence[Message], rendered: str) -> Message | None:
    """The first message whose text did not come out; blank space around it is the template's to keep or not."""
    return next((message for message in messages if message["content"].strip() not in rendered), None)


def probe(render: Render) -> Findings:
    """Everything about one template, from some forty renderings of a few words each."""
    return _Probe(render).run()


class _Probe:
    def __init__(self, render: Render) -> None:
        self._render = render
        self._manners = Manners()

    def run(self) -> Findings:
        complaint = self._form_of_content()
        if complaint is not None:
            return Findings(STRICT, None, "", "", complaint)
        self._manners = replace(
            self._manners,
            systems=self._systems(),
            alternates=not (self._keeps(U1, U2) and self._keeps(U1, A1, A2, U2)),
            needs_text=not (self._keeps(BLANK_USER) and self._keeps(U1, BLANK_ASSISTANT, U2)),
            header=self._header(),
        )
        self._manners = replace(self._manners, user_first=self._user_first(), user_last=self._user_last())
        self._check()
        return Findings(self._manners, self._thinking(), self._turn_end(), self._scaffold())

    def _text(self, *messages: Message, prompted: bool = True, switches: Switches | None = None) -> str | None:
        """What the template makes of them as they are; None where it refuses."""
        try:
            return self._render(contents(messages, self._manners.parts), prompted, switches or {})
        except TemplateRefused:
            return None

    def _keeps(self, *messages: Message) -> bool:
        text = self._text(*messages)
        return text is not None and lost(messages, text) is None

    def _form_of_content(self) -> str | None:
        """Plain text or typed parts; else why neither."""
        if self._keeps(U1):
            return None
        self._manners = replace(self._manners, parts=True)
        if self._keeps(U1):
            return None
        try:
            self._render(contents([U1], parts=False), True, {})
        except TemplateRefused as refused:
            return str(refused)
        return "it leaves a user's text out"

    def _systems(self) -> Systems:
        if not self._keeps(S1, U1):
            return "never"
        return "anywhere" if self._keeps(S1, S2, U1, A1, S3, U2) and self._keeps(U1, S1) else "first"

    def _user_first(self) -> bool:
        system_alone = self._manners.systems == "never" or self._keeps(S1)
        return not (system_alone and self._keeps(A1, U1))

    def _header(self) -> str:
        """What opens the assistant's turn, where the template never does so unless the answer is there already."""
        asked, unprompted, answered = self._text(U1), self._text(U1, prompted=False), self._text(U1, A1, prompted=False)
        if asked is None or answered is None or asked != unprompted or not answered.startswith(asked):
            return ""
        opening = answered[len(asked) :].partition(A1["content"])[0]
        return opening if opening.strip() else ""

    def _user_last(self) -> bool:
        """Whether an assistant's message at the end leaves the model without its own turn opened."""
        asked, answered = self._text(U1), self._text(U1, A1)
        if asked is None or answered is None or not self._keeps(U1, A1):
            return True
        if self._manners.header or answered != self._text(U1, A1, prompted=False):
            return False
        opening = asked.rpartition(U1["content"])[2].strip()
        return not answered.rpartition(A1["content"])[2].strip().endswith(opening)

    def _check(self) -> None:
        """All at once, as a channel may bring it; what is not understood after all is asked for strictly."""
        hard = [A1, S1, BLANK_USER, U1, U2, S2, A2, BLANK_ASSISTANT, U3, S3]
        for manners in shapes(self._manners):
            self._manners = manners
            text = self._text(*adapt(hard, self._manners))
            if text is not None and lost(hard, text) is None:
                return

    def _thinking(self) -> ThinkingSwitch | None:
        for switch in CANDIDATES:
            on, off = (self._text(U1, switches={switch.name: value}) for value in (switch.on, switch.off))
            if on is not None and off is not None and on != off:
                return switch
        return None

    def _turn_end(self) -> str:
        text = self._text(U1, A1, U2, prompted=False)
        if text is None:
            return ""
        return text.rpartition(A1["content"])[2].partition(U2["content"])[0].strip()

    def _scaffold(self) -> str:
        messages = adapt([S1, U1, A1, U2], self._manners)
        texts = [self._text(*messages), self._text(*messages, prompted=False), self._text(*messages[:-1])]
        return re.sub(r"Sentinel(system|user|assistant)q\d", "\n", "\n".join(text for text in texts if text))


def contents(messages: Sequence[Message], parts: bool) -> list[object]:
    """The messages as the template wants a content: text, or a list of typed parts."""
    if not parts:
        return list(messages)
    return [
        {"role": message["role"], "content": [{"type": "text", "text": message["content"]}]} for message in messages
    ]
