"""The output layer's weights in the layout in which a CPU multiplies them fastest. It knows no engine.

For a small crowd the product with the whole vocabulary is the largest of a step, and half of its time goes into
rearranging the weights, each time anew. oneDNN, which is part of torch, can keep them arranged: the same product in
two thirds of the time, for one more copy of these weights.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import linear
from transformers import PreTrainedModel

SHARE_OF_FREE = 0.1  # of the memory that is free: more is not taken for it
TOLERANCE = 1e-3  # of the largest output; the order of a sum differs, nothing else may


def pack_head(model: PreTrainedModel, free_bytes: int) -> bool:
    """Arrange the output layer of a float32 model on a CPU; False, and nothing is changed, where that does not apply.

    Relied upon (torch 2.13, with a test): the operators that torch's own compiler uses for this."""
    head = model.get_output_embeddings()
    if type(head) is not nn.Linear or head.weight.device.type != "cpu" or head.weight.dtype != torch.float32:
        return False
    if "forward" in vars(head):  # done already: an engine is built more than once over one model
        return True
    if head.weight.nbytes > SHARE_OF_FREE * free_bytes:
        return False
    try:
        packed = Packed(head)
        usable = packed.agrees()
    except (AttributeError, RuntimeError):  # a processor, or a torch, without it
        return False
    if usable:
        vars(head)["forward"] = packed
    return usable


class Packed:
    """What stands in for the layer's `forward`."""

    @torch.no_grad()
    def __init__(self, head: nn.Linear) -> None:
        self._weight, self._bias, self._outputs = head.weight, head.bias, head.out_features
        self._packed = torch.ops.mkldnn._reorder_linear_weight(head.weight.detach())

    def __call__(self, hidden: torch.Tensor) -> torch.Tensor:
        """[…, width] → […, vocabulary]. The plain product where gradients are wanted: the packed one has none."""
        if torch.is_grad_enabled() or hidden.dtype != torch.float32:
            return linear(hidden, self._weight, self._bias)
        rows = hidden.reshape(-1, hidden.shape[-1])
        out: torch.Tensor = torch.ops.mkldnn._linear_pointwise(rows, self._packed, self._bias, "none", [], "")
        return out.view(*hidden.shape[:-1], self._outputs)

    @torch.no_grad()
    def agrees(self) -> bool:
        """Does a trial give what the plain product gives?"""
        trial = torch.linspace(-1, 1, 3 * self._weight.shape[1]).view(3, -1)
        plain = linear(trial, self._weight, self._bias)
        return bool((self(trial) - plain).abs().max() <= TOLERANCE * plain.abs().max())
