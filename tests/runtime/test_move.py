# SPDX-License-Identifier: Apache-2.0
"""Kernels that only move data."""

from __future__ import annotations

import numpy as np
import pytest

from .library import Field, Kernels
from .naive import F32


def six(numbers: tuple[int, ...], fill: int) -> tuple[int, ...]:
    return (fill,) * (6 - len(numbers)) + numbers


@pytest.mark.parametrize(
    "perm", [(0,), (1, 0), (0, 2, 1), (0, 3, 1, 2), (0, 2, 3, 1), (5, 3, 1, 0, 2, 4)]
)
def test_transpose(kernels: Kernels, perm: tuple[int, ...]) -> None:
    x = np.arange(np.prod(np.arange(2, 2 + len(perm)))).astype(F32)
    x = x.reshape(tuple(range(2, 2 + len(perm))))
    want = np.ascontiguousarray(x.transpose(perm))
    strides = tuple(s // 4 for s in x.transpose(perm).strides)
    p: dict[str, Field] = {"dims": six(want.shape, 1), "stride": six(strides, 0)}
    y = kernels.call("transpose_f32", "transpose", p, x, np.empty_like(want))
    np.testing.assert_array_equal(y, want)
    whole = want.astype(np.int32)
    y = kernels.call("transpose_i32", "transpose", p, x.astype(np.int32), np.empty_like(whole))
    np.testing.assert_array_equal(y, whole)
    small = want.astype(np.uint8)
    y = kernels.call("transpose_u8", "transpose", p, x.astype(np.uint8), np.empty_like(small))
    np.testing.assert_array_equal(y, small)


@pytest.mark.parametrize(
    ("shape", "pads"),
    [
        ((3,), ((2, 1),)),
        ((2, 3), ((0, 1), (1, 0))),
        ((1, 4, 5, 2), ((0, 0), (1, 2), (3, 0), (0, 0))),
        ((2, 1, 2, 3, 1, 2), ((1, 0), (0, 1), (1, 1), (0, 0), (2, 1), (0, 3))),
    ],
)
def test_pad(kernels: Kernels, shape: tuple[int, ...], pads: tuple[tuple[int, int], ...]) -> None:
    x = np.random.default_rng(1).standard_normal(shape).astype(F32)
    want = np.pad(x, pads, constant_values=F32(-1.5))
    before = tuple(b for b, _ in pads)
    p: dict[str, Field] = {"dims": six(want.shape, 1), "in_dims": six(shape, 1)}
    p |= {"before": six(before, 0), "value": -1.5}
    y = kernels.call("pad_f32", "pad", p, x, np.empty_like(want))
    np.testing.assert_array_equal(y, want)
    for value in (3, -1):
        small = np.pad(x.astype(np.int8), pads, constant_values=value)
        y = kernels.call(
            "pad_u8", "pad", p | {"value": value}, x.astype(np.int8), np.empty_like(small)
        )
        np.testing.assert_array_equal(y, small)


def test_copy_rows_joins_and_cuts(kernels: Kernels) -> None:
    a = np.arange(12, dtype=np.int32).reshape(3, 4)
    b = -np.arange(6, dtype=np.int32).reshape(3, 2)
    joined = np.empty((3, 6), np.int32)
    for part, at in ((a, 0), (b, 16)):
        width = part.shape[1] * 4
        p: dict[str, Field] = {"rows": 3, "row_bytes": width, "src_stride": width}
        p |= {"dst_stride": 24, "src_offset": 0, "dst_offset": at}
        kernels.call("copy_rows", "copy", p, part, joined)
    np.testing.assert_array_equal(joined, np.concatenate([a, b], axis=1))
    p = {"rows": 3, "row_bytes": 8, "src_stride": 24, "dst_stride": 8, "src_offset": 12}
    y = kernels.call("copy_rows", "copy", p, joined, np.empty((3, 2), np.int32))
    np.testing.assert_array_equal(y, joined[:, 3:5])
