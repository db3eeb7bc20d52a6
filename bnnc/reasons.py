# SPDX-License-Identifier: Apache-2.0
"""Why a layer is not binary, and why a cut has no thresholds: in words, with the user's names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bnnc.ir import bin as bits
from bnnc.ir import nn, q
from bnnc.ir.diagnostics import Remark
from bnnc.ir.operation import Op
from bnnc.ir.value import Resource, Value
from bnnc.passes.chains import chain_before
from bnnc.passes.fold_thresholds import FLOAT_CUT
from bnnc.passes.weights import classify

_MOVES = nn.Reshape | nn.Transpose | nn.Pad | bits.Reshape | bits.Relayout
_POOLS = nn.MaxPool | bits.MaxPool


class Reasons:
    """Finds reasons in a planned module.

    Args:
        names: the network's inputs with their public names.
        remarks: what the passes said on the way.
    """

    def __init__(self, names: Mapping[Value, str], remarks: Sequence[Remark]) -> None:
        self._names = names
        self._remarks: dict[str, str] = {r.where: r.message for r in remarks if r.where}
        self._cuts = {
            r.where: r.message.removeprefix(FLOAT_CUT)
            for r in remarks
            if r.message.startswith(FLOAT_CUT)
        }

    def not_binary(self, layer: bits.Layer) -> str:
        """Empty for a layer of bits and bits; few-bit kinds come first, before a colon."""
        activation, weight = layer.KIND[0], layer.KIND[1]
        parts: list[str] = []
        if activation == "u":
            parts.append(_levels(layer.x))
        elif activation == "f" and (weight == "b" or not isinstance(layer.x.owner, _UNPACKED)):
            parts.append(f"float activations: {self._floats(layer)}")
        elif activation == "f":
            parts.append(f"{_what_is_packed(layer.x)}, read as floats")
        if weight == "f":
            parts.insert(0, f"float weights: {_weights(layer.w)}")
        elif weight == "t":
            parts.insert(0, _weights(layer.w))
        few = weight == "t" or activation == "u"
        text = "; ".join(parts)
        return f"{_few_bit_kind(layer)}: {text}" if few else text

    def _floats(self, layer: bits.Layer) -> str:
        """Where float activations come from."""
        value, owner = layer.x, layer.x.owner
        while isinstance(owner, _MOVES):
            value, owner = owner.x, owner.x.owner
        if owner is None:
            return f"reads the network's input '{self._names.get(value, value.name)}'"
        if isinstance(owner, _UNPACKED):
            pad_value = layer.pad_value if isinstance(layer, bits.ConvLayer) else 0.0
            return f"{_what_is_packed(value)}, but the padding {pad_value} is none of their values"
        text = f"reads {_title(owner)}"
        if isinstance(owner, nn.Add) and not any(isinstance(v, Resource) for v in owner.operands):
            text += ", the sum of " + " and ".join(self._origin(v) for v in owner.operands)
        elif isinstance(owner, nn.Sign) and owner.loc.name in self._remarks:
            text += f", {self._remarks[owner.loc.name]}"
        return text

    def _origin(self, value: Value) -> str:
        if value.owner is None:
            return f"the network's input '{self._names.get(value, value.name)}'"
        return _title(value.owner)

    def float_cut(self, op: Op) -> str:
        """Why bits or levels are cut from floats, not by thresholds of a layer."""
        said = next((self._cuts[name] for name in op.loc.names if name in self._cuts), "")
        if said:
            return said
        value = op.operands[0]
        if value.owner is None:
            return f"reads the network's input '{self._names.get(value, value.name)}'"
        chain = chain_before(value, op)
        return chain if isinstance(chain, str) else "was not folded when the text was written"


_UNPACKED = bits.Unpack | bits.Dequantize


def packs_again(op: Op) -> bool:
    """Whether an operation packs bits that were floats only to be moved: that cuts nothing."""
    owner = op.operands[0].owner
    while isinstance(owner, _MOVES | nn.Slice | nn.Split | nn.Concat):
        owner = owner.operands[0].owner
    return isinstance(op, bits.Pack) and isinstance(owner, bits.Unpack)


def _title(op: Op) -> str:
    return op.loc.title if op.loc.name else op.NAME


def _few_bit_kind(layer: bits.Layer) -> str:
    names = {"f": "f", "b": "bit", "t": "tern", "u": str(layer.x.type.scalar)}
    return f"{names[layer.KIND[0]]} x {names[layer.KIND[1]]}"


def _weights(weights: Value) -> str:
    """What the values of a weight constant look like."""
    if not isinstance(weights, Resource):
        return "not a constant"
    return classify(weights.array.astype("float32")).reason


def _what_is_packed(value: Value) -> str:
    """Bits or levels that an operation makes floats of again."""
    owner = value.owner
    if isinstance(owner, bits.Dequantize):
        return _levels(owner.x)
    return "activations of bits"


def _levels(value: Value) -> str:
    """How many levels a tensor has, and who cuts them."""
    owner = value.owner
    while isinstance(owner, _MOVES | _POOLS):
        value, owner = owner.operands[0], owner.operands[0].owner
    if isinstance(owner, bits.ToLevels):
        return f"activations of {owner.levels + 1} levels, cut at {_title(owner)}"
    if isinstance(owner, bits.Layer | q.Layer | bits.Quantize) and owner.thr is not None:
        levels = owner.thr.shape[-1] + 1
        return f"activations of {levels} levels, cut by the thresholds of {_title(owner)}"
    return f"activations of type {value.type.scalar}"
