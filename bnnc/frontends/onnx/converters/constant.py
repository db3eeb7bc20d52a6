# SPDX-License-Identifier: Apache-2.0
"""Constants, wires, and shape arithmetic that has no operation of its own in the IR."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bnnc.ir import nn

from ... import expressions
from ...failures import Unsupported
from ..arrangement import Arranged
from ..context import Context
from ..convert import Result, converts
from ..importer import check_parameter


@converts("Constant")
def constant(c: Context) -> Result:
    """A tensor, a number or a list of numbers, by one of the attributes ``value...``."""
    if c.has("value"):
        array = c.attached("value")
        check_parameter(c.node.name, array)
        return c.constant(array)
    for name, dtype in (("float", np.float32), ("int", np.int64)):
        for attribute in (f"value_{name}", f"value_{name}s"):
            if c.has(attribute):
                return c.constant(np.array(c.node.attrs[attribute], dtype=dtype))
    raise Unsupported("is neither a tensor nor a number")


@converts("Identity")
def identity(c: Context) -> Result:
    """The operand itself."""
    return c.tensor(0)


@converts("Dropout")
def dropout(c: Context) -> Result:
    """Inference: the operand itself; there is no mask."""
    if c.has_input(2) and c.array(2).any():
        raise Unsupported("is in training mode", "export the model for inference: model.eval()")
    return c.tensor(0)


@converts("Shape")
def shape(c: Context) -> Result:
    """Shapes are static, so they are constants; ``start`` and ``end`` cut a part out."""
    found = c.shape(0)
    end = c.integer("end") if c.has("end") else len(found)
    return c.constant(np.array(found[slice(c.integer("start", 0), end)], dtype=np.int64))


@converts("Size")
def size(c: Context) -> Result:
    """The number of elements."""
    return c.constant(np.array(c.tensor(0).value.type.size, dtype=np.int64))


@converts("ConstantOfShape")
def constant_of_shape(c: Context) -> Result:
    """A constant of one value, 0 unless given."""
    value = c.attached("value") if c.has("value") else np.zeros(1, np.float32)
    return c.filled(c.integers(0), value.reshape(-1)[0], value.dtype)


@converts("Expand")
def expand(c: Context) -> Result:
    """Adding zeros of the target shape would change -0.0; multiplying by ones does not."""
    x, target = c.tensor(0), c.integers(1)
    wanted = tuple(np.broadcast_shapes(x.shape, target))
    if wanted == x.shape:
        return x
    if c.is_constant(0):
        return c.spread(c.array(0), wanted)
    ones = Arranged.plain(c.filled(wanted, 1, np.float32))
    both = c.aligned(x, ones)
    return both.result(c.emit(nn.Mul(*both.values)))


def _mod(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if a.dtype.kind != "f" and not b.all():
        raise Unsupported("divides by zero")
    return np.asarray(np.mod(a, b))


_ON_CONSTANTS: dict[str, Callable[..., np.ndarray]] = {
    "Range": expressions.counted,
    "Tile": expressions.tile,
}


@converts("Range", "Tile")
def on_constants(c: Context) -> Result:
    """What occurs in the computation of shapes; operands must not depend on an input."""
    return c.constant(np.asarray(_ON_CONSTANTS[c.node.op](*c.arrays())))


@converts("Mod")
def modulo(c: Context) -> Result:
    """Of constants: the sign of the divisor, or with ``fmod`` that of the dividend."""
    a, b = c.arrays()
    return c.constant(np.asarray(np.fmod(a, b)) if c.integer("fmod", 0) else _mod(a, b))
