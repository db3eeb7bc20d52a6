# SPDX-License-Identifier: Apache-2.0
"""Quantization by calibration: what becomes of networks, and how far integers are from floats."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnnc.calibrating import Calibrate
from bnnc.ir import Module, q
from bnnc.ir.diagnostics import UsageError
from bnnc.ir.text import parse_module
from bnnc.passes.manager import PassManager
from bnnc.passes.quantized import FuseQuantized, InsertQuantizers, QuantizeLayers

from .quantizing import kinds, network, outputs, quantized

CONV = "bin.conv2d_ff(%{x}, @{w}, none, {b}) {{stride = [1, 1], pad = [{p}], pad_value = 0.0}}"


def conv(x: str, w: str, b: str = "none", pad: str = "1, 1, 1, 1") -> str:
    return CONV.format(x=x, w=w, b=b, p=pad)


def one_conv(
    w: np.ndarray, bias: np.ndarray, size: int = 6, pad: str = "1, 1, 1, 1", tail: str = ""
) -> Module:
    """x -> conv -> [tail] -> conv with one tap, which makes the result of the first one bytes."""
    channels, oc = w.shape[3], w.shape[0]
    grown = size + 2 * int(pad[0]) - (w.shape[1] - 1)
    x, y = f"tensor<1x{size}x{size}x{channels}xf32>", f"tensor<1x{grown}x{grown}x{oc}xf32>"
    body = f'    %a = {conv("x", "w", "@b", pad)} : {y} loc("first")\n'
    body += f'    %t = {tail}(%a) : {y} loc("tail")\n' if tail else ""
    body += f'    %y = {conv("t" if tail else "a", "i", pad="0, 0, 0, 0")} : {y} loc("last")'
    identity = np.eye(oc, dtype=np.float32).reshape(oc, 1, 1, oc)
    return network({"x": x}, body, {"w": w, "b": bias, "i": identity}, y=y)


def images(low: float, high: float, channels: int, count: int = 8, size: int = 6) -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.uniform(low, high, (count, size, size, channels)).astype(np.float32)


def layers(module: Module) -> list[q.Layer]:
    return [op for op in module.func.ops if isinstance(op, q.Layer)]


@pytest.mark.parametrize(("low", "high"), [(2.0, 5.0), (-5.0, -2.0), (-1.0, 1.0), (0.0, 255.0)])
@pytest.mark.parametrize("tail", ["", "nn.relu"])
def test_borders_are_as_near_as_the_inside(low: float, high: float, tail: str) -> None:
    rng = np.random.default_rng(0)
    module = one_conv(rng.normal(size=(4, 3, 3, 3)), rng.normal(size=4), tail=tail)
    x = {"x": images(low, high, 3)}
    found, remarks = quantized(module, x)
    assert not remarks
    (want,), (got,) = outputs(module, x), outputs(found, x)
    off = np.abs(want - got)
    inside = off[:, 1:-1, 1:-1]
    step = (want.max() - min(want.min(), 0)) / 255
    assert inside.max() < 3 * step
    assert off.max() < 3 * step  # a padded tap is the zero point, that is 0.0


def test_the_bounds_of_a_relu_are_part_of_the_layer() -> None:
    module = one_conv(np.ones((2, 3, 3, 2)), np.zeros(2), tail="nn.relu")
    found, _ = quantized(module, {"x": images(-1, 1, 2)})
    first, last = layers(found)
    assert kinds(found)[:3] == ["q.quantize", "q.conv2d", "q.conv2d"]
    assert (first.y_zero, first.lo, first.to, first.rounding) == (-128, -128, "i8", "single")
    assert first.loc.names == ("first", "tail")
    assert last.to == "i32"  # nobody wants its result in bytes


@pytest.mark.parametrize(
    "x", [np.zeros((2, 6, 6, 2)), np.full((2, 6, 6, 2), -3.0), np.full((2, 6, 6, 2), 1e-45)]
)
def test_constant_data_gives_what_the_floats_give(x: np.ndarray) -> None:
    module = one_conv(np.ones((2, 3, 3, 2)), np.array([0.5, -2.0]))
    data = {"x": x.astype(np.float32)}
    found, _ = quantized(module, data)
    (want,), (got,) = outputs(module, data), outputs(found, data)
    np.testing.assert_allclose(got, want, rtol=0.02, atol=0.01)


def test_channels_of_zeros_and_tiny_channels() -> None:
    w = np.zeros((4, 3, 3, 2))
    w[1], w[2] = 1e-30, 3.0
    bias = np.array([0.75, 1.0, -1.0, 0.0])
    module, data = one_conv(w, bias), {"x": images(-1, 1, 2)}
    found, remarks = quantized(module, data)
    assert not remarks
    (want,), (got,) = outputs(module, data), outputs(found, data)
    step = (want.max() - want.min()) / 255
    assert np.abs(want - got).max() < 2 * step


def test_sums_beyond_32_bits_are_refused_by_name() -> None:
    count = 70_000
    module = parse_module(
        'bnnc.ir 1\nmodule @m {stage = "binarized"} {\n'
        f"  resource @w : tensor<1x{count}xf32> = splat(1.0)\n"
        f"  func @main(%x: tensor<1x{count}xf32>) -> (tensor<1x1xf32>) "
        '{inputs = ["x"], outputs = ["y"]} {\n'
        '    %y = bin.dense_ff(%x, @w) : tensor<1x1xf32> loc("huge")\n    func.return(%y)\n  }\n}\n'
    )
    found, remarks = quantized(module, {"x": np.ones((1, count), np.float32)})
    (remark,) = remarks
    assert remark.where == "huge"
    assert "beyond 32 bits" in remark.message
    assert "bin.dense_ff" in kinds(found)


def test_values_that_are_joined_share_one_scale() -> None:
    t, u = "tensor<1x6x6x2xf32>", "tensor<1x6x6x4xf32>"
    body = (
        f'    %a = {conv("x", "w", pad="0, 0, 0, 0")} : {t} loc("a")\n'
        f'    %b = {conv("x", "v", pad="0, 0, 0, 0")} : {t} loc("b")\n'
        f'    %c = nn.concat(%a, %b) {{axis = 3}} : {u} loc("c")\n'
        f'    %y = {conv("c", "u", pad="0, 0, 0, 0")} : {t} loc("d")\n'
        f'    %z = {conv("a", "w", pad="0, 0, 0, 0")} : {t} loc("e")'
    )
    one = np.eye(2).reshape(2, 1, 1, 2)
    module = network(
        {"x": t}, body, {"w": one, "v": one * 100, "u": np.ones((2, 1, 1, 4))}, y=t, z=t
    )
    found, _ = quantized(module, {"x": images(-1, 1, 2)})
    assert kinds(found).count("q.quantize") == 1
    assert "q.lookup" not in kinds(found)
    by_name = {op.loc.name: op for op in layers(found)}
    assert by_name["a"].y_zero == by_name["b"].y_zero == by_name["d"].x_zero == by_name["e"].x_zero


def test_residual_sums_and_pools_are_integers() -> None:
    t, p = "tensor<1x6x6x2xf32>", "tensor<1x3x3x2xf32>"
    body = (
        f'    %a = {conv("x", "w")} : {t} loc("a")\n'
        f'    %s = nn.add(%a, %x) : {t} loc("s")\n'
        f'    %r = nn.relu(%s) : {t} loc("r")\n'
        "    %m = nn.max_pool(%r) {kernel_size = [2, 2], stride = [2, 2], pad = [0, 0, 0, 0]}"
        f' : {p} loc("m")\n'
        "    %v = nn.avg_pool(%m) {kernel_size = [3, 3], stride = [1, 1], pad = [0, 0, 0, 0]}"
        ' : tensor<1x1x1x2xf32> loc("v")\n'
        '    %f = nn.reshape(%v) {shape = [1, 2]} : tensor<1x2xf32> loc("f")\n'
        '    %d = bin.dense_ff(%f, @d) : tensor<1x2xf32> loc("d")\n'
        '    %y = nn.softmax(%d) : tensor<1x2xf32> loc("y")'
    )
    rng = np.random.default_rng(5)
    arrays = {"w": rng.normal(size=(2, 3, 3, 2)), "d": rng.normal(size=(2, 2))}
    module = network({"x": t}, body, arrays, y="tensor<1x2xf32>")
    data = {"x": images(-1, 1, 2)}
    found, _ = quantized(module, data)
    assert kinds(found) == [
        *("q.quantize", "q.conv2d", "q.add", "q.max_pool", "q.conv2d", "nn.reshape", "q.dense"),
        *("q.dequantize", "nn.mul", "nn.softmax"),
    ]
    (want,), (got,) = outputs(module, data), outputs(found, data)
    assert np.abs(want - got).max() < 0.02
    kept, _ = quantized(module, data, keep="d")  # reads what bytes stand for
    assert kinds(kept)[-4:] == ["nn.reshape", "q.dequantize", "bin.dense_ff", "nn.softmax"]
    whole, _ = quantized(module, data, io="int8")
    assert kinds(whole) == [
        *("q.conv2d", "q.add", "q.max_pool", "q.conv2d", "nn.reshape", "q.dense", "q.softmax"),
    ]
    # No float, no multiplier that is one.
    assert all(r.type.scalar.name != "f32" for r in whole.resources.values())
    assert str(whole.inputs["x"].scalar) == "i8"
    assert (whole.outputs["y"].quant.scale, whole.outputs["y"].quant.zero) == (1 / 256, -128)  # type: ignore[union-attr]
    levels = whole.inputs["x"].quant
    assert levels is not None
    assert isinstance(levels.scale, float)
    assert isinstance(levels.zero, int)
    steps = np.clip(np.rint(data["x"] / levels.scale) + levels.zero, -128, 127).astype(np.int8)
    (bytes_,) = outputs(whole, {"x": steps})
    assert np.abs((bytes_.astype(float) + 128) / 256 - want).max() < 0.02


def test_what_a_sign_cuts_is_not_quantized() -> None:
    t = "tensor<1x6x6x2xf32>"
    body = (
        f'    %a = {conv("x", "w", "@b")} : {t} loc("a")\n'
        f'    %s = nn.add(%a, %x) : {t} loc("s")\n'
        '    %p = bin.pack(%s) {nan = plus} : tensor<1x6x6x2xbit> loc("p")\n'
        f'    %y = bin.unpack(%p) : {t} loc("y")'
    )
    w = np.random.default_rng(7).normal(size=(2, 3, 3, 2))
    module = network({"x": t}, body, {"w": w, "b": np.array([0.1, -0.1])}, y=t)
    found, _ = quantized(module, {"x": images(-1, 1, 2)})
    (layer,) = layers(found)
    assert layer.to == "i32"
    assert kinds(found)[-3:] == ["nn.add", "bin.pack", "bin.unpack"]
    (add,) = [op for op in found.func.ops if op.NAME == "nn.add"]
    assert found.func.args[0] in add.operands  # the float itself, not what its byte stands for


def test_thresholds_compare_exact_sums() -> None:
    t, c = "tensor<1x6x6x2xf32>", "tensor<1x6x6x2xbit>"
    body = (
        "    %a = bin.conv2d_ff(%x, @w, none, none, @t) {stride = [1, 1], pad = [1, 1, 1, 1],"
        f' pad_value = 0.0}} : {c} loc("a")\n    %y = bin.unpack(%a) : {t} loc("y")'
    )
    w = np.round(np.random.default_rng(7).uniform(-127, 127, size=(2, 3, 3, 2)))
    w[:, 0, 0, 0] = 127
    module = network({"x": t}, body, {"w": w, "t": np.array([500.0, -33.0])}, y=t)
    x = np.rint(images(0, 255, 2))
    x[0, 0, 0, 0] = 255
    data = {"x": x}
    # Weights and inputs are their own levels, so that nothing is rounded: no bit may differ.
    found, _ = quantized(module, data)
    assert len(layers(found)) == 1
    np.testing.assert_array_equal(outputs(found, data)[0], outputs(module, data)[0])


def test_layers_that_are_kept_stay_in_float() -> None:
    module = one_conv(np.ones((2, 3, 3, 2)), np.zeros(2), tail="nn.relu")
    data = {"x": images(-1, 1, 2)}
    found, _ = quantized(module, data, keep="fir*")
    assert [op.loc.name for op in layers(found)] == ["last"]
    assert kinds(found)[:2] == ["bin.conv2d_ff", "nn.relu"]
    same, _ = quantized(module, data, keep="first;last")
    assert same == module
    with pytest.raises(UsageError, match="no layer is called 'frist'"):
        quantized(module, data, keep="frist")


@settings(max_examples=30)
@given(st.data())
def test_random_layers_are_as_near_as_their_steps_say(data: st.DataObject) -> None:
    """|y - y'| of one layer: halves of a step of each input and weight, and of the result."""
    draw = data.draw
    oc, channels, k = draw(st.integers(1, 5)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    spread = 10.0 ** rng.integers(-4, 4, (oc, 1, 1, 1))
    w = rng.normal(size=(oc, k, k, channels)) * spread
    low = draw(st.floats(-10, 5))
    x = images(low, low + draw(st.floats(0.1, 10)), channels)
    pad = f"{k // 2}, {k // 2}, {k // 2}, {k // 2}"
    module = one_conv(w, rng.normal(size=oc), pad=pad)
    found, remarks = quantized(module, {"x": x})
    assert not remarks
    (want,), (got,) = outputs(module, {"x": x}), outputs(found, {"x": x})
    step_x = (max(x.max(), 0) - min(x.min(), 0)) / 255
    step_w = np.abs(w).reshape(oc, -1).max(axis=1) / 127
    step_y = (max(want.max(), 0) - min(want.min(), 0)) / 255
    taps = k * k * channels
    error = np.abs(w).reshape(oc, -1).sum(axis=1) * step_x * 0.51
    error += taps * step_w * 0.51 * (np.abs(x).max() + step_x)
    # The last layer, one tap of 1, is exact; levels of y are off by a half, ends by one step.
    assert (np.abs(want - got).reshape(-1, oc).max(axis=0) <= error * 1.01 + 1.1 * step_y).all()


def test_kept_layers_that_read_bytes_stay_in_float() -> None:
    t = "tensor<1x6x6x2xf32>"
    pool = "{kernel_size = [1, 1], stride = [1, 1], pad = [0, 0, 0, 0]}"
    body = (
        f'    %a = {conv("x", "w", "@b")} : {t} loc("a")\n'
        f'    %m = nn.max_pool(%a) {pool} : {t} loc("m")\n'
        f'    %c = {conv("m", "w", "@b")} : {t} loc("c")\n'
        f'    %d = {conv("m", "w", "@b")} : {t} loc("d")\n'
        f'    %y = nn.add(%c, %d) : {t} loc("y")'
    )
    rng = np.random.default_rng(8)
    w, b = rng.normal(size=(2, 3, 3, 2)), np.array([0.5, -0.5])
    module, data = network({"x": t}, body, {"w": w, "b": b}, y=t), {"x": images(-1, 1, 2)}
    found, _ = quantized(module, data, keep="c")
    assert [op.loc.name for op in layers(found)] == ["a", "d"]
    assert [op.loc.name for op in found.func.ops if op.NAME == "bin.conv2d_ff"] == ["c"]


def test_a_kept_first_layer_reads_the_floats_of_the_input() -> None:
    t, flat = "tensor<1x8xf32>", "tensor<1x2x2x2xf32>"
    body = (
        f'    %r = nn.reshape(%x) {{shape = [1, 2, 2, 2]}} : {flat} loc("r")\n'
        f'    %a = {conv("r", "w", "@b")} : {flat} loc("a")\n'
        f'    %y = {conv("a", "w", "@b")} : {flat} loc("last")'
    )
    w = np.random.default_rng(9).normal(size=(2, 3, 3, 2))
    module = network({"x": t}, body, {"w": w, "b": np.zeros(2)}, y=flat)
    found, _ = quantized(module, {"x": images(-1, 1, 2, size=2).reshape(8, 8)}, keep="a")
    assert kinds(found)[:2] == ["nn.reshape", "bin.conv2d_ff"]
    assert [op.loc.name for op in layers(found)] == ["last"]


def test_layers_without_levels_stay_in_float_where_they_read_bytes() -> None:
    module = one_conv(np.ones((2, 3, 3, 2)), np.array([1.0, 2.0]), tail="nn.relu")
    data = {"x": images(-1, 1, 2)}
    PassManager().run(module, [Calibrate().on(data)])
    for name in ("first", "last"):
        edited = module.clone()
        (op,) = [op for op in edited.func.ops if op.loc.name == name]
        op.results[0].type = replace(op.results[0].type, quant=None)
        manager = PassManager()
        manager.run(edited, [InsertQuantizers()])
        levels = [op.loc.name for op in edited.func.ops if op.results[0].type.quant is not None]
        assert levels == [other for other in ("first", "last") if other != name]
        manager.run(edited, [QuantizeLayers(), FuseQuantized(rounding="single")])
        assert [op.loc.name for op in layers(edited)] == levels
        assert all(op.results[0].type.quant is None for op in edited.func.ops)
