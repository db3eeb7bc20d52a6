# SPDX-License-Identifier: Apache-2.0
"""From an operation to the parameter structs of its kernel calls (``bnnc/params.h``)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from bnnc.ir import bin, nn, q
from bnnc.ir.diagnostics import TargetError
from bnnc.ir.layouts import layout_of
from bnnc.ir.operation import Op
from bnnc.ir.shapes import normal_axis
from bnnc.ir.types import TensorType
from bnnc.ir.value import Value

from .byte_params import (
    binary_fields,
    element_fields,
    layer_fields,
    mean_fields,
    pool_fields,
)
from .kernel_table import Kernel

MAX_DIMS = 6
INT32_MAX = 2**31 - 1
Field: TypeAlias = int | float | tuple[int, ...]
Fields: TypeAlias = dict[str, Field]


@dataclass(frozen=True)
class Call:
    """One kernel call: the fields of its parameter struct, operands (None is NULL), and result."""

    kernel: Kernel
    fields: Fields
    operands: tuple[Value | None, ...]
    result: Value


def calls_of(op: Op, kernel: Kernel) -> list[Call]:
    """The kernel calls that compute an operation, in order.

    Raises:
        TargetError: the tensor has too many axes, or a size does not fit 32 bits.
    """
    if kernel.params == "copy":
        calls = [Call(kernel, f, (x,), y) for f, x, y in _copies(op)]
    else:
        slots = dict(op.operand_slots())
        operands = tuple(slots.get(name) for name in kernel.operands)
        calls = [Call(kernel, _BUILDERS[kernel.params](op), operands, op.result)]
    for call in calls:
        for name, field in call.fields.items():
            numbers = field if isinstance(field, tuple) else (field,)
            if any(isinstance(n, int) and abs(n) > INT32_MAX for n in numbers):
                raise TargetError(f"{op.NAME} at '{op.loc.name}': {name} does not fit 32 bits")
    return calls


def _conv2d(op: Any) -> Fields:
    if isinstance(op, bin.DenseLayer | q.Dense | q.DynamicDense):
        n, ic, oc = op.x.shape[0], op.x.shape[1], op.w.shape[0]
        image: Fields = {
            "n": n,
            "ih": 1,
            "iw": 1,
            "ic": ic,
            "oh": 1,
            "ow": 1,
            "oc": oc,
            "kh": 1,
            "kw": 1,
        }
        stride, dilation, pad, groups = (1, 1), (1, 1), (0, 0, 0, 0), 1
    else:
        (n, ih, iw, ic), (_, oh, ow, oc) = op.x.shape, op.result.shape
        kh, kw = op.w.shape[1:3]
        image = {"n": n, "ih": ih, "iw": iw, "ic": ic, "oh": oh, "ow": ow, "oc": oc}
        image |= {"kh": kh, "kw": kw}
        stride, dilation, pad, groups = op.stride, op.dilation, op.pad, op.groups
    image |= {
        "stride_h": stride[0],
        "stride_w": stride[1],
        "dilation_h": dilation[0],
        "dilation_w": dilation[1],
        "pad_top": pad[0],
        "pad_left": pad[1],
        "groups": groups,
    }
    packed, thr = isinstance(op, bin.Layer), getattr(op, "thr", None)
    return {
        **image,
        "nan_minus": int(getattr(op, "nan", "plus") == "minus"),
        "bits_in": (op.x.type.scalar.level_bits or 0) if packed else 0,
        "bits_out": (op.result.type.scalar.level_bits or 0) if packed or thr else 0,
        "levels": thr.shape[1] if thr is not None and thr.type.rank == 2 else 0,
        **layer_fields(op),
        "pad_value": float(op.pad_value) if isinstance(op, bin.ConvLayer) else 0.0,
    }


def _pool2d(op: nn.MaxPool | nn.AvgPool | bin.MaxPool | q.MaxPool | q.AvgPool) -> Fields:
    (n, ih, iw, c), (_, oh, ow, _) = op.x.shape, op.result.shape
    return {
        "n": n,
        "ih": ih,
        "iw": iw,
        "c": c,
        "oh": oh,
        "ow": ow,
        "kh": op.kernel_size[0],
        "kw": op.kernel_size[1],
        "stride_h": op.stride[0],
        "stride_w": op.stride[1],
        "pad_top": op.pad[0],
        "pad_left": op.pad[1],
        "include_pad": int(getattr(op, "include_pad", False)),
        "bits": op.x.type.scalar.level_bits or 0,
        **pool_fields(op),
    }


def _matrix(shape: Sequence[int]) -> tuple[int, int]:
    """Rows and columns of a tensor whose last axis is the channels."""
    return math.prod(shape[:-1]), shape[-1] if shape else 1


def _rows(op: Any) -> Fields:
    rows, c = _matrix(op.x.shape)
    return {"rows": rows, "c": c, "nan_minus": int(getattr(op, "nan", "plus") == "minus")}


def _levels(op: bin.Quantize | bin.ToLevels | bin.Dequantize | bin.Relayout) -> Fields:
    rows, c = _matrix(op.x.shape)
    levels, low, scale, offset = 0, 0, 0.0, 0.0
    if isinstance(op, bin.Quantize):
        levels = op.thr.shape[1]
    elif isinstance(op, bin.ToLevels):
        levels, low = op.levels, op.low
    elif isinstance(op, bin.Dequantize):
        scale, offset = op.scale, op.offset
    planes = (op.x.type.scalar.level_bits, op.result.type.scalar.level_bits, 1)
    return {
        "rows": rows,
        "c": c,
        "bits": next(p for p in planes if p is not None),
        "levels": levels,
        "low": low,
        "nan_minus": int(getattr(op, "nan", "plus") == "minus"),
        "scale": float(scale),
        "offset": float(offset),
    }


def _reshape_bits(op: Any) -> Fields:
    (rows_in, c_in), (rows_out, c_out) = _matrix(op.x.shape), _matrix(op.result.shape)
    return {"rows_in": rows_in, "c_in": c_in, "rows_out": rows_out, "c_out": c_out}


def _six(op: Op, numbers: Sequence[int], fill: int) -> tuple[int, ...]:
    if len(numbers) > MAX_DIMS:
        raise TargetError(
            f"{op.NAME} at '{op.loc.name}' has {len(numbers)} axes, kernels take {MAX_DIMS}"
        )
    return (*[fill] * (MAX_DIMS - len(numbers)), *numbers)


def _strides(shape: Sequence[int]) -> list[int]:
    """Element strides of a row-major tensor."""
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


def _broadcast_strides(shape: Sequence[int], rank: int) -> list[int]:
    own = [0 if d == 1 else s for d, s in zip(shape, _strides(shape), strict=True)]
    return [0] * (rank - len(shape)) + own


def _broadcast(op: Op) -> Fields:
    shape = op.result.shape
    a, b = op.operands
    return {
        "dims": _six(op, shape, 1),
        "stride_a": _six(op, _broadcast_strides(a.shape, len(shape)), 0),
        "stride_b": _six(op, _broadcast_strides(b.shape, len(shape)), 0),
    }


_RELATIONS = {"ge": 0b0110, "gt": 0b0100, "le": 0b0011, "lt": 0b0001, "eq": 0b0010, "ne": 0b1101}


def _compare(op: nn.Compare) -> Fields:
    return _broadcast(op) | {"wanted": _RELATIONS[op.predicate]}


def _select(op: nn.Select) -> Fields:
    rank = op.result.type.rank
    fields: Fields = {"dims": _six(op, op.result.shape, 1)}
    for name, value in op.operand_slots():
        if value is not None:
            fields[f"stride_{name}"] = _six(op, _broadcast_strides(value.shape, rank), 0)
    return fields


def _around(shape: Sequence[int], axes: Sequence[int]) -> Fields:
    """A tensor as [outer, count, inner] with neighbouring axes in the middle."""
    first, last = min(axes), max(axes)
    return {
        "outer": math.prod(shape[:first]),
        "count": math.prod(shape[first : last + 1]),
        "inner": math.prod(shape[last + 1 :]),
    }


def _axis(op: nn.ArgMax | nn.Reduce) -> Fields:
    axes = op.axes if isinstance(op, nn.Reduce) else (op.axis,)
    fields = _around(op.x.shape, [normal_axis(a, op.x.type.rank) for a in axes])
    return fields | {"last": int(getattr(op, "last", False))}


def _bytes_binary(op: q.Binary | q.FloatBinary) -> Fields:
    return _broadcast(op) | binary_fields(op)


def _bytes_mean(op: q.Mean) -> Fields:
    axes = sorted({normal_axis(a, op.x.type.rank) for a in op.axes})
    if axes and axes != list(range(axes[0], axes[-1] + 1)):
        raise TargetError(
            f"{op.NAME} at '{op.loc.name}' takes means over the axes {axes}, no neighbours",
            hint="transpose first, so that these axes stand side by side",
        )
    return _around(op.x.shape, axes) | mean_fields(op)


def _gather(op: nn.Gather) -> Fields:
    at = _around(op.x.shape, [normal_axis(op.axis, op.x.type.rank)])
    count = op.indices.shape[0]
    return {"outer": at["outer"], "size": at["count"], "count": count, "inner": at["inner"]}


def _top_k(op: nn.TopK | nn.TakeAlong) -> Fields:
    rows, c = _matrix(op.x.shape)
    return {"rows": rows, "c": c, "k": op.result.shape[-1]}


def _mat_mul(op: nn.MatMul) -> Fields:
    stack, m, n = op.result.shape
    k = op.a.shape[2]
    strides = (m * k if op.a.shape[0] > 1 else 0, k * n if op.b.shape[0] > 1 else 0)
    return {"stack": stack, "m": m, "k": k, "n": n, "stride_a": strides[0], "stride_b": strides[1]}


def _unary(op: Any) -> Fields:
    lo, hi = 0.0, 0.0
    if isinstance(op, nn.Clip):
        lo, hi = op.lo, op.hi
    elif isinstance(op, nn.LeakyRelu):
        lo = op.alpha
    elif isinstance(op, nn.Sign):
        signs = {"plus": 1.0, "minus": -1.0}
        lo, hi = signs.get(op.zero, 0.0), signs.get(op.nan, 0.0)
    return {"count": op.x.type.size, "lo": float(lo), "hi": float(hi)}


def _transpose(op: nn.Transpose) -> Fields:
    own = _strides(op.x.shape)
    strides = [own[axis] for axis in op.perm]
    return {
        "dims": _six(op, op.result.shape, 1),
        "stride": _six(op, strides, 0),
    }


def _pad(op: nn.Pad) -> Fields:
    return {
        "dims": _six(op, op.result.shape, 1),
        "in_dims": _six(op, op.x.shape, 1),
        "before": _six(op, op.before, 0),
        "value": float(op.value),
    }


def _copies(op: Op) -> list[tuple[Fields, Value, Value]]:
    """Row copies (fields, source, destination) of operations that only move whole rows.

    With the axis that is cut or joined at `axis`, a tensor is `outer` rows of
    ``shape[axis] * inner`` elements each.
    """
    if isinstance(op, nn.Concat):
        axis = normal_axis(op.axis, op.result.type.rank)
        outer, whole = _outer(op.result.type, axis), _row_bytes(op.result.type, axis)
        found: list[tuple[Fields, Value, Value]] = []
        at = 0
        for x in op.xs:
            part = _row_bytes(x.type, axis)
            found.append((_copy(outer, part, (part, 0), (whole, at)), x, op.result))
            at += part
        return found
    if isinstance(op, nn.Split):
        axis = normal_axis(op.axis, op.x.type.rank)
        outer, whole = _outer(op.x.type, axis), _row_bytes(op.x.type, axis)
        found = []
        at = 0
        for y in op.results:
            part = _row_bytes(y.type, axis)
            found.append((_copy(outer, part, (whole, at), (part, 0)), op.x, y))
            at += part
        return found
    if isinstance(op, nn.Slice):
        return [(f, op.x, op.result) for f in _slice_copies(op)]
    if isinstance(op, nn.Reshape | bin.Reshape):
        nbytes = nbytes_of(op.result.type)
        return [(_copy(1, nbytes, (nbytes, 0), (nbytes, 0)), op.operands[0], op.result)]
    raise TargetError(f"{op.NAME} is no copy of rows")


def _slice_copies(op: nn.Slice) -> list[Fields]:
    cut = sliced_axes(op)
    if not cut:
        return [_copy(1, size := nbytes_of(op.x.type), (size, 0), (size, 0))]
    if len(cut) > 1:
        raise TargetError(f"{op.NAME} at '{op.loc.name}' cuts {len(cut)} axes in one step")
    axis = cut[0]
    begin, size, step = op.begin[axis], op.size[axis], op.step[axis]
    outer, src = _outer(op.x.type, axis), _row_bytes(op.x.type, axis)
    dst = _row_bytes(op.result.type, axis)
    inner = dst // max(size, 1)
    if step == 1:
        return [_copy(outer, dst, (src, begin * inner), (dst, 0))]
    if outer <= size:  # one call for each outer row, which copies element after element
        return [
            _copy(size, inner, (step * inner, o * src + begin * inner), (inner, o * dst))
            for o in range(outer)
        ]
    return [
        _copy(outer, inner, (src, (begin + i * step) * inner), (dst, i * inner))
        for i in range(size)
    ]


def sliced_axes(op: nn.Slice) -> list[int]:
    """The axes along which a slice does not take everything in order."""
    whole = zip(op.begin, op.size, op.step, op.x.shape, strict=True)
    return [a for a, (b, n, s, d) in enumerate(whole) if (b, n) != (0, d) or (s != 1 and n > 1)]


def _outer(type_: TensorType, axis: int) -> int:
    return math.prod(type_.shape[:axis])


def _row_bytes(type_: TensorType, axis: int) -> int:
    """Bytes of everything from `axis` on, for one index of the axes before it."""
    return nbytes_of(TensorType(type_.shape[axis:], type_.scalar, type_.layout))


def _copy(rows: int, row_bytes: int, src: tuple[int, int], dst: tuple[int, int]) -> Fields:
    """Fields of bnnc_copy; `src` and `dst` are (stride, offset) in bytes."""
    return {
        "rows": rows,
        "row_bytes": row_bytes,
        "src_stride": src[0],
        "dst_stride": dst[0],
        "src_offset": src[1],
        "dst_offset": dst[1],
    }


def nbytes_of(type_: TensorType) -> int:
    """Bytes that a tensor takes in memory in its layout."""
    return layout_of(type_).nbytes(type_)


_BUILDERS: dict[str, Callable[[Any], Fields]] = {
    "conv2d": _conv2d,
    "pool2d": _pool2d,
    "rows": _rows,
    "levels": _levels,
    "broadcast": _broadcast,
    "unary": _unary,
    "transpose": _transpose,
    "pad": _pad,
    "reshape_bits": _reshape_bits,
    "compare": _compare,
    "select": _select,
    "axis": _axis,
    "gather": _gather,
    "top_k": _top_k,
    "mat_mul": _mat_mul,
    "bytes": element_fields,
    "bytes_binary": _bytes_binary,
    "bytes_mean": _bytes_mean,
}
