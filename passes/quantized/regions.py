# SPDX-License-Identifier: Apache-2.0
"""Which operations are to work on bytes, and which of their results are to be bytes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from bnnc.ir import bin as bits
from bnnc.ir import nn
from bnnc.ir.diagnostics import UsageError, did_you_mean
from bnnc.ir.module import Module
from bnnc.ir.operation import Op, Return
from bnnc.ir.types import F32
from bnnc.ir.value import Resource, Value

from ..constants import scalar_constant
from .annotations import SAME_LEVELS, annotated_levels

FLOAT_KINDS = ("ff", "fb", "ft")
# What cuts floats to bits or few-bit levels.
CUTS = (
    *(bits.Pack, bits.Threshold, bits.ToLevels, bits.Quantize),
    *(nn.Compare, nn.MultiThreshold, nn.Round, nn.Sign),
)
# Operations that bytes can do, in a form that `fuse-quantized` knows.
ON_BYTES = (
    *(nn.Abs, nn.Add, nn.AvgPool, nn.Clip, nn.Concat, nn.LeakyRelu, nn.MaxPool, nn.Mul, nn.Neg),
    *(nn.PRelu, nn.Pad, nn.Reduce, nn.Relu, nn.Reshape, nn.Sigmoid, nn.Slice, nn.Split, nn.Sub),
    *(nn.Gather, nn.Tanh, nn.Transpose, bits.Affine),
)
_BEFORE_BOUNDS = (bits.Layer, bits.Affine, nn.Add, nn.AvgPool, nn.Mul, nn.Reduce, nn.Sub)


@dataclass
class Region:
    """The part of a module that is to be in bytes.

    Attributes:
        integer: operations that are to work on bytes.
        quantized: values that are to be bytes.
        cut: operations whose results reach a sign or a rounding without another layer between;
            what they read stays as exact as it is.
        whole: the results of the network are to be bytes too, and arithmetic in front of its first
            layer is to be on bytes.
    """

    integer: dict[Op, bool] = field(default_factory=dict[Op, bool])
    quantized: dict[Value, bool] = field(default_factory=dict[Value, bool])
    cut: dict[Op, bool] = field(default_factory=dict[Op, bool])
    whole: bool = False

    @classmethod
    def of(cls, module: Module, keep: Collection[str], *, whole: bool = False) -> Region:
        """Find the region of a binarized module with levels in its types.

        Args:
            module: the module.
            keep: layers (names or globs) that stay in float.
            whole: as the attribute.
        """
        found = cls(whole=whole)
        found._mark_cuts(module)
        raw: set[Value] = set(module.func.args)
        for op in module.func.ops:
            inputs = [v for v in op.operands if not isinstance(v, Resource)]
            is_raw = not isinstance(op, bits.Layer) and all(v in raw for v in inputs)
            if is_raw:
                raw.update(op.results)
            if not kept(op, keep) and found._can_be_integer(op, is_raw):
                found.integer[op] = True
        if whole:
            for value in module.func.results:
                if annotated_levels(value) is not None:
                    found.quantized[value] = True
        for op in reversed(module.func.ops):
            if op.results[0] in raw and not whole and not found._serves_bytes(op):
                found.integer.pop(op, None)  # the floats of the network's input are exact
            found._mark_values(op)
        return found

    def reads_bytes(self, op: Op, value: Value) -> bool:
        """Whether an operation reads the bytes of a value that has some."""
        return value in self.quantized and (op in self.integer or op not in self.cut)

    def _mark_cuts(self, module: Module) -> None:
        for op in reversed(module.func.ops):
            if isinstance(op, CUTS) or (
                not isinstance(op, bits.Layer)
                and any(user in self.cut for v in op.results for user in v.users)
            ):
                self.cut[op] = True

    def _can_be_integer(self, op: Op, is_raw: bool) -> bool:
        if any(annotated_levels(v) is None for v in op.results if v.type.scalar == F32):
            return False
        if is_float_layer(op):
            return annotated_levels(op.operands[0]) is not None and pads_zero(op)
        kinds = (*ON_BYTES, nn.Softmax) if self.whole else ON_BYTES
        if op in self.cut or not isinstance(op, kinds) or not _has_integer_form(op):
            return False
        if is_raw and not self.whole and not isinstance(op, (*SAME_LEVELS, nn.Clip, nn.Relu)):
            return False  # scaling of inputs would cost an error of its own
        return all(
            isinstance(v, Resource)
            or (annotated_levels(v) is not None and (v.owner is None or v.owner in self.integer))
            for v in op.operands
        )

    def _serves_bytes(self, op: Op) -> bool:
        return any(user in self.integer for v in op.results for user in v.users)

    def _mark_values(self, op: Op) -> None:
        """Bytes are what integer operations read, and what all but layers among them write.

        A layer that nobody reads in bytes gives its exact sums as floats; bounds behind it are
        part of it.
        """
        if op not in self.integer:
            return
        wanted = not is_float_layer(self._root(op)) and not any(
            self.is_bound(user) for v in op.results for user in v.users
        )
        if wanted and not any(
            isinstance(user, Return) or user not in self.cut for v in op.results for user in v.users
        ):
            wanted = False
        for value in op.results:
            if wanted and value.type.scalar == F32:
                self.quantized[value] = True
        if self.is_bound(op) and not any(v in self.quantized for v in op.results):
            return
        for value in op.operands:
            if not isinstance(value, Resource) and not self._is_inside(op, value):
                self.quantized[value] = True

    def is_bound(self, op: Op) -> bool:
        """Whether an operation is a relu or clip that becomes the bounds of what stands before."""
        return (
            isinstance(op, nn.Relu | nn.Clip)
            and op in self.integer
            and op.x.use_count == 1
            and op.x.owner in self.integer
            and (isinstance(op.x.owner, _BEFORE_BOUNDS) or self.is_bound(op.x.owner))
        )

    def _root(self, op: Op) -> Op:
        """The operation that an operation is a bound of, or itself."""
        while self.is_bound(op) and op.operands[0].owner is not None:
            op = op.operands[0].owner
        return op

    def _is_inside(self, op: Op, value: Value) -> bool:
        return self.is_bound(op) and value is op.operands[0]


def names_of(keep: str) -> list[str]:
    """The names and globs of layers that stay in float, as passes are given them: ``a;b*``."""
    return [name for name in keep.split(";") if name]


def kept(op: Op, keep: Collection[str]) -> bool:
    """Whether an operation belongs to a layer of one of the names or globs."""
    return any(fnmatchcase(name, k) for name in op.loc.names for k in keep)


def known_names(module: Module, keep: str) -> list[str]:
    """The names and globs of `names_of`, each of which some layer must have.

    Raises:
        UsageError: no layer has one of them.
    """
    names = names_of(keep)
    known = [name for op in module.func.ops for name in op.loc.names]
    for name in names:
        if not any(kept(op, [name]) for op in module.func.ops):
            raise UsageError(
                f"no layer is called '{name}'",
                hint=did_you_mean(name, known) or "`bnnc explain` lists the layers",
            )
    return names


def stays_float(op: Op, keep: Collection[str]) -> bool:
    """Whether a layer behind `insert-quantizers` stays in float: by name, or without levels."""
    result = op.results[0]
    return kept(op, keep) or (result.type.scalar == F32 and annotated_levels(result) is None)


def is_float_layer(op: Op) -> bool:
    """Whether an operation is a layer that reads floats, with constant weights."""
    return isinstance(op, bits.Layer) and op.KIND in FLOAT_KINDS and isinstance(op.w, Resource)


def pads_zero(op: Op) -> bool:
    """Whether what lies outside of the image counts as 0."""
    return not isinstance(op, bits.ConvLayer) or op.pad_value == 0.0 or not any(op.pad)


def _has_integer_form(op: Op) -> bool:
    """Whether the arithmetic of bytes has this very operation."""
    match op:
        case nn.Reduce():
            return op.kind == "mean"
        case nn.Pad():
            return op.value == 0.0
        case nn.AvgPool():
            return op.include_pad or not any(op.pad)
        case bits.Affine():
            return op.x.type.rank == 4
        case nn.Softmax():
            return op.x.shape[-1] < 2**12
        case nn.Add() | nn.Sub() | nn.Mul():
            constants = [v for v in op.operands if isinstance(v, Resource)]
            return all(scalar_constant(v) is not None for v in constants)
        case nn.PRelu():
            return scalar_constant(op.slope) is not None
        case _:
            return True
