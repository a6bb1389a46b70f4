"""Our worker against `transformers serve --continuous-batching`, through HTTP on both sides.

Measures total tokens per second when many people ask at once: the same random model in the same folder, the same
greedy questions, the same client, in turns, each server asleep while another is measured; medians of the rounds.
Beside it tokens per CPU second, which say much the same and depend less on who else uses the machine.
Why: it is the nearest peer, built on the same library; what we put around that library has to be worth it. The peer
runs as it comes (the checkpoint's bfloat16) and in float32 (what our worker chooses on a CPU); the faster one counts.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from statistics import median

from benchmarks import load, models, report


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = report.parser(__doc__)
    parser.add_argument("--model", choices=list(models.SHAPES), default="15m")
    parser.add_argument("--chats", type=int, default=16, help="people who ask at once")
    parser.add_argument("--prompt", type=int, default=200, help="tokens of each question")
    parser.add_argument("--new", type=int, default=64, help="tokens of each answer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer-dtypes", nargs="+", default=["auto", "float32"])
    return parser.parse_args(arguments)


def measure(servers: dict[str, load.Server], chosen: argparse.Namespace) -> dict[str, list[load.Crowd]]:
    """Everybody's rounds, in turns. A round before the first pays for what is set up once."""
    rounds: dict[str, list[load.Crowd]] = {name: [] for name in servers}
    for number in range(chosen.rounds + 1):
        asked = models.sayings(chosen.chats, chosen.prompt, seed=number)
        for name, server in servers.items():
            with ExitStack() as others:
                for other in servers.values():
                    if other is not server:
                        others.enter_context(other.asleep())
                crowd = load.crowd(server, asked, chosen.new)
            if number:
                rounds[name].append(crowd)
    return rounds


def over_best_peer(figures: dict[str, float]) -> float:
    return figures["worker"] / max(figure for name, figure in figures.items() if name != "worker")


def main(arguments: list[str] | None = None) -> None:
    chosen = options(arguments)
    with models.saved(chosen.model) as folder, ExitStack() as running, ThreadPoolExecutor() as starters:
        peers = {f"transformers serve, {dtype}": load.transformers_serve(folder, dtype) for dtype in chosen.peer_dtypes}
        starting = {"worker": load.worker(folder), **peers}
        servers = dict(zip(starting, starters.map(running.enter_context, starting.values()), strict=True))
        rounds = measure(servers, chosen)
    speeds = {name: median(crowd.tokens_per_s for crowd in crowds) for name, crowds in rounds.items()}
    firsts = {name: median(crowd.first_s for crowd in crowds) for name, crowds in rounds.items()}
    costs = {name: median(crowd.tokens_per_cpu_s for crowd in crowds) for name, crowds in rounds.items()}
    for name, speed in speeds.items():
        each = " ".join(f"{crowd.tokens_per_s:.0f}" for crowd in rounds[name])
        rest = f"{costs[name]:8.1f} per CPU second, first token after {firsts[name]:.2f} s   (rounds: {each})"
        print(f"{name:28} {speed:8.1f} tokens/s, {rest}")
    ratio, cpu_ratio = over_best_peer(speeds), over_best_peer(costs)
    print(f"{'ratio':28} {ratio:8.2f}          {cpu_ratio:8.2f}")
    report.finish(
        "worker_vs_transformers_serve",
        chosen,
        tokens_per_s=speeds,
        first_token_s=firsts,
        ratio=ratio,
        cpu_ratio=cpu_ratio,
    )


if __name__ == "__main__":
    main()
