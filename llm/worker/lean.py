"""A decoder layer of the common kind in few, large operations, for a CPU. It knows no engine, no cache, no requests.

A step of a small crowd spends much of its time between operations. Here one product makes queries, keys and values,
one makes gate and up, the rotation happens in place, and what is added to a product is added by it. The weights are
laid as the products read them; the modules that they belong to see the same memory, so nothing is there twice.

A layer is taken by what it consists of, and only if a trial gives what the layer itself gives; any other is left as it
is. Relied upon (transformers 5.23, with a test): the names of a Llama's parts, and the arguments of a layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import nn
from torch.nn.functional import rms_norm
from transformers import PreTrainedModel
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

TOLERANCE = 1e-3  # of the largest change that the layer makes; the order of a sum differs, nothing else may
TRIAL_POSITIONS = (0, 3, 4, 11, 50)
PARTS = {
    "": {"self_attn", "mlp", "input_layernorm", "post_attention_layernorm"},
    "self_attn": {"q_proj", "k_proj", "v_proj", "o_proj"},
    "mlp": {"gate_proj", "up_proj", "down_proj", "act_fn"},
}


def make_lean(model: PreTrainedModel) -> int:
    """Replace the `forward` of every layer that fits; how many have been replaced, now or before.

    For a float32 model on a CPU whose attention has neither window nor cap."""
    base = model.base_model
    rotary = getattr(base, "rotary_emb", None)
    if rotary is None:
        return 0
    rotation = Rotation()
    return sum(_replace(layer, rotary, rotation) for layer in getattr(base, "layers", ()))


def _replace(layer: nn.Module, rotary: nn.Module, rotation: Rotation) -> bool:
    if "forward" in vars(layer):  # an engine is built more than once over one model
        return isinstance(vars(layer)["forward"], LeanLayer)
    if not _fits(layer):
        return False
    lean = LeanLayer(layer, rotation)
    try:
        usable = lean.agrees(rotary)
    except (RuntimeError, TypeError, ValueError):  # other arguments, other shapes
        return False
    if usable:
        vars(layer)["forward"] = lean
    return usable


def _fits(layer: nn.Module) -> bool:
    if layer.training or any(_children(layer, name) != parts for name, parts in PARTS.items()):
        return False
    products = [module for module in layer.modules() if isinstance(module, nn.Linear)]
    norms = (layer.input_layernorm, layer.post_attention_layernorm)
    return (
        len(products) == 7
        and all(type(each) is nn.Linear and "forward" not in vars(each) for each in products)
        and all(each.dtype == torch.float32 and each.device.type == "cpu" for each in layer.parameters())
        and all(hasattr(norm, "weight") and hasattr(norm, "variance_epsilon") for norm in norms)
        and all(hasattr(layer.self_attn, name) for name in ("head_dim", "scaling", "config"))
    )


def _children(layer: nn.Module, name: str) -> set[str]:
    part = getattr(layer, name, None) if name else layer
    return {child for child, _ in part.named_children()} if isinstance(part, nn.Module) else set()


class Product:
    """Linear layers with the same input as one; their own weights become views of its memory."""

    def __init__(self, *layers: nn.Linear) -> None:
        self.weight = torch.cat([layer.weight.detach().t() for layer in layers], 1).contiguous()  # [inputs, outputs]
        biases = [layer.bias for layer in layers]
        self._bias = None
        if any(bias is not None for bias in biases):
            self._bias = torch.cat([_bias_of(layer) for layer in layers])
        first = 0
        for layer in layers:
            layer.weight.data = self.weight[:, first : first + layer.out_features].t()
            first += layer.out_features

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """[n, inputs] → [n, outputs]."""
        return torch.mm(rows, self.weight) if self._bias is None else torch.addmm(self._bias, rows, self.weight)

    def onto(self, before: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """The same, added to what was `before`, [n, outputs]."""
        out = torch.addmm(before, rows, self.weight)
        return out if self._bias is None else out.add_(self._bias)


def _bias_of(layer: nn.Linear) -> torch.Tensor:
    return torch.zeros(layer.out_features) if layer.bias is None else layer.bias.detach()


class Rotation:
    """Rotary position embeddings of one step, prepared once for all layers."""

    def __init__(self) -> None:
        self._prepared: tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None = None

    def turn(self, heads: torch.Tensor, embeddings: Sequence[torch.Tensor]) -> None:
        """Rotates `heads`, [tokens, heads, width], in place; `embeddings`: cosines and sines, [1, tokens, width]."""
        half = heads.shape[-1] // 2
        prepared = self._prepared  # one look: another thread may use the model for something else
        if prepared is None or prepared[0] is not embeddings[0]:
            cosines, sines = embeddings
            signed = torch.cat((-sines[0, :, :half], sines[0, :, half:]), -1)
            prepared = self._prepared = cosines, cosines[0, :, None], signed[:, None]
        swapped = heads.roll(half, -1)
        heads.mul_(prepared[1]).addcmul_(swapped, prepared[2])


class LeanLayer:
    """What stands in for a layer's `forward`."""

    @torch.no_grad()
    def __init__(self, layer: nn.Module, rotation: Rotation) -> None:
        attention, mlp = cast(Any, layer.self_attn), cast(Any, layer.mlp)
        self._layer, self._attention, self._rotation = layer, attention, rotation
        self._asking = Product(attention.q_proj, attention.k_proj, attention.v_proj)
        self._output = Product(attention.o_proj)
        self._widening = Product(mlp.gate_proj, mlp.up_proj)
        self._narrowing = Product(mlp.down_proj)
        self._activation, self._inner = mlp.act_fn, int(mlp.gate_proj.out_features)
        width = int(attention.head_dim)
        self._heads = [
            int(each.out_features) // width for each in (attention.q_proj, attention.k_proj, attention.v_proj)
        ]
        self._norms = [
            (tuple(norm.weight.shape), norm.weight.detach(), float(norm.variance_epsilon))
            for norm in cast(Any, (layer.input_layernorm, layer.post_attention_layernorm))
        ]

    def __call__(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        past_key_values: object = None,
        use_cache: bool | None = False,
        position_embeddings: Sequence[torch.Tensor] | None = None,
        **kwargs: Any,  # noqa: ANN401 - they are the attention's, whatever they are
    ) -> torch.Tensor:
        """[1, tokens, width] → the same. The layer's own way for anything but a step of the engine."""
        unusual = past_key_values is not None or position_embeddings is None or len(hidden_states) != 1
        if unusual or torch.is_grad_enabled():
            kwargs |= {"attention_mask": attention_mask, "position_ids": position_ids, "use_cache": use_cache}
            kwargs |= {"past_key_values": past_key_values, "position_embeddings": position_embeddings}
            return self._plain(hidden_states, **kwargs)
        rows = hidden_states[0]
        looked_up = self._look(rows, attention_mask, cast(Sequence[torch.Tensor], position_embeddings), kwargs)
        rows = self._output.onto(rows, looked_up)
        wide = self._widening(rms_norm(rows, *self._norms[1]))
        inner = self._activation(wide[:, : self._inner]).mul_(wide[:, self._inner :])
        return self._narrowing.onto(rows, inner)[None]

    def _look(
        self,
        rows: torch.Tensor,
        mask: torch.Tensor | None,
        embeddings: Sequence[torch.Tensor],
        kwargs: dict[str, Any],
    ) -> torch.Tensor:
        """What the attention finds for each row, [tokens, heads × width]."""
        attention = self._attention
        asked = self._asking(rms_norm(rows, *self._norms[0])).view(len(rows), sum(self._heads), -1)
        self._rotation.turn(asked[:, : self._heads[0] + self._heads[1]], embeddings)
        query, key, value = torch.split(asked.transpose(0, 1)[None], self._heads, 1)
        function = ALL_ATTENTION_FUNCTIONS[attention.config._attn_implementation]
        found, _ = function(attention, query, key, value, mask, dropout=0.0, scaling=attention.scaling, **kwargs)
        return cast(torch.Tensor, found).reshape(len(rows), -1)

    def _plain(self, *arguments: Any, **kwargs: Any) -> torch.Tensor:  # noqa: ANN401 - the layer's own
        return cast(torch.Tensor, type(self._layer).forward(self._layer, *arguments, **kwargs))

    @torch.no_grad()
    def agrees(self, rotary: nn.Module) -> bool:
        """Does a trial give what the layer itself gives?"""
        width = self._output.weight.shape[1]
        count = len(TRIAL_POSITIONS)
        trial = torch.linspace(-9, 9, count * width).sin().roll(1, 0).view(1, count, width)
        embeddings = rotary(trial, torch.tensor([TRIAL_POSITIONS]))
        expected = self._plain(trial, position_embeddings=embeddings)
        found = self(trial, position_embeddings=embeddings)
        return bool((found - expected).abs().max() <= TOLERANCE * (expected - trial).abs().max())
