# SPDX-License-Identifier: Apache-2.0
"""`equalize`: move scale between two layers, channel by channel, so that 8 bits fit all of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bnnc.ir import bin as bits
from bnnc.ir import nn
from bnnc.ir.module import Module, Stage
from bnnc.ir.operation import Op, Return
from bnnc.ir.value import Resource, Value

from ..base import Pass
from ..constants import constant
from ..registry import register_pass
from ..rewriter import Rewriter

_SWEEPS = 32
_LARGEST_EXPONENT = 16


@register_pass
class Equalize(Pass):
    """Scale channels between two float layers by powers of two (cross-layer equalization).

    f(s x) = s f(x) for a relu, a leaky relu, pools and means, and s > 0. So the output channel i of
    a layer can be divided by s_i, weights and bias, and the weights that read it multiplied: the
    function stays the same. s_i = sqrt(r1_i / r2_i), where r1_i and r2_i are the largest weights
    that write and read the channel, makes both equal (Nagel et al., "Data-Free Quantization
    Through Weight Equalization and Bias Correction", 2019); pairs are visited until nothing
    changes. s_i is rounded to a power of two: products and sums then are the same bits but for
    numbers near the smallest ones.
    """

    name = "equalize"
    consumes = Stage.BINARIZED
    exactness = "rounding"

    def run(self, module: Module, rw: Rewriter) -> None:
        """Sweep over all pairs of layers."""
        pairs = list(_pairs(module))
        changed: set[str] = set()
        for _ in range(_SWEEPS):
            scaled = [first.loc.name for first, second in pairs if _equalized(first, second, rw)]
            changed.update(scaled)
            if not scaled:
                break
        for first, _ in pairs:
            if first.loc.name in changed:
                rw.remark(first, "its channels are equalized")


def _pairs(module: Module) -> Iterator[tuple[bits.Layer, bits.Layer]]:
    for op in module.func.ops:
        if isinstance(op, bits.Layer) and _scalable(op) and op.thr is None:
            reader = _reader(op)
            if reader is not None:
                yield op, reader


def _scalable(op: bits.Layer) -> bool:
    constants = all(isinstance(v, Resource) for v in (op.w, op.alpha, op.bias) if v is not None)
    return op.KIND == "ff" and constants


def _reader(op: bits.Layer) -> bits.Layer | None:
    """The one layer that reads a layer's channels, through what lets factors pass."""
    value = op.result
    while True:
        if value.use_count != 1 or isinstance(value.users[0], Return):
            return None
        user = value.users[0]
        if isinstance(user, bits.Layer):
            fits = value is user.x and _scalable(user) and _zero_pad(user)
            return user if fits and user.x.shape[-1] % op.result.shape[-1] == 0 else None
        if not _passes_factors(user, value):
            return None
        value = user.results[0]


def _passes_factors(user: Op, value: Value) -> bool:
    match user:
        case nn.Relu() | nn.LeakyRelu() | nn.MaxPool() | nn.AvgPool():
            return True
        case nn.Reduce(kind="mean" | "sum" | "max"):
            return value.type.rank == 4 and set(user.axes) <= {1, 2}
        case nn.Reshape():  # samples stay apart, channels innermost
            shape = user.result.shape
            return shape[0] == value.shape[0] and shape[-1] % value.shape[-1] == 0
        case _:
            return False


def _zero_pad(op: bits.Layer) -> bool:
    return not isinstance(op, bits.ConvLayer) or op.pad_value == 0.0 or not any(op.pad)


def _largest_readers(op: bits.Layer) -> np.ndarray:
    """The largest magnitude of the weights that read each input, [inputs]."""
    w = constant(op.w)
    assert w is not None
    if not isinstance(op, bits.ConvLayer):
        return np.asarray(np.abs(w).max(axis=0, initial=0.0))
    grouped = np.abs(w).reshape(op.groups, -1, *w.shape[1:])  # [g, o / g, kh, kw, c / g]
    return np.asarray(grouped.max(axis=(1, 2, 3), initial=0.0).reshape(-1))


def _equalized(first: bits.Layer, second: bits.Layer, rw: Rewriter) -> bool:
    """Scale one pair; whether anything changed."""
    rows, w2 = constant(first.w), constant(second.w)
    assert rows is not None
    assert w2 is not None
    count = len(rows)
    alpha = constant(first.alpha)
    written = np.abs(rows).reshape(count, -1).max(axis=1, initial=0.0).astype(np.float64)
    written = written if alpha is None else written * np.abs(alpha)
    read = _largest_readers(second).reshape(-1, count).max(axis=0).astype(np.float64)
    usable = (written > 0) & (read > 0)
    ratio = np.where(usable, written, 1.0) / np.where(usable, read, 1.0)
    exponents = np.rint(np.log2(ratio) / 2).astype(int)
    exponents = np.clip(exponents, -_LARGEST_EXPONENT, _LARGEST_EXPONENT)
    if not exponents.any():
        return False
    s = np.ldexp(np.float32(1), exponents).astype(np.float32)
    _update(first, "w", rows / s.reshape(-1, *[1] * (rows.ndim - 1)), rw)
    bias = constant(first.bias)
    if bias is not None:
        _update(first, "bias", bias / s, rw)
    _update(second, "w", w2 * _factors(second, s), rw)
    return True


def _factors(op: bits.Layer, s: np.ndarray) -> np.ndarray:
    """Factors of input channels in the shape of a layer's weights."""
    w = op.w.shape
    if not isinstance(op, bits.ConvLayer):
        return np.tile(s, w[-1] // len(s))
    inputs = s.reshape(op.groups, 1, 1, 1, -1)
    shape = (op.groups, w[0] // op.groups, *w[1:])
    return np.broadcast_to(inputs, shape).reshape(w)


def _update(op: bits.Layer, field: str, array: np.ndarray, rw: Rewriter) -> None:
    name = f"{op.loc.name}.{field}"
    rw.update(op, **{field: rw.resource(name, np.ascontiguousarray(array, np.float32))})
