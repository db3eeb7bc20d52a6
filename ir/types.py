# SPDX-License-Identifier: Apache-2.0
"""Scalar and tensor types.

``bit`` is *logical* +-1 and shapes count logical elements; how elements lie in memory is the
layout's business (`bnnc.ir.layouts`), and what integers mean in reals is the quantization's.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import DTypeLike

from .diagnostics import IRError
from .spelling import spelled_symbol

_SCALAR = re.compile(r"f32|bit|tern|odd<([1-9][0-9]?)>|([iu])([1-9][0-9]?)")


@dataclass(frozen=True)
class Scalar:
    """``f32``, ``i1..i64``, ``u1..u64``, ``bit`` (-1, +1), ``tern`` (-1, 0, +1) or ``odd<k>``.

    ``odd<k>`` holds the odd integers -(2^k-1) ... 2^k-1.
    """

    name: str

    def __post_init__(self) -> None:
        match = _SCALAR.fullmatch(self.name)
        if match is None or (match[3] and int(match[3]) > 64) or (match[1] and int(match[1]) > 15):
            raise IRError(
                f"unknown scalar type '{self.name}'",
                hint="use f32, i1..i64, u1..u64, bit, tern or odd<1>..odd<15>",
            )

    def __str__(self) -> str:
        return self.name

    @property
    def is_float(self) -> bool:
        """Whether the scalar is a floating-point number."""
        return self.name == "f32"

    @cached_property
    def dtype(self) -> np.dtype[np.generic]:
        """The numpy dtype of *logical* arrays of this scalar."""
        if self.name == "f32":
            return np.dtype(np.float32)
        if self.name in ("bit", "tern"):
            return np.dtype(np.int8)
        match = _SCALAR.fullmatch(self.name)
        if match is not None and match[1]:
            return np.dtype(np.int8 if int(match[1]) < 8 else np.int16)
        signed, width = self.name[0] == "i", int(self.name[1:])
        storage = next(w for w in (8, 16, 32, 64) if width <= w)
        return np.dtype(f"{'int' if signed else 'uint'}{storage}")

    @property
    def level_bits(self) -> int | None:
        """How many bits a level takes, for the scalars u1..u8; None for all others."""
        match = _SCALAR.fullmatch(self.name)
        if match is None or match[2] != "u" or int(match[3]) > 8:
            return None
        return int(match[3])

    def range(self) -> tuple[int, int] | None:
        """Smallest and largest value of an integer scalar; None for floats."""
        if self.name == "f32":
            return None
        if self.name in ("bit", "tern"):
            return -1, 1
        match = _SCALAR.fullmatch(self.name)
        if match is not None and match[1]:
            top = 2 ** int(match[1]) - 1
            return -top, top
        width = int(self.name[1:])
        if self.name[0] == "u":
            return 0, 2**width - 1
        return -(2 ** (width - 1)), 2 ** (width - 1) - 1

    def admits(self, values: np.ndarray) -> bool:
        """Whether every element of an integer array is a value of this scalar."""
        bounds = self.range()
        if bounds is None or values.size == 0:
            return True
        if int(values.min()) < bounds[0] or int(values.max()) > bounds[1]:
            return False
        odd_only = self.name == "bit" or self.name.startswith("odd")
        return not odd_only or bool((values & 1).all())

    def holds(self, value: float) -> bool:
        """Whether a number is a value of this scalar."""
        if self.is_float:
            return True
        return float(value).is_integer() and self.admits(np.array([int(value)], np.int64))


F32 = Scalar("f32")
I32 = Scalar("i32")
U1 = Scalar("u1")
BIT = Scalar("bit")
TERN = Scalar("tern")


def level_scalar(levels: int) -> Scalar:
    """Return the scalar u1..u8 of the integers 0 ... levels, in as few bits as they need."""
    if not 1 <= levels <= 255:
        raise IRError(f"{levels} is no number of levels above 0", hint="give 1 to 255")
    return Scalar(f"u{levels.bit_length()}")


@dataclass(frozen=True)
class Quant:
    """Real value = scale * (integer - zero); either may be the symbol of a per-channel resource."""

    scale: float | str
    zero: int | str = 0

    def __str__(self) -> str:
        scale = (
            spelled_symbol(self.scale) if isinstance(self.scale, str) else format_f32(self.scale)
        )
        zero = spelled_symbol(self.zero) if isinstance(self.zero, str) else self.zero
        return f"q({scale}, {zero})"


@dataclass(frozen=True)
class TensorType:
    """A dense tensor: logical shape, scalar, and optionally layout and quantization."""

    shape: tuple[int, ...]
    scalar: Scalar = F32
    layout: str | None = None
    quant: Quant | None = None

    def __post_init__(self) -> None:
        if any(d < 0 for d in self.shape):
            raise IRError(f"negative dimension in shape {list(self.shape)}")

    def __str__(self) -> str:
        parts = ["x".join([*map(str, self.shape), str(self.scalar)])]
        if self.layout is not None:
            parts.append(f"#{self.layout}")
        if self.quant is not None:
            parts.append(str(self.quant))
        return f"tensor<{', '.join(parts)}>"

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of logical elements."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The numpy dtype of logical arrays of this type."""
        return self.scalar.dtype

    def with_layout(self, layout: str | None) -> TensorType:
        """Return the same type in another layout."""
        return replace(self, layout=layout)

    def with_scalar(self, scalar: Scalar) -> TensorType:
        """Return the same shape with another scalar, plain layout and no quantization."""
        return TensorType(self.shape, scalar)

    def same_elements(self, other: TensorType) -> bool:
        """Whether shape and scalar agree; how the elements lie and what they mean may differ."""
        return self.shape == other.shape and self.scalar == other.scalar

    def logical(self) -> TensorType:
        """Return the type without its layout."""
        return replace(self, layout=None)


def rounded_f32(value: float) -> float:
    """The nearest float32; infinite beyond the largest one."""
    with np.errstate(over="ignore"):
        return float(np.float32(value))


def format_f32(value: float) -> str:
    """Shortest decimal that reads back to the same float32 (``inf``, ``-inf`` and ``nan`` too)."""
    single = np.float32(value)
    if np.isnan(single):
        return "nan"
    if np.isinf(single):
        return "inf" if single > 0 else "-inf"
    text = str(np.format_float_positional(single, unique=True, trim="0"))
    if len(text) > 14:
        text = str(np.format_float_scientific(single, unique=True, trim="0"))
    # Readers round twice (decimal to double to float32), which can miss a float32 whose shortest
    # decimal lies next to a midpoint; all digits of the double never do.
    return text if np.float32(float(text)) == single else repr(float(single))


def of_array(array: np.ndarray, dtype: DTypeLike | None = None) -> TensorType:
    """Return the plain tensor type of a numpy array (float32 or an integer type)."""
    kind = np.dtype(dtype if dtype is not None else array.dtype)
    if kind == np.float32:
        return TensorType(tuple(array.shape), F32)
    if kind == np.bool_:
        return TensorType(tuple(array.shape), U1)
    if kind.kind in "iu":
        return TensorType(tuple(array.shape), Scalar(f"{kind.kind}{kind.itemsize * 8}"))
    raise IRError(f"no scalar type for numpy dtype {kind}", hint="convert to float32 or an integer")
