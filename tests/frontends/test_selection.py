# SPDX-License-Identifier: Apache-2.0
"""Places of elements, gathers, resizing, stacks of matrices, transposed convolutions, in numpy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bnnc.frontends.tensorflow.tensors import DType
from bnnc.ir.diagnostics import ImportFailure

from .graphs import GraphBuilder, f32

_RNG = np.random.default_rng(9)


def _normal(*shape: int) -> np.ndarray:
    return _RNG.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize(("op", "reference"), [("ArgMax", np.argmax), ("ArgMin", np.argmin)])
@pytest.mark.parametrize("axis", [1, -1])
def test_places(tmp_path: Path, op: str, reference: Callable[..., np.ndarray], axis: int) -> None:
    x = np.round(_normal(2, 5, 4))  # with equal elements
    g = GraphBuilder()
    g.node(op, "y", g.placeholder("x", x.shape), g.const("axis", axis, "int32"))
    np.testing.assert_array_equal(g.run(tmp_path, {"x": x})[0], reference(x, axis=axis))


def test_largest_in_order(tmp_path: Path) -> None:
    x = _normal(3, 9)
    g = GraphBuilder()
    top = g.node("TopKV2", "top", g.placeholder("x", x.shape), g.const("k", 4, "int32"))
    g.node("Identity", "values", top)
    g.node("Identity", "places", f"{top}:1")
    values, places = g.run(tmp_path, {"x": x}, output_names=("values", "places"))
    want = np.argsort(-x, axis=1, kind="stable")[:, :4]
    np.testing.assert_array_equal(places, want)
    np.testing.assert_array_equal(values, np.take_along_axis(x, want, axis=1))


def test_gather(tmp_path: Path) -> None:
    x = _normal(2, 5, 3)
    g = GraphBuilder()
    places = g.const("i", [[4, 0], [1, 1]], "int32")
    g.node("GatherV2", "y", g.placeholder("x", x.shape), places, g.const("axis", 1, "int32"))
    (y,) = g.run(tmp_path, {"x": x})
    np.testing.assert_array_equal(y, x[:, [[4, 0], [1, 1]]])


def test_gather_beyond_the_end_is_refused(tmp_path: Path) -> None:
    g = GraphBuilder()
    places = g.const("i", [5], "int32")
    g.node("GatherV2", "y", g.placeholder("x", (2, 5)), places, g.const("axis", 1, "int32"))
    with pytest.raises(ImportFailure, match="beyond the end"):
        g.load(tmp_path)


def test_reverse(tmp_path: Path) -> None:
    x = _normal(2, 5, 3)
    g = GraphBuilder()
    g.node("ReverseV2", "y", g.placeholder("x", x.shape), g.const("axes", [1, -1], "int32"))
    np.testing.assert_array_equal(g.run(tmp_path, {"x": x})[0], x[:, ::-1, ::-1])


def test_tile(tmp_path: Path) -> None:
    x = _normal(2, 3, 2)
    g = GraphBuilder()
    g.node("Tile", "y", g.placeholder("x", x.shape), g.const("times", [1, 2, 3], "int32"))
    np.testing.assert_array_equal(g.run(tmp_path, {"x": x})[0], np.tile(x, (1, 2, 3)))


@pytest.mark.parametrize("size", [(8, 9), (4, 6), (5, 2), (1, 1)])
@pytest.mark.parametrize(("corners", "centers"), [(False, False), (True, False), (False, True)])
def test_resize(tmp_path: Path, size: tuple[int, int], corners: bool, centers: bool) -> None:
    x = _normal(2, 4, 3, 2)
    g = GraphBuilder()
    given = g.const("size", list(size), "int32")
    flags = {"align_corners": corners, "half_pixel_centers": centers}
    g.node("ResizeNearestNeighbor", "y", g.placeholder("x", x.shape), given, **flags)
    (y,) = g.run(tmp_path, {"x": x})
    want = x
    for axis, (n, m) in enumerate(zip((4, 3), size, strict=True), 1):
        i = np.arange(m)
        if corners and m > 1:
            # Halves, which round away from zero, do not occur among these sizes but exactly.
            at = (2 * i * (n - 1) + (m - 1)) // (2 * (m - 1))
        else:
            at = (2 * i + 1) * n // (2 * m) if centers else i * n // m
        want = np.take(want, np.minimum(at, n - 1), axis=axis)
    np.testing.assert_array_equal(y, want)


@pytest.mark.parametrize("turned", [False, True])
def test_stacks_of_matrices(tmp_path: Path, turned: bool) -> None:
    a, b = _normal(2, 3, 4, 5), _normal(2, 3, 6, 5) if turned else _normal(2, 3, 5, 6)
    g = GraphBuilder()
    x, y = g.placeholder("a", a.shape), g.placeholder("b", b.shape)
    g.node("BatchMatMulV2", "y", x, y, adj_x=False, adj_y=turned)
    (found,) = g.run(tmp_path, {"a": a, "b": b})
    np.testing.assert_allclose(found, a @ (b.swapaxes(2, 3) if turned else b), atol=1e-5)


@pytest.mark.parametrize(
    ("mode", "stride", "size"),
    [("SAME", 2, (7, 6)), ("SAME", 1, (4, 3)), ("VALID", 2, (10, 7)), ("VALID", 3, (12, 9))],
)
@pytest.mark.parametrize("first", [False, True])
def test_transposed_convolution_is_a_gradient(
    tmp_path: Path, mode: str, stride: int, size: tuple[int, int], first: bool
) -> None:
    """<y, gradient(x)> is <convolution(y), x> for every y: a row of the result at a time."""
    x, w = _normal(1, 4, 3, 2), _normal(3, 2, 5, 2)
    shape = (1, 5, *size) if first else (1, *size, 5)
    g = GraphBuilder()
    fed = x.transpose(0, 3, 1, 2) if first else x
    steps = [1, 1, stride, stride] if first else [1, stride, stride, 1]
    g.node(
        "Conv2DBackpropInput",
        "y",
        g.const("shape", list(shape), "int32"),
        g.const("w", w),
        g.placeholder("x", fed.shape),
        strides=steps,
        padding=mode,
        data_format="NCHW" if first else "NHWC",
        T=DType.FLOAT,
    )
    (y,) = g.run(tmp_path, {"x": fed})
    y = y.transpose(0, 2, 3, 1) if first else y
    want = np.zeros((1, *size, 5))
    low = [
        max((n - 1) * stride + k - s, 0) // 2 if mode == "SAME" else 0
        for n, k, s in zip((4, 3), (3, 2), size, strict=True)
    ]
    for i, j, a, b in np.ndindex(4, 3, 3, 2):
        r, c = i * stride - low[0] + a, j * stride - low[1] + b
        if 0 <= r < size[0] and 0 <= c < size[1]:
            want[:, r, c] += x[:, i, j] @ w[a, b].T
    np.testing.assert_allclose(y, want, atol=1e-5)


def test_transposed_convolution_of_another_size_is_refused(tmp_path: Path) -> None:
    g = GraphBuilder()
    g.node(
        "Conv2DBackpropInput",
        "y",
        g.const("shape", [1, 9, 9, 1], "int32"),
        g.const("w", _normal(3, 3, 1, 1)),
        g.placeholder("x", (1, 4, 4, 1)),
        strides=[1, 2, 2, 1],
        padding="SAME",
    )
    with pytest.raises(ImportFailure, match="gives 9 outputs of 4"):
        g.load(tmp_path)


_ACTIVATIONS: list[tuple[str, Callable[[np.ndarray], np.ndarray]]] = [
    ("Softplus", lambda x: np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0)),
    ("Softsign", lambda x: x / (1 + np.abs(x))),
    ("Selu", lambda x: 1.05070098 * np.where(x > 0, x, 1.67326324 * np.expm1(x))),
]


@pytest.mark.parametrize(("op", "reference"), _ACTIVATIONS)
def test_activation(tmp_path: Path, op: str, reference: Callable[[np.ndarray], np.ndarray]) -> None:
    x = f32([[-90, -2, -0.5, 0, 0.5, 2, 90]])
    g = GraphBuilder()
    g.node(op, "y", g.placeholder("x", x.shape))
    np.testing.assert_allclose(g.run(tmp_path, {"x": x})[0], reference(x.astype(float)), atol=2e-6)
