# SPDX-License-Identifier: Apache-2.0
"""What each stage asks of a module, beside the general rules of `bnnc.ir.verifier`.

====================  =============================================================================
imported              ``nn`` and ``q`` operations on plain values, nothing of a target
canonical             and no operation on constants alone, but `q.dequantize`
binarized             layers are ``bin.*``; kernels and layouts only once a target is chosen
lowered               a target, a kernel for every operation but aliases, a layout for all bits
planned               and a place in the arena for every result
====================  =============================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from . import bin, nn, q
from .diagnostics import IRError
from .finding import Finding
from .layouts import layout_of
from .module import Module, Stage
from .operation import Op
from .types import BIT, TERN
from .value import Resource, Value

StageRule: TypeAlias = Callable[[Module, Stage], Iterable[Finding]]
# Operations that move elements, whatever these are.
MOVES = (nn.Concat, nn.Pad, nn.Reshape, nn.Slice, nn.Split, nn.Transpose)
IN_CALLER = -1  # the `at` of a result that lies in a buffer of the caller


def only_float_dialect(module: Module, stage: Stage) -> Iterator[Finding]:
    """Operations of the ``bin`` dialect come with binarization."""
    for op in module.func.ops:
        if op.NAME.startswith("bin."):
            yield Finding(f"{op.NAME} does not belong to stage {stage.value}", op)


def no_packed_scalars(module: Module, stage: Stage) -> Iterator[Finding]:
    """Bits, ternary and few-bit values come with binarization."""
    for value, where in _values(module):
        if not value.type.scalar.is_float and value.type.scalar.name[0] not in "iu":
            message = f"{value.type.scalar} does not belong to stage {stage.value}"
            yield Finding(message, where)


def no_layouts(module: Module, stage: Stage) -> Iterator[Finding]:
    """Layouts come with a target."""
    for value, where in _values(module):
        if value.type.layout is not None:
            yield Finding(f"layout #{value.type.layout} without a target", where)


def no_kernels(module: Module, stage: Stage) -> Iterator[Finding]:
    """Kernels come with a target."""
    for op in module.func.ops:
        if op.kernel is not None:
            yield Finding(f"kernel '{op.kernel}' without a target", op)


def nothing_of_a_target(module: Module, stage: Stage) -> Iterator[Finding]:
    """Neither kernels nor layouts, unless a target is chosen already."""
    if "target" not in module.attrs:
        yield from no_kernels(module, stage)
        yield from no_layouts(module, stage)


def no_places(module: Module, stage: Stage) -> Iterator[Finding]:
    """Places in the arena come with planning."""
    for op in module.func.ops:
        if op.at is not None:
            yield Finding(f"'at' does not belong to stage {stage.value}", op)


def constants_folded(module: Module, stage: Stage) -> Iterator[Finding]:
    """Operations on constants alone have been evaluated."""
    for op in module.func.ops:
        if op.operands and all(isinstance(v, Resource) for v in op.operands):
            yield Finding(f"{op.NAME} of constants alone", op, "run fold-constants first")


def constants_folded_but_quantized(module: Module, stage: Stage) -> Iterator[Finding]:
    """The same, but for quantized constants: their integers may be a layer's weights."""
    for finding in constants_folded(module, stage):
        if not isinstance(finding.where, q.Dequantize):
            yield finding


def layers_have_kinds(module: Module, stage: Stage) -> Iterator[Finding]:
    """Convolutions and dense layers are those of the ``bin`` dialect."""
    for op in module.func.ops:
        if isinstance(op, nn.Conv2D | nn.Dense):
            yield Finding(f"{op.NAME} does not belong to stage {stage.value}", op)


def floats_for_float_operations(module: Module, stage: Stage) -> Iterator[Finding]:
    """Bits are computed with in the ``bin`` dialect only; ``nn`` operations may move them."""
    for op in module.func.ops:
        if op.NAME.startswith("nn.") and not isinstance(op, MOVES):
            for name, value in op.operand_slots():
                if value is not None and value.type.scalar in (BIT, TERN):
                    yield Finding(f"operand {name} of {op.NAME} is {value.type}", op)


def target_chosen(module: Module, stage: Stage) -> Iterator[Finding]:
    """The module names its target."""
    if not isinstance(module.attrs.get("target"), str):
        yield Finding('the module attribute target = "..." is missing')


