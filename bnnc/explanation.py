# SPDX-License-Identifier: Apache-2.0
"""One line per convolution and dense layer: its kind, why it is not binary, what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase

from bnnc.ir import bin as bits
from bnnc.ir import nn, q
from bnnc.ir.diagnostics import CheckError, Diagnostic, Remark, UsageError, did_you_mean
from bnnc.ir.layouts import layout_of
from bnnc.ir.module import Module
from bnnc.ir.types import BIT
from bnnc.ir.value import Value

from .reasons import Reasons, packs_again

HYBRID = (
    "byte weights became floats (dynamic range quantization): activations stay float here, while "
    "TensorFlow Lite cuts them to bytes at run time"
)
LAYERS = (bits.Layer, q.Layer, q.DynamicLayer)
KINDS = ("ff", "ii", "fb", "ib", "bb", "fewbit", "other")


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
class FloatCut:
    """A sign or rounding that cuts floats, since no layer could do it by thresholds."""

    name: str
    source_op: str
    why: str


@dataclass(frozen=True)
class Explanation:
    """All layers in graph order, and the cuts that no layer does itself."""

    target: str
    layers: tuple[LayerLine, ...]
    cuts: tuple[FloatCut, ...] = ()

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


def explain_module(given: Module, planned: Module, remarks: Sequence[Remark] = ()) -> Explanation:
    """Explain a planned module in the order in which `given` has its nodes.

    Args:
        given: the module as it was read.
        planned: the same at stage planned, or binarized where no kernels are.
        remarks: what the passes between them said; some are reasons.
    """
    places = {op.loc.name: i for i, op in enumerate(given.func.ops)}
    ops = sorted(planned.func.ops, key=lambda op: places.get(op.loc.name, len(places)))
    names = dict(zip(planned.func.args, planned.func.input_names, strict=True))
    reasons = Reasons(names, remarks)
    return Explanation(
        str(planned.attrs.get("target", "")),
        tuple(_line(op, reasons) for op in ops if isinstance(op, LAYERS)),
        tuple(
            FloatCut(op.loc.name, op.loc.op, reasons.float_cut(op))
            for op in ops
            if isinstance(op, bits.Pack | bits.Threshold | bits.ToLevels | bits.Quantize)
            and not packs_again(op)
        ),
    )


def _line(op: bits.Layer | q.Layer | q.DynamicLayer, reasons: Reasons) -> LayerLine:
    samples = op.result.shape[0] or 1
    if not isinstance(op, bits.Layer):
        kind = "ib" if op.w.type.scalar == BIT else "ii"
        why = f"{op.x.type.scalar} activations and {op.w.type.scalar} weights"
    else:
        kind, why = op.KIND if op.KIND in KINDS else "fewbit", reasons.not_binary(op)
    return LayerLine(
        name=op.loc.name,
        source_op=op.loc.op,
        kind=kind,
        why=why,
        weight_bytes=layout_of(op.w.type).nbytes(op.w.type),
        macs=op.result.type.size // samples * op.taps,
        kernel=op.kernel or "",
    )


def input_layout(value: Value) -> str:
    """The axis order of an input: a frontend turns NCHW graphs by a transpose at the input."""
    rank = value.type.rank
    users = value.users
    turned = users and all(isinstance(u, nn.Transpose) and u.perm == (0, 2, 3, 1) for u in users)
    if rank == 4:
        return "NCHW" if turned else "NHWC"
    return {1: "N", 2: "NC", 3: "NWC"}.get(rank, "row-major")
