"""`python -m llm.evaluation.chat --model PATH`: how well a chat model lives in the small world of the built-in one.

It asks the held-out conversations of `chat_cases` greedily and counts the answers that contain what was expected: a
measure of recall and honesty in words never seen, not of intelligence. Prints a table and ends in one JSON line.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from transformers import AutoModelForCausalLM, AutoTokenizer

from llm.evaluation.chat_cases import OWN, Case, cases
from llm.training.chat.conversation import Turn

EMBEDDED = Path(__file__).resolve().parents[1] / "embedded" / "chat"


def evaluate(
    model: Annotated[str, typer.Option(help="Folder or hub id of a chat model.")] = str(EMBEDDED),
    rounds: Annotated[
        int, typer.Option(help="How often each recall question is asked, with other values each time.")
    ] = 4,
    batch: Annotated[int, typer.Option(help="Conversations answered together.")] = 16,
    show_wrong: Annotated[bool, typer.Option(help="Print the conversations that went wrong.")] = False,
) -> None:
    """Measure a chat model on the held-out conversations."""
    start = time.monotonic()
    asked = cases(rounds=rounds)
    answers = Answerer(model).answer(asked, batch)
    if show_wrong:
        _print_wrong(asked, answers)
    right: dict[str, list[bool]] = defaultdict(list)
    for case, answer in zip(asked, answers, strict=True):
        right[case.category].append(case.is_right(answer))
    for category, results in right.items():
        _print(f"{category:24} {sum(results):4} of {len(results):4}   {sum(results) / len(results):6.1%}")
    result = {
        "eval": "chat",
        "model": model,
        "accuracy": {category: round(sum(results) / len(results), 4) for category, results in right.items()},
        "cases": len(asked),
        "seconds": round(time.monotonic() - start, 1),
    }
    _print(json.dumps(result))


class Answerer:
    """A chat model that answers many conversations greedily, in batches of like length."""

    def __init__(self, model: str) -> None:
        self.tokenizer: Any = AutoTokenizer.from_pretrained(model, padding_side="left")
        self.model: Any = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()

    def answer(self, asked: Sequence[Case], batch: int = 16) -> list[str]:
        """The last answers, in the order of the cases; turns marked as its own are answered before, one by one."""
        talks = [list(case.turns) for case in asked]
        while open_talks := [talk for talk in talks if OWN in talk]:
            prompts = [self._prompt(talk[: talk.index(OWN)]) for talk in open_talks]
            for talk, text in zip(open_talks, self._answers(prompts, batch), strict=True):
                talk[talk.index(OWN)] = Turn("assistant", text or "...")
        return self._answers([self._prompt(talk) for talk in talks], batch)

    def _prompt(self, turns: Sequence[Turn]) -> str:
        messages = [{"role": turn.role, "content": turn.content} for turn in turns]
        text: str = self.tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        return text

    def _answers(self, prompts: list[str], batch: int, longest: int = 96) -> list[str]:
        order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
        answers = [""] * len(prompts)
        for at in range(0, len(order), batch):
            group = order[at : at + batch]
            for index, text in zip(group, self._generate([prompts[index] for index in group], longest), strict=True):
                answers[index] = text
        return answers

    @torch.no_grad()
    def _generate(self, prompts: list[str], longest: int) -> list[str]:
        inputs = self.tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False)
        output = self.model.generate(**inputs, do_sample=False, max_new_tokens=longest)
        said = output[:, inputs["input_ids"].shape[1] :]
        texts: list[str] = self.tokenizer.batch_decode(said, skip_special_tokens=True)
        return texts


def _print_wrong(asked: Sequence[Case], answers: Sequence[str]) -> None:
    for case, answer in zip(asked, answers, strict=True):
        if not case.is_right(answer):
            said = " / ".join(turn.content for turn in case.turns[-7:] if turn.role == "user")
            _print(f"[{case.category}] {said}\n    answered {answer!r}, expected one of {case.expected}")


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    typer.run(evaluate)
