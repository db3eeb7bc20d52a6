# SPDX-License-Identifier: Apache-2.0
"""Every layout holds every tensor that it accepts, in as many bytes as it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnc.ir import BIT, F32, TERN, Scalar, TensorType
from bnnc.ir.diagnostics import IRError
from bnnc.ir.layouts import layout_of, layouts

SCALARS = [
    F32,
    BIT,
    TERN,
    *(Scalar(f"u{k}") for k in range(1, 9)),
    *map(Scalar, ("i8", "i32", "u9")),
]
SHAPES = st.lists(st.integers(0, 19), max_size=4).map(tuple)


def draw(scalar: Scalar, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Random logical values over the whole range of a scalar."""
    rng = np.random.default_rng(seed)
    bounds = scalar.range()
    if bounds is None:
        return np.asarray(rng.standard_normal(shape), np.float32)
    if scalar == BIT:
        return rng.choice(np.array([-1, 1], np.int8), shape)
    return rng.integers(*bounds, shape, dtype=scalar.dtype, endpoint=True)


@given(st.sampled_from(SCALARS), SHAPES, st.integers(0, 99))
def test_pack_and_unpack(scalar: Scalar, shape: tuple[int, ...], seed: int) -> None:
    plain, array = TensorType(shape, scalar), draw(scalar, shape, seed)
    fits = [layout for layout in layouts() if layout.accepts(plain)]
    assert fits[0].name == ""
    for layout in fits:
        tensor = plain.with_layout(layout.name or None)
        assert layout_of(tensor) is layout
        data = layout.pack(array, tensor)
        assert (data.dtype, data.shape) == (np.dtype(np.uint8), (layout.nbytes(tensor),))
        back = layout.unpack(data, tensor)
        assert (back.dtype, back.shape) == (tensor.dtype, shape)
        np.testing.assert_array_equal(back, array)


@given(st.sampled_from(SCALARS), SHAPES)
def test_tails_are_zero(scalar: Scalar, shape: tuple[int, ...]) -> None:
    """Packing what was unpacked from all ones sets no bit beyond the last channel."""
    for layout in layouts():
        tensor = TensorType(shape, scalar, layout.name)
        if layout.name not in ("bp8", "tp8", "lp8") or not layout.accepts(tensor):
            continue
        everything = layout.unpack(np.full(layout.nbytes(tensor), 0xFF, np.uint8), tensor)
        packed = layout.pack(everything, tensor)
        width = (shape[-1] + 7) // 8
        want = np.full((packed.size // max(width, 1), width), 0xFF, np.uint8)
        if shape[-1] % 8:
            want[:, -1] = (1 << shape[-1] % 8) - 1
        np.testing.assert_array_equal(packed, want.ravel())


def test_planes_of_levels() -> None:
    """Plane 0 holds the low bits, channel c at bit c % 8 of byte c / 8."""
    tensor = TensorType((2, 9), Scalar("u3"), "lp8")
    levels = np.zeros((2, 9), np.uint8)
    levels[0, 1], levels[1, 8] = 5, 6
    rows = layout_of(tensor).pack(levels, tensor).reshape(3, 2, 2)
    assert rows.tolist() == [[[2, 0], [0, 0]], [[0, 0], [0, 1]], [[2, 0], [0, 1]]]


@pytest.mark.parametrize(
    ("layout", "scalar"), [("lp8", BIT), ("lp8", F32), ("lp8", Scalar("u9")), ("bp8", Scalar("u1"))]
)
def test_other_scalars_are_refused(layout: str, scalar: Scalar) -> None:
    with pytest.raises(IRError, match=f"layout '#{layout}' cannot hold"):
        layout_of(TensorType((3,), scalar, layout))
