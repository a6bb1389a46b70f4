"""The chat model gives each of many texts one of some labels. Parsing is pure; what the labels mean is the caller's."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from llm.tasks.asking import Answers, Asking, Progress
from llm.types import Priority, Usage

TOKENS_EACH = 16
"""Of the chat model's answer about one text: a number and a label."""
_INSTRUCTIONS = """You give each of some short texts of a chat one label.
{task}
The labels are: {labels}
Write one line for each text and nothing else: [number of the text] label"""
_AROUND = " \t\"'“”«»*`.,;:()[]"


@dataclass(frozen=True, slots=True)
class Labels:
    """Per text its label, None where the model gave none that was asked for."""

    each: list[str | None]
    usage: Usage | None


async def labelled(
    asking: Asking,
    texts: Sequence[str],
    labels: Sequence[str],
    task: str,
    *,
    user: str | None = None,
    priority: Priority = "command",
    progress: Progress = lambda done, total: None,
) -> Labels:
    """Ask for all of them; `task` is a sentence or two on what to go by. Raises llm.errors."""
    named = "; ".join(" ".join(label.split()) for label in labels)
    answers = await asking.about(
        texts,
        _INSTRUCTIONS.format(task=task, labels=named),
        tokens_each=TOKENS_EACH,
        user=user,
        priority=priority,
        progress=progress,
    )
    return Labels(_votes(answers, labels, len(texts)), answers.usage)


def label_in(said: str, labels: Sequence[str]) -> str | None:
    """The label that a line names: in any case, with marks around it, or at its beginning."""
    plain = " ".join(said.strip(_AROUND).split()).casefold()
    folded = {" ".join(label.split()).casefold(): label for label in labels}
    if plain in folded:
        return folded[plain]
    begun = [label for label in folded if plain.startswith(label) and not plain[len(label)].isalnum()]
    return folded[max(begun, key=len)] if begun else None


def _votes(answers: Answers, labels: Sequence[str], count: int) -> list[str | None]:
    """Of a text that was read in parts the label that most of them got, and of these the first."""
    votes: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for portion in answers.portions:
        for number, line in portion.lines:
            if (label := label_in(line, labels)) is not None:
                votes[portion.excerpts[number - 1].index][label] += 1
    return [votes[index].most_common(1)[0][0] if votes[index] else None for index in range(count)]
