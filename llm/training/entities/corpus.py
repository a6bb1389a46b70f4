"""The sentences of one epoch: which are read, how they are changed, and a label for each word's first token.

Knows no model. Names change places with other names of their kind, some sentences lose their capitals, and most links
are shortened: their dozens of word pieces teach nothing after the first few.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

from transformers import PreTrainedTokenizerBase

from llm.training.encoders.batches import IGNORED, Example
from llm.training.encoders.conll import BROAD_TWITTER, KINDS, OUTSIDE, WNUT17, Sentence, read, spans
from llm.worker.letter_case import letter_case

LABELS = (OUTSIDE, *(f"{prefix}-{kind}" for kind in KINDS for prefix in "BI"))
WNUT, EARLY_TWITTER, TWITTER = range(3)
"""A source. Only the first marks MISC; the second marks some of the names behind "@ " and leaves most of them out."""
SECTIONS_A_AND_B = 3000  # tweets at the beginning of the Broad Twitter Corpus's training part
LONGEST = 96  # tokens


class Corpus:
    """The training parts of wnut17 and of the Broad Twitter Corpus."""

    def __init__(self, data: Path, seed: int, empty_share: float) -> None:
        """`empty_share` of the sentences without a name are read in each epoch; those with one, all."""
        wnut17 = read(data / "ner" / "wnut17" / "wnut17train.conll", WNUT17)
        twitter = read(data / "ner" / "broad_twitter" / "btc.train", BROAD_TWITTER)
        self.sentences = [(one, WNUT) for one in wnut17]
        self.sentences += [(one, EARLY_TWITTER) for one in twitter[:SECTIONS_A_AND_B]]
        self.sentences += [(one, TWITTER) for one in twitter[SECTIONS_A_AND_B:]]
        self._seed, self._empty_share = seed, empty_share
        self._names: dict[str, list[tuple[str, ...]]] = {kind: [] for kind in KINDS}
        for sentence, _ in self.sentences:
            for first, last, kind in spans(sentence.tags):
                self._names[kind].append(sentence.words[first:last])

    def epoch(self, number: int, tokenizer: PreTrainedTokenizerBase) -> list[Example]:
        """The examples of one epoch; the same for the same seed and number."""
        draw = Random(f"{self._seed}/{number}")
        return [
            encode(self._changed(sentence, draw), source, tokenizer)
            for sentence, source in self.sentences
            if any(tag != OUTSIDE for tag in sentence.tags) or draw.random() < self._empty_share
        ]

    def _changed(self, sentence: Sentence, draw: Random) -> Sentence:
        if draw.random() < 0.25:
            sentence = self._renamed(sentence, draw)
        words = ["http" if word.startswith("http") and draw.random() < 0.9 else word for word in sentence.words]
        letters = draw.random()
        if letters < 0.12:
            words = [word.lower() for word in words]
        elif letters < 0.15:
            words = [word.upper() for word in words]
        return Sentence(tuple(words), sentence.tags)

    def _renamed(self, sentence: Sentence, draw: Random) -> Sentence:
        words: list[str] = []
        tags: list[str] = []
        at = 0
        for first, last, kind in spans(sentence.tags):
            name = draw.choice(self._names[kind]) if draw.random() < 0.5 else sentence.words[first:last]
            words += [*sentence.words[at:first], *name]
            tags += [*sentence.tags[at:first], f"B-{kind}", *[f"I-{kind}"] * (len(name) - 1)]
            at = last
        return Sentence((*words, *sentence.words[at:]), (*tags, *sentence.tags[at:]))


def encode(sentence: Sentence, source: int, tokenizer: PreTrainedTokenizerBase) -> Example:
    """A label for the first token of each of the tokenizer's words: these are the ones that serving reads."""
    text = sentence.text
    encoded = tokenizer(text, truncation=True, max_length=LONGEST, return_offsets_mapping=True)
    offsets = encoded["offset_mapping"]
    owners = _owners(sentence)
    labels: list[int] = []
    seen: int | None = None
    before: int | None = None
    for (start, end), word in zip(offsets, encoded.word_ids(), strict=True):
        if word is None or word == before or end <= start or _unsure(sentence, owners[start], source):
            labels.append(IGNORED)
        else:
            labels.append(LABELS.index(_label(sentence.tags, owners[start], seen)))
            seen = owners[start]
        before = word
    return Example(encoded["input_ids"], letter_case(text, offsets), labels, source)


def _unsure(sentence: Sentence, owner: int, source: int) -> bool:
    """A mention ("@ ada") that is not marked, in a source that forgets most of them: nothing is learned from it."""
    mention = "@" in (sentence.words[owner], sentence.words[max(0, owner - 1)])
    return source == EARLY_TWITTER and mention and sentence.tags[owner] == OUTSIDE


def _label(tags: Sequence[str], owner: int, seen: int | None) -> str:
    tag = tags[owner]
    return f"I{tag[1:]}" if tag.startswith("B") and owner == seen else tag


def _owners(sentence: Sentence) -> list[int]:
    """For each character of the text the word that it belongs to; a space belongs to the word before it."""
    return [place for place, word in enumerate(sentence.words) for _ in range(len(word) + 1)]
