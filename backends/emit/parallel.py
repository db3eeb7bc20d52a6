# SPDX-License-Identifier: Apache-2.0
"""Layers whose work is split among threads: the same kernel call on a part of the layer.

A part is a layer of its own: of several samples some, of an image some rows of the result, of a
single vector some output channels. Which one it is depends on the shapes alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bnnc.ir import BIT, Resource, Value, bin, q
from bnnc.ir.layouts import layout_of
from bnnc.ir.types import TensorType

from ..params import Call, nbytes_of
from . import c_text
from .program import Pointers, Program, Step, c_type

_TILE = 8
_C_BYTES = {"float": 4, "int32_t": 4, "int16_t": 2, "uint8_t": 1}
# Products that are worth a part of their own: it takes some microseconds to wake a thread.
WORTH = {"b": 1 << 20, "": 1 << 17}
# Bytes that a part needs on the stack besides what the kernel does: its parameters and the job.
STACK_BYTES = 384


@dataclass(frozen=True)
class Split:
    """How a call is split.

    Attributes:
        unit: ``n``, ``oh`` or ``oc``: the field of the parameters that is split.
        step: parts begin at multiples of it.
        count: how many parts there can be at most.
        strides: by operand (the result is the last one), how many elements lie between two units;
            of rows of the input, between two rows.
    """

    unit: str
    step: int
    count: int
    strides: tuple[int, ...]


def split_of(step: Step) -> Split | None:
    """How a step is split, where it is a layer that can be and is worth it; else None."""
    found = _split_of(step)
    if found is None:
        return None
    (call,) = step.calls
    assert isinstance(step.op, bin.Layer | q.Layer)
    products = step.op.w.type.size // step.op.w.shape[0] * call.result.type.size
    both_bits = step.op.x.type.scalar == step.op.w.type.scalar == BIT
    parts = min(found.count, products // WORTH["b" if both_bits else ""])
    return replace(found, count=parts) if parts > 1 else None


def _split_of(step: Step) -> Split | None:
    op = step.op
    if not isinstance(op, bin.Layer | q.Layer) or len(step.calls) != 1:
        return None
    (call,) = step.calls
    if call.kernel.params != "conv2d" or not call.operands or call.operands[0] is not op.x:
        return None
    fields = {name: v for name, v in call.fields.items() if isinstance(v, int)}
    if any(v.type.layout == "lp8" for v in (op.x, call.result)):
        return None  # the planes of all samples and rows lie one after the other
    if fields["n"] > 1:
        return _along(call, "n", fields["n"], fields["n"], fields["n"])
    last_row = (fields["oh"] - 1) * fields["stride_h"] - fields["pad_top"]
    if fields["oh"] > 1 and last_row < fields["ih"]:
        return _along(call, "oh", fields["oh"], fields["ih"], fields["oh"])
    if fields["oh"] * fields["ow"] == 1 and fields["oc"] > _TILE and fields["groups"] == 1:
        return _of_channels(call, op.w, fields["oc"])
    return None


def _along(call: Call, unit: str, count: int, x_units: int, y_units: int) -> Split:
    """Samples or rows: weights and what belongs to channels stay as they are."""
    strides = [0] * len(call.operands)
    strides[0] = _elements(call.operands[0]) // x_units
    return Split(unit, 1, count, (*strides, _elements(call.result) // y_units))


def _of_channels(call: Call, w: Value, oc: int) -> Split | None:
    tile = _tile_bytes(w)
    if tile is None:
        return None
    strides: list[int] = []
    for value in call.operands[1:]:
        if value is None:
            strides.append(0)
        elif value is w:
            strides.append(tile // _C_BYTES[c_type(w)])
        elif value.shape == (oc,) and value.type.layout is None:
            strides.append(_TILE)
        else:
            return None
    y = 1 if call.result.type.layout is not None else _TILE
    return Split("oc", _TILE, -(-oc // _TILE), (0, *strides, y))


def _tile_bytes(w: Value) -> int | None:
    """Bytes of the weights of eight channels, if those of all channels are such pieces in a row."""
    if not isinstance(w, Resource):
        return None
    layout = layout_of(w.type)
    packed = layout.pack(w.array, w.type)
    size = layout.nbytes(TensorType((_TILE, *w.shape[1:]), w.type.scalar, w.type.layout))
    for first in range(0, w.shape[0], _TILE):
        part = w.array[first : first + _TILE]
        own = layout.pack(part, TensorType(part.shape, w.type.scalar, w.type.layout))
        at = first // _TILE * size
        if not np.array_equal(packed[at : at + own.size], own):
            return None
    return size


def _elements(value: Value | None) -> int:
    assert value is not None
    return nbytes_of(value.type) // _C_BYTES[c_type(value)]


def render_job(program: Program) -> str:
    """The struct with what all parts read."""
    func = program.module.func
    fields = ["    const uint8_t *w;", "    uint8_t *a;"]
    fields += [f"    const {c_type(v)} *in{i};" for i, v in enumerate(func.args)]
    fields += [f"    {c_type(v)} *out{i};" for i, v in enumerate(func.results)]
    lines = "\n".join(fields)
    return f"/* What all parts of a layer read. */\ntypedef struct {{\n{lines}\n}} job;"


def render_part(step: Step, split: Split, pointers: Pointers, params: str) -> str:
    """The function that computes a part of a step."""
    (call,) = step.calls
    unit = "r.begin" if split.step == 1 else f"r.begin / {split.step}"
    own = [pointers.of(v) for v in (*call.operands, call.result)]
    shifted: list[str] = []
    for i, (text, stride) in enumerate(zip(own, split.strides, strict=True)):
        by = "before" if split.unit == "oh" and i == 0 else unit
        shifted.append(f"{text} + {by} * (ptrdiff_t){stride}" if stride else text)
    used = " ".join(shifted)
    names = [f"in{i}" for i in range(len(pointers.program.module.func.args))]
    names += [f"out{i}" for i in range(len(pointers.program.module.func.results))]
    lines = [
        f"static void part{step.index}(const void *of, int32_t index, int32_t parts) {{",
        "    const job *j = (const job *)of;",
        f"    bnnc_conv2d p = {params};",
        f"    const bnnc_range r = bnnc_range_of(p.{split.unit}, {split.step}, index, parts);",
    ]
    if "W_" in used:
        lines.append("    const uint8_t *w = j->w;")
    if "A_" in used:
        lines.append("    uint8_t *a = j->a;")
    if split.unit == "oh":
        lines.append("    const ptrdiff_t before = bnnc_rows_of_conv2d(&p, r);")
    else:
        lines.append(f"    p.{split.unit} = r.end - r.begin;")
    words = set(used.replace("(", " ").replace(")", " ").split())
    shifted = [_from_job(text, [n for n in names if n in words]) for text in shifted]
    lines.append(c_text.call(f"BNNC_SYM({call.kernel.symbol})", ["&p", *shifted], "    "))
    return "\n".join([*lines, "}"])


def _from_job(text: str, names: list[str]) -> str:
    """A pointer to a caller's buffer is one of the job's."""
    head, space, rest = text.partition(" ")
    return f"j->{head}{space}{rest}" if head in names else text


def render_split_call(step: Step, split: Split) -> str:
    """The statement that runs all parts."""
    return f"    bnnc_run_parts(ctx->parallel, part{step.index}, &all, {split.count});"
