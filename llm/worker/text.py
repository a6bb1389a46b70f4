"""Token ids → text pieces that never cut a character; reasoning apart; stop strings across token borders.

Pure: it knows a `decode` function and no tokenizer. U+FFFD, the mark that decoders put for bytes which are no
character, is never shown: at the end of what has come it may yet become a character, elsewhere it says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from llm.reasoning import ReasoningSplitter, Said, undecided

Decode = Callable[[Sequence[int]], str]

REPLACEMENT = "\ufffd"
WINDOW = 64  # tokens kept undecided at most; a character is never longer, only endless broken bytes are


class Detokenizer:
    """Turns a growing list of ids into text, piece by piece; all pieces together are `decode` of all ids.

    Decoding a window that begins at the previous clean border gives the same text as decoding everything, also for
    tokenizers whose first token loses its leading space."""

    def __init__(self, decode: Decode, hidden: Collection[int] = ()) -> None:
        self._decode = decode
        self._hidden = frozenset(hidden)
        self._window: list[int] = []
        self._border = 0  # ids of the window before the last clean border
        self._sent = 0  # characters of the window's text that were given out

    def push(self, ids: Sequence[int]) -> str:
        """The text that became certain with these ids."""
        return "".join(self._push_one(token) for token in ids if token not in self._hidden)

    def _push_one(self, token: int) -> str:
        self._window.append(token)
        text = self._decode(self._window)
        certain = text.rstrip(REPLACEMENT)
        piece = certain[self._sent :]
        self._sent = max(self._sent, len(certain))
        if certain == text or len(self._window) > WINDOW:
            self._slide()
        return piece.replace(REPLACEMENT, "")

    def _slide(self) -> None:
        """Everything so far is given out: keep only the ids since the last clean border, as context for the next."""
        self._window = self._window[self._border :]
        self._border = len(self._window)
        self._sent = len(self._decode(self._window).rstrip(REPLACEMENT))


class StopFilter:
    """Passes text on until a stop string appears, and holds back what may yet become one."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._held = ""
        self.stopped = False

    def push(self, text: str) -> str:
        """The text that certainly comes before any stop string; nothing once `stopped`."""
        if self.stopped:
            return ""
        self._held += text
        found = [place for stop in self._stops if (place := self._held.find(stop)) >= 0]
        if found:
            self.stopped = True
            return self._release(min(found))
        return self._release(len(self._held) - undecided(self._held, self._stops))

    def finish(self) -> str:
        """The held-back rest, once no more text comes."""
        return "" if self.stopped else self._release(len(self._held))

    def _release(self, length: int) -> str:
        out, self._held = self._held[:length], self._held[length:]
        return out


class TextStream:
    """Detokenizer, reasoning splitter and stop filters together: ids in, what to show out.

    `ends` end everything, for models that write their end-of-turn mark in plain text. `stops` are the request's own and
    hold for the answer only: in its reasoning a model may well quote one. (vLLM once did the same; that its present
    engine stops inside reasoning is a bug there, issues 38499 and 52393. Hosted services stop in the answer only.)"""

    def __init__(
        self,
        decode: Decode,
        hidden: Collection[int] = (),
        stops: Sequence[str] = (),
        ends: Sequence[str] = (),
        splitter: ReasoningSplitter | None = None,
    ) -> None:
        self._detokenizer = Detokenizer(decode, hidden)
        self._ends = StopFilter(ends)
        self._splitter = splitter or ReasoningSplitter(())
        self._stops = StopFilter(stops)
        self.reasoning_tokens = 0

    def push(self, ids: Sequence[int]) -> Said:
        """What these ids made certain; nothing once `stopped`."""
        return _joined([self._push_one(token) for token in ids if not self.stopped])

    def _push_one(self, token: int) -> Said:
        began_inside = self._splitter.is_inside
        said = self._splitter.push(self._ends.push(self._detokenizer.push([token])))
        self.reasoning_tokens += began_inside or self._splitter.is_inside
        return Said(self._stops.push(said.text), said.reasoning)

    def finish(self) -> Said:
        """The held-back rest, once no more ids come."""
        if self._stops.stopped:
            return Said()
        said = _joined([self._splitter.push(self._ends.finish()), self._splitter.finish()])
        return Said(self._stops.push(said.text) + self._stops.finish(), said.reasoning)

    @property
    def stopped(self) -> bool:
        """A stop string was met; what follows it is not wanted."""
        return self._ends.stopped or self._stops.stopped


def _joined(pieces: Sequence[Said]) -> Said:
    return Said("".join(piece.text for piece in pieces), "".join(piece.reasoning for piece in pieces))
