"""How good summaries are: against what people wrote, what they rest on, how much they speak of, and what they cost.

On meetings (qmsum) ROUGE-1, -2 and -L against the summary of the whole meeting that a person wrote, for Steward's, for
LEAD (the meeting's first turns) and for its longest turns, all cut to the same number of words. On IRC logs the share
of sentences that their citation supports, of parts of the log that are spoken of, and of messages that were read.
On one log the cost of summarizing a channel that grows (`growing`). By default members' own words speak, chosen by the
built-in embedding model; --url names the address of a worker (or another engine) whose chat model writes. The scorer
is checked on known answers first. Ends in one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean

from rouge_score.rouge_scorer import RougeScorer

from benchmarks import chat_logs, report
from benchmarks.encoder_batching import worker
from benchmarks.evaluation.find import served
from benchmarks.evaluation.growing import Costs, by_a_model, by_own_words
from benchmarks.evaluation.support import DATA, spread
from benchmarks.evaluation.support_cases import meetings
from llm.client import LLMClient
from llm.config import LLMSettings
from llm.tasks.likeness import Likeness
from llm.tasks.summarize import Summarizer
from llm.tasks.summary import SourceMessage, Summary, Wish
from llm.tasks.support import cited_texts, supported
from llm.tasks_client import TasksClient

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
SCORES = ("rouge1", "rouge2", "rougeL")
SENTENCES = 10
CUT = 240
"""Characters of one sentence at most, as in an extract."""
Figures = dict[str, float]


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = report.parser(__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with summarization/ and chat_logs/")
    parser.add_argument("--url", help="an engine whose chat model writes the summaries")
    parser.add_argument("--meetings", type=int, default=4, help="meetings of qmsum, spread over all; 35 are all")
    parser.add_argument("--logs", type=int, default=20, help="IRC logs, spread over all")
    parser.add_argument("--messages", type=int, default=60, help="messages of each log, the last ones")
    parser.add_argument("--grown", type=int, default=1000, help="messages of the channel that grows")
    return parser.parse_args(arguments)


def scorer() -> Callable[[str, str], Figures]:
    """F1 of a summary (second) against a person's (first). Raises RuntimeError where known answers come out wrong."""
    rouge = RougeScorer(list(SCORES), use_stemmer=True)

    def score(target: str, said: str) -> Figures:
        return {name: float(of.fmeasure) for name, of in rouge.score(target, said).items()}

    known = score("the cat sat on the mat", "the cat lay on the mat")
    right = {"rouge1": 5 / 6, "rouge2": 3 / 5, "rougeL": 5 / 6}
    if any(abs(known[name] - right[name]) > 1e-9 for name in SCORES) or score("cats ran", "a dog")["rouge1"]:
        raise RuntimeError(f"the scorer does not give known answers: {known}")
    return score


def as_messages(turns: Sequence[tuple[str, str]], seconds: Sequence[float] | None = None) -> list[SourceMessage]:
    """Turns of a talk as messages, half a minute apart where no times are known."""
    at = seconds or [30.0 * place for place in range(len(turns))]
    return [
        SourceMessage(1_000 + place, author, text, BEGIN + timedelta(seconds=at[place]))
        for place, (author, text) in enumerate(turns)
    ]


def of_log(path: Path, last: int) -> list[SourceMessage]:
    """The last messages of a log."""
    lines = chat_logs.read(path)[-last:]
    return as_messages([(line.nick, line.text) for line in lines], [line.at_s for line in lines])


def cut(texts: Sequence[str], most: int) -> str:
    """As many words of the texts, each of at most CUT characters."""
    return " ".join(" ".join(text[:CUT] for text in texts).split()[:most])


def baselines(turns: Sequence[str], most: int) -> dict[str, str]:
    """What a summary must be better than, of at most so many words."""
    longest = sorted(range(len(turns)), key=lambda place: (-len(turns[place]), place))[:SENTENCES]
    return {"lead": cut(turns, most), "longest": cut([turns[place] for place in sorted(longest)], most)}


