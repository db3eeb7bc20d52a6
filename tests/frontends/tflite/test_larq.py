# SPDX-License-Identifier: Apache-2.0
"""Larq Compute Engine's operators, one by one, against the words that it would count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bnnc
from bnnc.ir.diagnostics import ImportFailure

from .writer import Net, flexbuffer, packed

RNG = np.random.default_rng(11)


def signs(*shape: int) -> np.ndarray:
    return RNG.choice(np.array([-1, 1], np.int8), shape)


def options(channels: int, **changed: int) -> dict[str, int]:
    fixed = {"channels_in": channels, "dilation_height_factor": 1, "dilation_width_factor": 1}
    fixed |= {"fused_activation_function": 0, "pad_values": 0, "padding": 1}
    return fixed | {"stride_height": 1, "stride_width": 1} | changed


def run(tmp_path: Path, data: bytes, x: np.ndarray, *, compiled: bool = True) -> np.ndarray:
    path = tmp_path / "net.tflite"
    path.write_bytes(data)
    module = bnnc.load(path)
    (y,) = bnnc.interpret(module, {"x": x}).values()
    if compiled:
        (code,) = bnnc.compile(module, "c", tmp_path / "out").run({"x": x}).values()
        np.testing.assert_array_equal(code, y)
    return y


def counted(x: np.ndarray, w: np.ndarray, pad: tuple[int, int, int, int], value: int) -> np.ndarray:
    """S of x [n, h, w, c] padded, stride one."""
    top, left, bottom, right = pad
    image = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=value)
    n, height, width, _ = image.shape
    oc, kh, kw, _ = w.shape
    y = np.zeros((n, height - kh + 1, width - kw + 1, oc), np.int64)
    for i, j in np.ndindex(y.shape[1:3]):
        window = image[:, i : i + kh, j : j + kw].astype(np.int64)
        y[:, i, j] = np.einsum("nhwc,ohwc->no", window, w.astype(np.int64))
    return y


@pytest.mark.parametrize("channels", [5, 32, 40])
@pytest.mark.parametrize("pad_values", [0, 1])
def test_padding_relu_multiplier_and_bias(tmp_path: Path, channels: int, pad_values: int) -> None:
    x, w = signs(2, 5, 4, channels).astype(np.float32), signs(3, 3, 2, channels)
    multiplier, bias = RNG.normal(size=3).astype(np.float32), RNG.normal(size=3).astype(np.float32)
    net = Net()
    bits = net.add(
        "LceQuantize", [net.input((2, 5, 4, channels), name="x")], (2, 5, 4, 2), dtype="int32"
    )
    given = [bits, net.constant(packed(w)), net.constant(multiplier), net.constant(bias)]
    chosen = options(channels, padding=0, pad_values=pad_values, fused_activation_function=1)
    data = net.file(net.add("LceBconv2d", given, (2, 5, 4, 3), chosen))
    want = np.maximum(counted(x.astype(np.int8), w, (1, 0, 1, 1), pad_values), 0)
    expected = want.astype(np.float32) * multiplier + bias
    np.testing.assert_allclose(run(tmp_path, data, x), expected, rtol=1e-6, atol=1e-5)


def test_thresholds_cut_where_more_bits_differ(tmp_path: Path) -> None:
    x, w = signs(1, 6, 6, 40).astype(np.float32), signs(8, 3, 3, 40)
    taps = 9 * 40
    thresholds = RNG.integers(taps // 2 - 20, taps // 2 + 20, 8).astype(np.int32)
    thresholds[0], thresholds[1], thresholds[2] = -1, taps, 2**31 - 1
    net = Net()
    bits = net.add("LceQuantize", [net.input((1, 6, 6, 40), name="x")], (1, 6, 6, 2), dtype="int32")
    given = [bits, net.constant(packed(w)), -1, -1, net.constant(thresholds)]
    cut = net.add("LceBconv2d", given, (1, 4, 4, 1), options(40), dtype="int32")
    data = net.file(net.add("LceDequantize", [cut], (1, 4, 4, 8)))
    unequal = (taps - counted(x.astype(np.int8), w, (0, 0, 0, 0), 0)) // 2
    want = np.where(unequal > thresholds, -1.0, 1.0)
    np.testing.assert_array_equal(run(tmp_path, data, x), want.astype(np.float32))


def test_max_pool_of_bits(tmp_path: Path) -> None:
    x = signs(1, 5, 4, 8).astype(np.float32)
    net = Net()
    bits = net.add("LceQuantize", [net.input((1, 5, 4, 8), name="x")], (1, 5, 4, 1), dtype="int32")
    window = {"filter_height": 2, "filter_width": 2, "stride_height": 2, "stride_width": 2}
    pooled = net.add("LceBMaxPool2d", [bits], (1, 3, 2, 1), window | {"padding": 0}, dtype="int32")
    data = net.file(net.add("LceDequantize", [pooled], (1, 3, 2, 8)))
    rows = np.pad(x, ((0, 0), (0, 1), (0, 0), (0, 0)), constant_values=-1)
    want = rows.reshape(1, 3, 2, 2, 2, 8).max(axis=(2, 4))
    np.testing.assert_array_equal(run(tmp_path, data, x), want)


def test_zeros_and_nan_are_plus(tmp_path: Path) -> None:
    x = np.array([[0.0, -0.0, np.nan, 1e-40, -1e-40, np.inf, -np.inf, -2.0]], np.float32)
    net = Net()
    bits = net.add("LceQuantize", [net.input((1, 8), name="x")], (1, 1), dtype="int32")
    data = net.file(net.add("LceDequantize", [bits], (1, 8)))
    want = np.array([[1, 1, 1, 1, -1, 1, -1, -1]], np.float32)
    np.testing.assert_array_equal(run(tmp_path, data, x), want)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"channels_in": 41}, "has 40 input channels where channels_in is 41"),
        ({"padding": 2}, "has padding 2"),
        ({"fused_activation_function": 3}, "activation number 3"),
    ],
)
def test_what_is_refused(tmp_path: Path, changed: dict[str, int], message: str) -> None:
    net = Net()
    bits = net.add("LceQuantize", [net.input((1, 6, 6, 40), name="x")], (1, 6, 6, 2), dtype="int32")
    given = [bits, net.constant(packed(signs(8, 3, 3, 40)))]
    path = tmp_path / "net.tflite"
    path.write_bytes(net.file(net.add("LceBconv2d", given, (1, 4, 4, 8), options(40) | changed)))
    with pytest.raises(ImportFailure, match=message):
        bnnc.load(path)


def test_the_writer_writes_what_is_read() -> None:
    from bnnc.frontends.tflite.flexbuffer import read_map

    assert read_map(flexbuffer({"a": 5, "bb": -7})) == {"a": 5, "bb": -7}
