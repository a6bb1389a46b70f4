"""The next token of every request in a step, each by its own temperature, top-k and top-p. It knows no model, no text.

transformers sorts the whole vocabulary twice per step, for everybody, and then draws a random number per word. Here
greedy requests cost nothing, a small top-k one partial sort, and the rest is drawn first and looked at afterwards.
Relied upon (transformers 5.23, with a test): the manager builds its step from `manager.logit_processor`, calls it with
one int32 row for each of `tensors_required`, and with `do_sample=False` takes the highest score that it returns.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import LogitsProcessorList
from transformers.generation.continuous_batching.cb_logits_processors import ContinuousBatchingLogitsProcessorList
from transformers.generation.continuous_batching.requests import FutureRequestState

FEW = 256  # candidates; up to here finding the best is cheaper than looking at the whole vocabulary
TRIES = 16  # draws from the whole vocabulary before a nucleus that is rarely hit is sorted out
CHOSEN = float("inf")


class Sampler(ContinuousBatchingLogitsProcessorList):  # type: ignore[misc]  # transformers is not typed
    """Raises the score of each request's drawn token above all others; greedy requests keep their scores."""

    def __init__(self) -> None:
        super().__init__(LogitsProcessorList())
        self.tensors_required = 3
        self.do_processing = True
        self.supported_keys = {"temperature": float, "top_k": int, "top_p": float}

    def fill_defaults(self, int32_tensor: torch.Tensor) -> None:
        """Greedy: what rows hold that no request has asked for."""
        int32_tensor.copy_(_rows([{}]).to(int32_tensor.device))

    def prepare_tensor_args(
        self, requests_in_batch: Sequence[FutureRequestState], arg_storage: torch.Tensor
    ) -> torch.Tensor:
        """Write the arguments of the requests that get a token, [3, tokens of a step] int32."""
        asked = [request.state.logit_processor_kwargs for request in requests_in_batch if request.has_new_token]
        arg_storage[:, : len(asked)] = _rows(asked).to(arg_storage.device)
        return arg_storage

    def __call__(
        self, input_ids: torch.Tensor, scores: torch.Tensor, logits_processor_args: torch.Tensor
    ) -> torch.Tensor:
        """`scores`: [requests, vocabulary] float32."""
        arguments = logits_processor_args[:, : scores.shape[0]]
        temperature, top_k, top_p = arguments[0].view(torch.float32), arguments[1], arguments[2].view(torch.float32)
        if scores.device.type != "cpu":
            return _without_branches(scores, temperature, top_k, top_p)
        drawing = temperature > 0
        if not drawing.any():
            return scores
        rows = drawing.nonzero().flatten()
        scores[rows, draw(scores[rows], temperature[rows], top_k[rows], top_p[rows])] = CHOSEN
        return scores


def draw(scores: torch.Tensor, temperature: torch.Tensor, top_k: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    """One token per row. `scores` [rows, vocabulary]; `temperature` above 0; `top_k` 0 or less means no limit."""
    scores = scores / temperature[:, None]
    tokens = torch.empty(scores.shape[0], dtype=torch.int64)
    few, limited = (top_k > 0) & (top_k <= FEW), top_k > FEW
    for rows, among in ((few, _among_few), (limited, _among_sorted), (~few & ~limited, _among_all)):
        if rows.any():
            tokens[rows] = among(scores[rows], top_k[rows], top_p[rows])
    return tokens


def _among_few(scores: torch.Tensor, top_k: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    best, ids = scores.topk(min(int(top_k.max()), scores.shape[1]))
    return _among_ranked(best, ids, top_k, top_p)


def _among_sorted(scores: torch.Tensor, top_k: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    best, ids = scores.sort(descending=True)
    return _among_ranked(best, ids, top_k, top_p)


def _among_ranked(best: torch.Tensor, ids: torch.Tensor, top_k: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    """`best` [rows, candidates], the highest first, and their `ids`. The best one is always a candidate."""
    ranks = torch.arange(best.shape[1], device=best.device)
    beyond = (ranks >= top_k[:, None]) & (top_k > 0)[:, None]
    chances = best.masked_fill(beyond, float("-inf")).softmax(-1)
    before = chances.cumsum(-1) - chances
    kept = chances.masked_fill((before >= top_p[:, None]) & (ranks > 0), 0.0)
    place = _draw_places(kept.cumsum(-1))
    last = ((kept > 0).sum(-1, keepdim=True) - 1).clamp(min=0)  # none is possible where a score is not a number
    return ids.gather(1, torch.minimum(place, last)).flatten()


def _among_all(scores: torch.Tensor, top_k: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    """Draw from everything; who lies outside the nucleus is drawn again. `top_k` is no limit here."""
    chances = scores.softmax(-1)
    sums = chances.cumsum(-1)
    tokens = torch.full((scores.shape[0],), -1)
    for _ in range(TRIES):
        open_rows = (tokens < 0).nonzero().flatten()
        if not open_rows.numel():
            return tokens
        drawn = _draw_places(sums[open_rows]).clamp_(max=scores.shape[1] - 1)
        inside = _inside(chances[open_rows], drawn, top_p[open_rows])
        tokens[open_rows[inside]] = drawn.flatten()[inside]
    rows = tokens < 0
    if rows.any():
        tokens[rows] = _among_sorted(scores[rows], top_k[rows], top_p[rows])
    return tokens


def _inside(chances: torch.Tensor, drawn: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    """Is what is likelier than the drawn token less than `top_p` together? [rows] bool."""
    own = chances.gather(1, drawn)
    possible = own.flatten() > 0
    if bool((top_p >= 1).all()):
        return possible
    likelier = torch.where(chances > own, chances, 0.0).sum(-1)
    return possible & ((likelier < top_p) | (likelier == 0))


def _draw_places(sums: torch.Tensor) -> torch.Tensor:
    """One place per row of running sums, [rows, 1], as likely as its share; in the worst rounding one too far."""
    thrown = torch.rand(sums.shape[0], 1, device=sums.device) * sums[:, -1:]
    return torch.searchsorted(sums, thrown, right=True)


def _without_branches(
    scores: torch.Tensor, temperature: torch.Tensor, top_k: torch.Tensor, top_p: torch.Tensor
) -> torch.Tensor:
    """The same for a GPU, where looking at a value would stop the stream and a recorded graph cannot branch."""
    warm = torch.where(temperature > 0, temperature, 1.0)
    drawn = _among_sorted(scores / warm[:, None], top_k, top_p)
    tokens = torch.where(temperature > 0, drawn, scores.argmax(-1))
    return scores.scatter(1, tokens[:, None], CHOSEN)


def _rows(asked: Sequence[dict[str, float | int]]) -> torch.Tensor:
    """[3, requests] int32: temperature and top-p are floats in disguise, as transformers keeps them."""
    temperature = torch.tensor([arguments.get("temperature", 0.0) for arguments in asked], dtype=torch.float32)
    top_k = torch.tensor([arguments.get("top_k", 0) for arguments in asked], dtype=torch.int32)
    top_p = torch.tensor([arguments.get("top_p", 1.0) for arguments in asked], dtype=torch.float32)
    return torch.stack([temperature.view(torch.int32), top_k, top_p.view(torch.int32)])