async def on_meetings(summarizer: Summarizer, chosen: argparse.Namespace) -> dict[str, Figures]:
    """Mean ROUGE of each way."""
    path = chosen.data / "summarization" / "qmsum" / "val.jsonl"
    if not path.is_file():
        return {}
    score, every = scorer(), list(meetings(path))
    found: dict[str, list[Figures]] = {"steward": [], "lead": [], "longest": []}
    for number in range(min(chosen.meetings, len(every))):
        turns, meeting = every[number * len(every) // min(chosen.meetings, len(every))]
        target = meeting["general_query_list"][0]["answer"]
        summary = await summarizer.summarize(as_messages(turns), Wish(count=SENTENCES))
        said = " ".join(item.text for item in summary.items)
        ways = {"steward": said, **baselines([text for _, text in turns], len(said.split()))}
        for way, text in ways.items():
            found[way].append(score(target, text))
    return {way: {name: mean(one[name] for one in each) for name in SCORES} for way, each in found.items() if each}


async def on_logs(summarizer: Summarizer, likeness: Likeness, chosen: argparse.Namespace) -> Figures:
    """What summaries of logs rest on, and how much they speak of."""
    paths = spread(sorted((chosen.data / "chat_logs" / "ubuntu_irc").glob("*.raw.txt")), chosen.logs)
    sentences = upheld = 0
    spoken, read, dropped = list[float](), list[float](), 0
    for path in paths:
        messages = of_log(path, chosen.messages)
        summary = await summarizer.summarize(messages, Wish())
        sentences += len(summary.items)
        upheld += await _supported(summary, messages, likeness)
        spoken.append(summary.cited / max(1, summary.parts))
        read.append(summary.read / summary.total)
        dropped += summary.dropped
    if not paths:
        return {}
    return {
        "logs": len(paths),
        "sentences": sentences,
        "supported": upheld / max(1, sentences),
        "dropped": dropped,
        "parts_spoken_of": mean(spoken),
        "read": mean(read),
    }


async def _supported(summary: Summary, messages: Sequence[SourceMessage], likeness: Likeness) -> int:
    by_id = {message.id: message for message in messages}
    texts = cited_texts(summary.items, by_id)
    vectors = await likeness.of_both([item.text for item in summary.items], texts)
    return len(supported(summary.items, by_id, vectors))


async def growing(chosen: argparse.Namespace) -> dict[str, Costs]:
    """Of the first log: by a chat model's way of reading, and by members' own words."""
    paths = sorted((chosen.data / "chat_logs" / "ubuntu_irc").glob("*.raw.txt"))[:1]
    found: dict[str, Costs] = {}
    for path in paths:
        messages = of_log(path, chosen.grown)
        found = {"chat": await by_a_model(messages, 50), "extractive": await by_own_words(messages, 50)}
    return found


async def measured(chosen: argparse.Namespace) -> dict[str, object]:
    async with AsyncExitStack() as stack:
        address = stack.enter_context(worker())
        tasks = await stack.enter_async_context(TasksClient(LLMSettings(first_token_timeout_s=1800), address))
        await served(tasks)
        client = await stack.enter_async_context(LLMClient(LLMSettings(), chosen.url or address))
        likeness = Likeness(tasks)
        summarizer = Summarizer(client, likeness, engine="chat" if chosen.url else "extractive")
        rouge = await on_meetings(summarizer, chosen)
        logs = await on_logs(summarizer, likeness, chosen)
    return {"qmsum": rouge, "irc": logs, "growing": await growing(chosen)}


def show(figures: dict[str, object]) -> None:
    """The table."""
    rouge, logs, costs = figures["qmsum"], figures["irc"], figures["growing"]
    assert isinstance(rouge, dict) and isinstance(logs, dict) and isinstance(costs, dict)
    for way, scores in rouge.items():
        print(f"qmsum    {way:10} " + "  ".join(f"{name} {value:.3f}" for name, value in scores.items()))
    print("irc      " + "  ".join(f"{name} {value:.3g}" for name, value in logs.items()))
    for way, cost in costs.items():
        print(
            f"growing  {way:10} read {cost.ratio:.2f} times what there is; computed {cost.computed / cost.total:.2f}, "
            f"without any cache {cost.uncached / cost.total:.2f} ({cost.summaries} summaries)"
        )


def main(arguments: list[str] | None = None) -> None:
    chosen = options(arguments)
    figures = asyncio.run(measured(chosen))
    show(figures)
    costs = figures["growing"]
    assert isinstance(costs, dict)
    figures["growing"] = {way: asdict(cost) | {"ratio": cost.ratio} for way, cost in costs.items()}
    chosen.data = str(chosen.data)
    report.finish("eval_summarize", chosen, **figures)


if __name__ == "__main__":
    main()
