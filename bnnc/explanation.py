# SPDX-License-Identifier: Apache-2.0
"""One line per convolution and dense layer: its kind, why it is not binary, what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase

from bnnc.ir import bin as bits
from bnnc.ir import nn
from bnnc.ir.diagnostics import CheckError, Diagnostic, UsageError, did_you_mean
from bnnc.ir.layouts import layout_of
from bnnc.ir.module import Module
from bnnc.ir.value import Resource, Value
from bnnc.passes.weights import classify

KINDS = ("ff", "ii", "fb", "ib", "bb", "fewbit", "other")
_TERNARY = {"ft": "f x tern", "bt": "bit x tern"}


@dataclass(frozen=True)
class LayerLine:
    """What is known of one layer.

    Attributes:
        name: public name of its node.
        source_op: the node's type in the source.
        kind: activations, then weights: f float, i int8, b bit; ``fewbit`` and ``other``.
        why: empty for a binary layer, else what keeps it from being one.
        weight_bytes: packed weights, without thresholds, factors and biases.
        macs: products per sample.
        kernel: symbol of the kernel that runs it.
    """

    name: str
    source_op: str
    kind: str
    why: str
    weight_bytes: int
    macs: int
    kernel: str


@dataclass(frozen=True)
class Explanation:
    """All layers in graph order."""

    target: str
    layers: tuple[LayerLine, ...]

    def to_json(self) -> dict[str, object]:
        """``{"layers": [...]}`` with the fields of `LayerLine`."""
        return {"layers": [asdict(layer) for layer in self.layers]}

    def expect(self, kinds: Sequence[tuple[str, str]]) -> None:
        """Check that the layers of a name (or glob) are of a kind.

        Args:
            kinds: pairs of name and kind.

        Raises:
            UsageError: for an unknown kind and for a name that no layer has.
            CheckError: listing every layer that is of another kind.
        """
        wrong: list[Diagnostic] = []
        for name, kind in kinds:
            if kind not in KINDS:
                raise UsageError(
                    f"unknown kind '{kind}'",
                    hint=did_you_mean(kind, KINDS) or f"one of {', '.join(KINDS)}",
                )
            layers = [line for line in self.layers if fnmatchcase(line.name, name)]
            if not layers:
                names = [line.name for line in self.layers]
                raise UsageError(
                    f"no layer is called '{name}'",
                    hint=did_you_mean(name, names) or f"the layers are {', '.join(names)}",
                )
            wrong += [
                Diagnostic(f"layer '{line.name}' is {line.kind}, not {kind}", hint=line.why)
                for line in layers
                if line.kind != kind
            ]
        if wrong:
            raise CheckError(wrong[0].message, diagnostics=wrong)


def explain_module(given: Module, planned: Module) -> Explanation:
    """Explain the layers of a planned module in the order in which `given` has their nodes."""
    places = {op.loc.name: i for i, op in enumerate(given.func.ops)}
    layers = [op for op in planned.func.ops if isinstance(op, bits.Layer)]
    layers.sort(key=lambda op: places.get(op.loc.name, len(places)))
    names = dict(zip(planned.func.args, planned.func.input_names, strict=True))
    target = str(planned.attrs.get("target", ""))
    return Explanation(target, tuple(_line(op, names) for op in layers))


def _line(op: bits.Layer, names: Mapping[Value, str]) -> LayerLine:
    samples = op.result.shape[0] or 1
    kind, why = op.KIND, ""
    if op.KIND in _TERNARY:
        kind = "fewbit"
        why = f"{_TERNARY[op.KIND]}: {classify_weights(op.w)}"
    elif op.KIND == "fb":
        why = f"float activations: {_source(op.x, names)}"
    elif op.KIND == "ff":
        why = f"float weights: {classify_weights(op.w)}"
        if not isinstance(op.x.owner, bits.Unpack):
            why += f"; float activations: {_source(op.x, names)}"
    return LayerLine(
        name=op.loc.name,
        source_op=op.loc.op,
        kind=kind,
        why=why,
        weight_bytes=layout_of(op.w.type).nbytes(op.w.type),
        macs=op.result.type.size // samples * op.taps,
        kernel=op.kernel or "",
    )


def classify_weights(weights: Value) -> str:
    """What the values of a weight constant look like, in words."""
    if not isinstance(weights, Resource):
        return "not a constant"
    return classify(weights.array.astype("float32")).reason


def _source(value: Value, names: Mapping[Value, str]) -> str:
    """Where a float activation comes from, in words."""
    owner = value.owner
    while isinstance(owner, nn.Reshape | nn.Transpose | nn.Pad):
        value, owner = owner.x, owner.x.owner
    if owner is None:
        return f"reads the network's input '{names.get(value, value.name)}'"
    if isinstance(owner, bits.Unpack):
        return "reads bits as floats, since its padding is neither -1, 0 nor 1"
    what = owner.loc.op or owner.NAME
    return f"reads '{owner.loc.name}' ({what})"


def input_layout(value: Value) -> str:
    """The axis order of an input: a frontend turns NCHW graphs by a transpose at the input."""
    rank = value.type.rank
    users = value.users
    turned = users and all(isinstance(u, nn.Transpose) and u.perm == (0, 2, 3, 1) for u in users)
    if rank == 4:
        return "NCHW" if turned else "NHWC"
    return {1: "N", 2: "NC", 3: "NWC"}.get(rank, "row-major")
