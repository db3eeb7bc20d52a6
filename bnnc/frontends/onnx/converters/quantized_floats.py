# SPDX-License-Identifier: Apache-2.0
"""onnxruntime's operations on bytes (com.microsoft), spelled as float operations between bytes.

The passes make integers of them, as they do where a model spells them so itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bnnc.ir import Value

from ...failures import Unsupported
from ..arrangement import Arranged
from ..context import Context
from ..convert import OPERATIONS, converts


def _computed(c: Context, op: str, operands: Sequence[Arranged | None], **attrs: Any) -> Arranged:
    """What another operation gives for the node's operands."""
    convert = OPERATIONS.find(op)
    made = None if convert is None else convert(c.within(op, operands, **attrs))
    if isinstance(made, Value):
        return Arranged.plain(made)
    if not isinstance(made, Arranged):
        raise Unsupported(f"has no {op} to compute it with")
    return made


def _maybe(c: Context, index: int) -> Arranged | None:
    return c.tensor(index) if c.has_input(index) else None


def _floats(c: Context, x: int, scale: int, zero: int, **attrs: Any) -> Arranged:
    operands = [c.tensor(x), c.tensor(scale), _maybe(c, zero)]
    return _computed(c, "DequantizeLinear", operands, **attrs)


def _bytes(c: Context, y: Arranged, scale: int, zero: int) -> Arranged:
    return _computed(c, "QuantizeLinear", [y, c.tensor(scale), _maybe(c, zero)])


def _named(c: Context, op: str, *operands: Arranged) -> Arranged:
    return _computed(c, op, operands, **c.node.attrs)


@converts("QLinearAdd", "QLinearMul")
def binary(c: Context) -> Arranged:
    """The sum or product of what two tensors of bytes stand for."""
    made = _named(c, c.node.op[len("QLinear") :], _floats(c, 0, 1, 2), _floats(c, 3, 4, 5))
    return _bytes(c, made, 6, 7)


@converts("QLinearSigmoid", "QLinearLeakyRelu", "QLinearAveragePool", "QLinearGlobalAveragePool")
def unary(c: Context) -> Arranged:
    """The operation on what bytes stand for; channels are axis 1."""
    if c.integer("channels_last", 0):
        raise Unsupported("has its channels behind", "leave the layout to the compiler")
    return _bytes(c, _named(c, c.node.op[len("QLinear") :], _floats(c, 0, 1, 2)), 3, 4)


@converts("QLinearSoftmax")
def softmax(c: Context) -> Arranged:
    """In float."""
    if (c.integer("opset", c.opset) < 13) != (c.opset < 13):
        raise Unsupported(f"is of opset {c.integer('opset')} in a model of opset {c.opset}")
    return _bytes(c, _named(c, "Softmax", _floats(c, 0, 1, 2)), 3, 4)


@converts("QLinearConcat")
def concat(c: Context) -> Arranged:
    """Scale and zero point of the result come first, then each tensor with its own."""
    joined = [_floats(c, i, i + 1, i + 2) for i in range(2, len(c.operands), 3)]
    return _bytes(c, _named(c, "Concat", *joined), 0, 1)


@converts("QGemm")
def gemm(c: Context) -> Arranged:
    """A . B + C for bytes A and B and integers C; float where no scale is given for the result."""
    if c.number("alpha", 1.0) != 1.0:
        raise Unsupported("has a factor alpha")
    outputs = 0 if c.integer("transB", 0) else 1
    operands = [_floats(c, 0, 1, 2), _floats(c, 3, 4, 5, axis=outputs)]
    if c.has_input(6):
        unit = np.asarray(c.array(1) * c.array(4), np.float32)
        steps = [c.tensor(6), Arranged.plain(c.constant(unit, "unit"))]
        operands.append(_computed(c, "DequantizeLinear", steps, axis=0))
    made = _named(c, "Gemm", *operands)
    return _bytes(c, made, 7, 8) if c.has_input(7) else made
