"""Names that were found in texts → who and what is meant: spellings of the same name together, with counts. Pure.

"Ada", "ADA's" and "@Adá" are one name, and so are "Ada" and "Ada Lovelace" where only one Ada has a second name. It
does not know how names are found (`entities`), nor what a text is.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["PER", "ORG", "LOC", "MISC"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_CLEAR = 2 / 3
"""Of the mentions of one spelling: so many of one kind, and the others are taken for slips of the model."""
_BEFORE = re.compile(r"^(?:[@#\s\"“”„«‹'‘(\[]+|the\s+(?=\S))+", re.IGNORECASE)
_AFTER = re.compile(r"(?:['’ʼ`´]s?|[\s.,:;!?\"“”»›)\]]+)+$", re.IGNORECASE)
_MARKS = re.compile("[\u0300-\u036f]")
"""Accents over letters; other scripts tell words apart by their marks, so those stay."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A name as it stands in one text, and which text that is: numbers that grow from the first text to the last."""

    text: str
    kind: Kind
    place: int


@dataclass(frozen=True, slots=True)
class Name:
    """Somebody or something: `text` as it is mostly written, how often, where first, where first with that spelling,
    and every way it was written."""

    text: str
    kind: Kind
    count: int
    first: int
    spelled: int
    spellings: tuple[str, ...]


def key(text: str) -> str:
    """What two spellings of one name share: small letters without accents, possessive, quotes, @, # and "the"."""
    folded = unicodedata.normalize("NFKD", text.casefold()).casefold()
    plain = " ".join(unicodedata.normalize("NFC", _MARKS.sub("", folded)).split())
    return bare(plain) or plain


def bare(text: str) -> str:
    """A spelling without what does not belong to the name; empty where nothing else is there."""
    return _AFTER.sub("", _BEFORE.sub("", text))


def merged(mentions: Iterable[Mention]) -> list[Name]:
    """Every name once, the most frequent first, and of those the one that was said first."""
    of_key: dict[str, list[Mention]] = defaultdict(list)
    for mention in mentions:
        if spelling := key(mention.text):
            of_key[spelling].append(mention)
    kinds = {spelling: _kinds(same) for spelling, same in of_key.items()}
    people = [spelling for spelling, same in of_key.items() if "PER" in {kinds[spelling][one.kind] for one in same}]
    whole = _whole(people)
    groups: dict[tuple[str, Kind], list[Mention]] = defaultdict(list)
    for spelling, same in of_key.items():
        for mention in same:
            kind = kinds[spelling][mention.kind]
            full = whole.get(spelling, spelling) if kind == "PER" else spelling
            groups[full, kind].append(mention)
    names = [_name(kind, spelling, same) for (spelling, kind), same in groups.items()]
    return sorted(names, key=lambda name: (-name.count, name.first, name.text))


def of_kind(names: Sequence[Name], kind: Kind) -> list[Name]:
    """Those of one kind, in their order."""
    return [name for name in names if name.kind == kind]


def _kinds(same: Sequence[Mention]) -> Mapping[Kind, Kind]:
    """What each kind of a spelling becomes: all the one that is clearly meant, or each itself."""
    (likely, count), *_ = Counter(mention.kind for mention in same).most_common()
    is_clear = count >= _CLEAR * len(same)
    return {kind: likely if is_clear else kind for kind in KINDS}


def _whole(people: Sequence[str]) -> dict[str, str]:
    """Of each single name the full one that it stands for, where there is exactly one."""
    full: dict[str, set[str]] = defaultdict(set)
    for person in people:
        words = person.split()
        for part in {words[0], words[-1]} if len(words) > 1 else ():
            full[part].add(person)
    return {part: next(iter(found)) for part, found in full.items() if len(found) == 1}


def _name(kind: Kind, spelling: str, mentions: Sequence[Mention]) -> Name:
    places: dict[str, list[int]] = defaultdict(list)
    for mention in mentions:
        places[" ".join((bare(mention.text) or mention.text).split())].append(mention.place)
    written = Counter({text: len(found) for text, found in places.items()})
    usual = [text for text, _ in written.most_common()]
    shown = next((text for text in usual if key(text) == spelling), usual[0])
    first = min(mention.place for mention in mentions)
    return Name(shown, kind, len(mentions), first, min(places[shown]), tuple(written))
