# SPDX-License-Identifier: Apache-2.0
"""Constants in text: which ones stand inline, and their numbers.

Small arrays stand inline as ``dense([...])``, arrays of one value as ``splat(v)``, all others are
``blob("sha256:...", "key")``. Inline numbers are logical values, in row-major order.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..spelling import quoted
from ..types import Scalar, TensorType, format_f32
from ..value import Resource

DENSE_LIMIT = 16
# A short text must not ask for much memory: larger uniform arrays go into the side file.
INLINE_BYTES = 1 << 24
DIGEST_DIGITS = 16
FILE_PREFIX = "file:"
DIGEST_PREFIX = "sha256:"
# Packed data is unpacked to see whether it is uniform, which is not worth it for large arrays.
_UNPACK_LIMIT = 4096


def numbers_to_array(numbers: Iterable[float | int], type_: TensorType) -> np.ndarray:
    """The logical array of inline numbers; a single one fills the shape.

    Raises:
        OverflowError: for an integer that the dtype cannot hold.
    """
    flat = np.array(list(numbers), dtype=type_.dtype)
    return np.full(type_.shape, flat[0]) if flat.size == 1 else flat.reshape(type_.shape)


def spelled_constant(resource: Resource, key: str, *, keep_files: bool = True) -> str:
    """The initialiser of a resource.

    Args:
        resource: the constant; its data is looked at only when it is at hand.
        key: its name in the side file.
        keep_files: name the file of a ``blob("file:...")`` again instead of the digest.
    """
    if keep_files and resource.file is not None:
        return f"blob({quoted(FILE_PREFIX + resource.file)})"
    inline = _inline(resource) if resource.at_hand else None
    if inline is not None:
        return inline
    digest = DIGEST_PREFIX + resource.digest[:DIGEST_DIGITS]
    return f"blob({quoted(digest)}, {quoted(key)})"


def is_blob(resource: Resource) -> bool:
    """Whether the data of a resource belongs into the side file."""
    return not resource.at_hand or _inline(resource) is None


def _inline(resource: Resource) -> str | None:
    """``splat`` or ``dense``, or None when text cannot or should not hold the data.

    What reads back to other bytes (a NaN with a payload, padding that is not zero) is never inline.
    """
    type_ = resource.type
    if type_.size * type_.dtype.itemsize > INLINE_BYTES:
        return None
    if type_.size > DENSE_LIMIT and (
        (type_.layout is not None and type_.size > _UNPACK_LIMIT) or not _uniform(resource.array)
    ):
        return None
    flat = resource.array.reshape(-1)
    splat = flat.size > 1 and _uniform(flat)
    numbers = [_number(v, type_.scalar) for v in (flat[:1] if splat else flat)]
    values = (float(n) if type_.scalar.is_float else int(n) for n in numbers)
    again = Resource.of(resource.symbol, numbers_to_array(values, type_), type_)
    if again.stored.tobytes() != resource.stored.tobytes():
        return None
    return f"splat({numbers[0]})" if splat else f"dense([{', '.join(numbers)}])"


def _uniform(array: np.ndarray) -> bool:
    """Whether all elements have the same bytes (so that -0.0 and 0.0 differ)."""
    flat = np.ascontiguousarray(array).reshape(-1)
    bits = flat.view(f"u{flat.itemsize}")
    return bool(bits.size) and bits[0] == bits[-1] and bool((bits == bits[0]).all())


def _number(value: np.generic, scalar: Scalar) -> str:
    return format_f32(float(value)) if scalar.is_float else str(int(value))