def kernels_chosen(module: Module, stage: Stage) -> Iterator[Finding]:
    """Every operation has a kernel, except reshapes that leave all bytes where they are."""
    for op in module.func.ops:
        if op.kernel is None and not _is_alias(op):
            yield Finding(f"{op.NAME} has no kernel", op)


def _is_alias(op: Op) -> bool:
    if not isinstance(op, nn.Reshape | bin.Reshape):
        return False
    layout = op.x.type.layout
    return layout == op.result.type.layout and (layout is None or keeps_rows(op))


def keeps_rows(op: Op) -> bool:
    """Whether a reshape keeps packed rows, or none has padding bits (bytes hold 8 channels)."""
    before, after = op.operands[0].shape, op.result.shape
    if not before or not after:
        return False
    return before[-1] == after[-1] or not any(shape[-1] % 8 for shape in (before, after))


def bits_have_layouts(module: Module, stage: Stage) -> Iterator[Finding]:
    """All bit and ternary values that kernels compute with are stored in a layout."""
    for op in module.func.ops:
        if isinstance(op, (*MOVES, bin.Relayout)):
            continue
        for name, value in op.operand_slots():
            # The parameters of a threshold's expression are kept for checking, not executed.
            if name != "params" and value is not None:
                yield from _unpacked(value, f"operand {name}", op)
        for result in op.results:
            yield from _unpacked(result, "the result", op)


def _unpacked(value: Value, what: str, op: Op) -> Iterator[Finding]:
    if value.type.scalar in (BIT, TERN) and value.type.layout is None:
        yield Finding(f"{what} is {value.type} without a layout", op)


def arena_declared(module: Module, stage: Stage) -> Iterator[Finding]:
    """The module says how large the arena is and how it is aligned."""
    for name, least in (("arena_bytes", 0), ("arena_align", 1)):
        value = module.attrs.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            yield Finding(f"the module attribute {name} must be an integer >= {least}")


def places_in_arena(module: Module, stage: Stage) -> Iterator[Finding]:
    """Every result has an aligned place inside the arena, or lies with the caller."""
    size, align = (module.attrs.get(n) for n in ("arena_bytes", "arena_align"))
    if not isinstance(size, int) or not isinstance(align, int) or align < 1:
        return
    for op in module.func.ops:
        places = op.at or ()
        if len(places) != len(op.results):
            yield Finding(f"'at' has {len(places)} places for {len(op.results)} results", op)
            continue
        for at, result in zip(places, op.results, strict=True):
            end = at + layout_of(result.type).nbytes(result.type)
            if at == IN_CALLER:
                continue
            if at < 0 or end > size:
                yield Finding(f"bytes {at} to {end} leave the arena of {size}", op)
            if at % align:
                yield Finding(f"at = {at} is not a multiple of {align}", op)


def accumulators_fit(module: Module, stage: Stage) -> Iterator[Finding]:
    """Accumulators of quantized layers are proved from the constants to fit into 32 bits."""
    for op in module.func.ops:
        if isinstance(op, q.Layer | q.DynamicLayer):
            try:
                q.require_accumulators(op)
            except IRError as error:
                yield Finding(error.message, op, error.hint)


def _values(module: Module) -> Iterator[tuple[Value, Op | Resource | None]]:
    """All values and where to show them."""
    for arg in module.func.args:
        yield arg, None
    for resource in module.resources.values():
        yield resource, resource
    for op in module.func.ops:
        for result in op.results:
            yield result, op


_BEFORE_BITS: tuple[StageRule, ...] = (
    only_float_dialect,
    no_packed_scalars,
    no_layouts,
    no_kernels,
    no_places,
    accumulators_fit,
)
_BITS: tuple[StageRule, ...] = (
    constants_folded,
    layers_have_kinds,
    floats_for_float_operations,
    accumulators_fit,
)
_FOR_TARGET: tuple[StageRule, ...] = (*_BITS, target_chosen, kernels_chosen, bits_have_layouts)

STAGE_RULES: dict[Stage, tuple[StageRule, ...]] = {
    Stage.IMPORTED: _BEFORE_BITS,
    Stage.CANONICAL: (*_BEFORE_BITS, constants_folded_but_quantized),
    Stage.BINARIZED: (*_BITS, nothing_of_a_target, no_places),
    Stage.LOWERED: (*_FOR_TARGET, no_places),
    Stage.PLANNED: (*_FOR_TARGET, arena_declared, places_in_arena),
}
