# SPDX-License-Identifier: Apache-2.0
"""Layers of bytes with every kind of weights, geometry and end, drawn by hypothesis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from bnnc.ir import BIT, F32, Loc, Module, Op, Scalar, Stage, TensorType, Value, q
from bnnc.ir import bin as bits
from bnnc.ir.shapes import require_levels

RANGES = {"i8": (-128, 127), "u8": (0, 255)}
WEIGHTS = {"i8": (-128, 127), "i16": (-255, 255), "bit": (-1, 1)}
Draw = Any


@dataclass(frozen=True)
class Layer:
    """A network of one layer, and inputs of it."""

    module: Module
    inputs: tuple[np.ndarray, ...]


def extremes(
    rng: np.random.Generator, kind: str, low: int, high: int, *shape: int, bit: bool = False
) -> np.ndarray:
    """Integers: any, or all as small or as large as they can be, or only such."""
    match kind:
        case "lowest":
            return np.full(shape, low)
        case "highest":
            return np.full(shape, high)
        case "ends":
            return rng.choice(np.array([low, high]), shape)
        case _:
            return (
                rng.choice(np.array([low, high]), shape)
                if bit
                else rng.integers(low, high + 1, shape)
            )


@st.composite
def byte_layers(draw: Draw) -> Layer:
    """A convolution or dense layer of bytes; its accumulators may reach the last of 32 bits."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    sign, weights = draw(st.sampled_from(["i8", "u8"])), draw(st.sampled_from(list(WEIGHTS)))
    low, high = RANGES[sign]
    groups = draw(st.sampled_from([1, 1, 1, 2, 3, 7]))
    depth = draw(st.sampled_from([1, 2, 3, 5, 8, 9, 17])) if groups < 7 else 1
    count = groups * draw(st.integers(1, 9 if groups == 1 else 3))
    amounts = st.sampled_from(["any", "any", "lowest", "highest", "ends"])
    fields: dict[str, Any] = {"x_zero": draw(st.sampled_from([low, high, 0, *range(low, high)]))}
    window: tuple[int, ...] = ()
    shape: tuple[int, ...] = (draw(st.integers(1, 3)), depth)
    cls: type[q.Layer] = q.Dense
    if draw(st.booleans()) or groups > 1:
        cls, window = q.Conv2D, (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
        dilation = draw(st.integers(1, 2)), draw(st.integers(1, 2))
        reach = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
        pad = tuple(draw(st.integers(0, reach[i % 2] - 1)) for i in range(4))
        size = [max(draw(st.integers(1, 7)), r - pad[i] - pad[i + 2]) for i, r in enumerate(reach)]
        stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
        fields |= {"stride": stride, "dilation": dilation, "groups": groups, "pad": pad}
        shape = (1, *size, depth * groups)
    w_range = WEIGHTS[weights]
    kind = draw(amounts)
    w = extremes(rng, kind, *w_range, count, *window, depth, bit=weights == "bit")
    module = Module("net", Stage.BINARIZED)
    x = Value(TensorType(shape, Scalar(sign)), name="x")
    module.func.args.append(x)
    module.func.input_names.append("x")
    type_ = TensorType(w.shape, BIT) if weights == "bit" else None
    dtype = np.int16 if weights == "i16" else np.int8
    operands = [module.add_resource("w", w.astype(dtype), type_)]
    span = int(np.abs(w).reshape(count, -1).sum(axis=1).max()) * max(
        high - fields["x_zero"], fields["x_zero"] - low
    )
    room = 2**31 - 1 - span
    bias = draw(st.sampled_from([0, min(1000, room), room]))
    numbers = extremes(rng, draw(amounts), -bias, bias, count).astype(np.int32)
    operands.append(module.add_resource("b", numbers))
    make: Any = cls
    end = _end(draw, rng, module, max(span + bias, 1), count)
    layer: q.Layer = make(x, *operands, **fields, **end)
    layer.loc = Loc(("layer",), "layer")
    module.func.append(layer)
    module.func.set_results([_readable(module, layer)])
    module.func.output_names.append("y")
    kinds = ("any", "any", "lowest", "highest", "ends")
    inputs = (extremes(rng, k, low, high, *shape).astype(x.type.dtype) for k in kinds)
    return Layer(module, tuple(inputs))


def _end(
    draw: Draw, rng: np.random.Generator, module: Module, bound: int, count: int
) -> dict[str, Any]:
    """Fields of an end: sums, bytes of each rounding, a bit, or levels."""
    end = draw(st.sampled_from(["i32", "i8", "u8", "bit", "levels"]))
    if end == "i32":
        return {"to": "i32"}
    if end in ("bit", "levels"):
        shape = (count,) if end == "bit" else (count, draw(st.sampled_from([1, 2, 3, 7, 15])))
        thr = rng.integers(-bound, bound + 1, shape).astype(np.int32)
        thr[rng.random(shape) < 0.1] = rng.choice(np.array([-(2**31), 2**31 - 1]))
        rows = module.add_resource("thr", np.sort(thr, axis=-1) if end == "levels" else thr)
        to = "bit" if end == "bit" else str(require_levels(rows.type, count))
        return {"thr": rows, "to": to}
    low, high = RANGES[end]
    bounds = sorted(draw(st.integers(low, high)) for _ in range(2))
    lo, hi = (low, high) if draw(st.booleans()) else bounds
    rounding = draw(st.sampled_from(["double", "single", "float"]))
    fields: dict[str, Any] = {"to": end, "rounding": rounding, "lo": lo, "hi": hi}
    fields["y_zero"] = draw(st.integers(low, high))
    if rounding == "float":
        factors = 200.0 / bound * rng.choice(np.array([1e-3, 0.5, 1, 2]), count)
        return fields | {"multiplier": module.add_resource("m", factors.astype(np.float32))}
    multiplier = rng.integers(2**30, 2**31, count).astype(np.int32)
    multiplier[rng.random(count) < 0.1] = rng.choice(np.array([0, 2**30, 2**31 - 1]))
    # About 8 bits of sums are left; now and then one result is shifted to its end.
    usual = 8 - bound.bit_length()
    largest = 31 - bound.bit_length() if rounding == "double" else 30
    shift = np.clip(rng.integers(usual - 3, usual + 3, count), -31, largest)
    shift[rng.random(count) < 0.1] = rng.choice(np.array([-31, min(largest, 30)]))
    fields["multiplier"] = module.add_resource("m", multiplier)
    fields["shift"] = module.add_resource("s", shift.astype(np.int32))
    return fields


def _readable(module: Module, layer: q.Layer) -> Value:
    """Bits and levels as floats, which a network can return."""
    scalar = layer.result.type.scalar
    if scalar in (Scalar("i8"), Scalar("u8"), Scalar("i32")):
        return layer.result
    op: Op
    if scalar == BIT:
        op = bits.Unpack(layer.result)
    else:
        op = bits.Dequantize(layer.result, scale=1.0, offset=0.0)
    op.loc = Loc(("read",), "read")
    assert op.result.type.scalar == F32
    module.func.append(op)
    return op.result
