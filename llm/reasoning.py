"""Reasoning kept apart from the answer: a model's text → what it thought and what it says. Pure: text in, text out.

It knows how models write their reasoning (the forms that vLLM's reasoning parsers know and that a text shows), and no
tokenizer, template or HTTP. A block counts only where an answer begins, or directly after another block: whoever asks
how `<think>` is written gets to read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Form:
    """One way of writing reasoning. `wrappers` may stand around the answer that follows a block: they say nothing.

    Where `is_framed`, the wrapper may also stand alone, without any reasoning before it."""

    opens: tuple[str, ...]
    closes: tuple[str, ...]
    wrappers: tuple[tuple[str, str], ...] = ()
    is_framed: bool = False

    @property
    def marks(self) -> tuple[str, ...]:
        """Every text by which this form is recognised."""
        return (*self.opens, *self.closes, *(mark for pair in self.wrappers for mark in pair))


def _channel(name: str) -> tuple[str, str]:
    return f"<|channel|>{name}<|message|>", f"<|start|>assistant<|channel|>{name}<|message|>"


THINK = Form(("<think>",), ("</think>",), (("<answer>", "</answer>"), ("<response>", "</response>")))
"""DeepSeek R1, Qwen3, QwQ, GLM, Kimi K2, MiniMax, Nemotron, OLMo 3 and many more; Hunyuan and ERNIE wrap the answer."""

HARMONY = Form(
    (*_channel("analysis"), *_channel("commentary")),
    ("<|end|>",),
    tuple((mark, "<|return|>") for mark in _channel("final")),
    is_framed=True,
)
"""gpt-oss: every part names its channel, and only `final` is for people."""

MARKED = (
    THINK,
    Form(("<thought>",), ("</thought>",)),  # EXAONE Deep
    Form(("[THINK]",), ("[/THINK]",)),  # Magistral, Mistral Small
    Form(("<seed:think>",), ("</seed:think>",)),  # Seed-OSS
    Form(("◁think▷",), ("◁/think▷",)),  # Kimi-VL
    Form(  # Command A
        ("<|START_THINKING|>",), ("<|END_THINKING|>",), (("<|START_RESPONSE|>", "<|END_RESPONSE|>"),), is_framed=True
    ),
    Form(("<|inner_prefix|>",), ("<|inner_suffix|>",)),  # Apertus
    Form(("<|channel>thought\n", "<|channel>"), ("<channel|>",)),  # Gemma 4
    Form(("<longcat_think>",), ("</longcat_think>",)),
    Form(("<mm:think>",), ("</mm:think>",)),  # MiniMax M3
    HARMONY,
)
"""The forms that no ordinary answer begins with."""

SPOKEN = Form(
    ("Here is my thought process:", "Here's my thought process:"), ("Here is my response:", "Here's my response:")
)
"""Granite 3.2 says it in plain words: only for a model whose template asks for them."""

FORMS = (*MARKED, SPOKEN)


@dataclass(frozen=True, slots=True)
class Said:
    """A piece of a model's text; the reasoning of one piece came before its answer text.

    `recalls`: everything given out as text so far was reasoning after all (its opening mark had not been sent)."""

    text: str = ""
    reasoning: str = ""
    recalls: bool = False

    def __bool__(self) -> bool:
        return bool(self.text or self.reasoning or self.recalls)


_State = Literal["before", "inside", "answer"]


class ReasoningSplitter:
    """Text in pieces of any size → reasoning and answer, never showing half a mark as either.

    `inside` is the form that the prompt has opened already. The marks of the forms `anywhere` count in the middle of an
    answer too, and never show: they are special tokens there, which nobody can write as text. `drops` are the pieces of
    such marks, should one come alone. With `watches_unopened` a closing mark alone on its line says that the opening
    stood in the prompt, at an engine that sends all as answer."""

    def __init__(
        self,
        forms: Iterable[Form] = MARKED,
        inside: Form | None = None,
        anywhere: Iterable[Form] = (),
        drops: Iterable[str] = (),
        watches_unopened: bool = False,
    ) -> None:
        self._forms = tuple(forms)
        forms = tuple(anywhere)
        self._begins = frozenset(mark for form in forms for mark in (*form.opens, *(pair[0] for pair in form.wrappers)))
        self._anywhere = (*drops, *(mark for form in forms for mark in form.marks))
        self._form = inside
        self._state: _State = "before" if inside is None else "inside"
        self._is_fresh = True  # nothing of the present block has been given out
        self._had_block = inside is not None
        self._wrapper_end = ""
        self._trims = False  # blank space between a block and the answer says nothing
        self._lone_closes = tuple(f"\n{mark}\n" for mark in THINK.closes) if watches_unopened else ()
        self._tail = ""  # of the answer's text: an opening mark may be cut by two pieces
        self._held = ""
        self._out: list[Said] = []

    @property
    def is_inside(self) -> bool:
        """The model is thinking, as far as its text shows."""
        return self._state == "inside"

    def push(self, text: str) -> Said:
        """What these characters made certain."""
        self._held += text
        return self._run(final=False)

    def finish(self) -> Said:
        """The held-back rest, once no more text comes."""
        return self._run(final=True)

    def _run(self, final: bool) -> Said:
        steps = {"before": self._before, "inside": self._inside, "answer": self._answer}
        while steps[self._state](final):
            pass
        pieces, self._out = self._out, []
        recalled = max((place for place, piece in enumerate(pieces) if piece.recalls), default=-1)
        return Said(
            "".join(piece.text for piece in pieces[max(recalled, 0) :]),
            "".join(piece.reasoning for piece in pieces) + "".join(piece.text for piece in pieces[: max(recalled, 0)]),
            recalled >= 0,
        )

    def _before(self, final: bool) -> bool:
        """Where an answer may begin: a block, a wrapper, or the answer itself. True when the state moved on."""
        said = self._held.lstrip()
        mark = _beginning(said, self._begin_marks(), final)
        if mark is None:
            return False
        self._state = "answer"
        if mark:
            self._held = said[len(mark) :]
            self._enter(mark)
        self._trims = self._had_block
        return True

    def _begin_marks(self) -> tuple[str, ...]:
        marks: list[str] = []
        for form in self._forms:
            marks += form.opens
            if not self._had_block:
                marks += form.closes
            if form.is_framed or form is self._form:
                marks += [opening for opening, _ in form.wrappers]
        return tuple(marks)

    def _enter(self, mark: str) -> None:
        """The held text began with this mark, which is taken off already."""
        for form in self._forms:
            if mark in form.opens:
                self._state, self._form, self._is_fresh, self._had_block = "inside", form, True, True
                return
            if mark in form.closes:  # a block that was empty: it was opened and closed before the first word
                self._state, self._form, self._had_block = "before", form, True
                return
            ends = [end for opening, end in form.wrappers if opening == mark]
            if ends:
                self._wrapper_end, self._had_block = ends[0], True

    def _inside(self, final: bool) -> bool:
        assert self._form is not None
        if self._is_fresh and not self._freshen(self._form, final):
            return False
        place, mark = _first(self._held, self._form.closes)
        if mark:
            self._think(place)
            self._held = self._held[len(mark) :]
            self._state = "before"
            return True
        self._think(len(self._held) - (0 if final else undecided(self._held, self._form.closes)))
        return False

    def _freshen(self, form: Form, final: bool) -> bool:
        """Drop what stands before the first thought: blank space, and the opening where the prompt had it too."""
        while (mark := _beginning(self._held.lstrip(), form.opens, final)) is not None:
            self._held = self._held.lstrip()[len(mark) :]
            if not mark:
                self._is_fresh = not self._held
                return bool(self._held)
        return False

    def _answer(self, final: bool) -> bool:
        if self._trims:
            self._held = self._held.lstrip()
            self._trims = not self._held
        marks = (*self._anywhere, *self._lone_closes, *([self._wrapper_end] if self._wrapper_end else []))
        place, mark = _first(self._held, marks)
        rest = self._held[place:] if mark else ""
        if not mark or (not final and any(len(other) > len(rest) and other.startswith(rest) for other in marks)):
            self._say(place if mark else len(self._held) - (0 if final else undecided(self._held, marks)))
            return False
        watched = mark in self._lone_closes
        self._say(place)
        if watched and not self._lone_closes:
            return True
        self._held = self._held[len(mark) :]
        if watched:
            self._out.append(Said(recalls=True))
            self._lone_closes, self._state, self._form, self._had_block = (), "before", THINK, True
        elif mark in self._begins:
            self._enter(mark)
        return True

    def _think(self, length: int) -> None:
        self._out.append(Said(reasoning=self._held[:length]))
        self._held = self._held[length:]

    def _say(self, length: int) -> None:
        said, self._held = self._held[:length], self._held[length:]
        if said:
            self._out.append(Said(said))
            self._tail += said
            if any(mark in self._tail for mark in THINK.opens):  # it is written about: its closing mark will be, too
                self._lone_closes = ()
            self._tail = self._tail[-len(THINK.opens[0]) :]


def split(text: str, forms: Iterable[Form] = MARKED) -> Said:
    """A whole text at once."""
    splitter = ReasoningSplitter(forms)
    first, rest = splitter.push(text), splitter.finish()
    return Said(first.text + rest.text, first.reasoning + rest.reasoning)


def undecided(text: str, marks: Sequence[str]) -> int:
    """Length of the longest end of the text that may yet become one of the marks."""
    longest = min(len(text), max((len(mark) - 1 for mark in marks), default=0))
    for length in range(longest, 0, -1):
        if any(mark.startswith(text[-length:]) for mark in marks):
            return length
    return 0


def _beginning(text: str, marks: Sequence[str], final: bool) -> str | None:
    """The longest mark that the text begins with, "" when it begins with none; None while that is open."""
    could_grow = any(len(mark) > len(text) and mark.startswith(text) for mark in marks)
    if could_grow and not final:
        return None
    return max((mark for mark in marks if text.startswith(mark)), key=len, default="")


def _first(text: str, marks: Sequence[str]) -> tuple[int, str]:
    """Where the first of the marks stands, and which (the longest there); (-1, "") where there is none."""
    found = [(place, mark) for mark in marks if (place := text.find(mark)) >= 0]
    return min(found, key=lambda pair: (pair[0], -len(pair[1])), default=(-1, ""))
