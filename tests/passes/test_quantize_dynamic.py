# SPDX-License-Identifier: Apache-2.0
"""Ranges measured at run time: against numpy written a second time, in C, and where they end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnnc.driver import plan
from bnnc.ir import BIT, Module, q
from bnnc.ir.diagnostics import Remark, UsageError
from bnnc.ir.interpreter import interpret
from bnnc.passes.manager import PassManager
from bnnc.passes.quantized import QuantizeDynamic

from .quantizing import kinds, network, outputs
from .test_quantized_bits import network as bits_network
from .test_quantized_bits import signs
from .test_quantizing import conv, images

if TYPE_CHECKING:
    from ..fuzz.native import Native

F32 = np.float32
T = "tensor<1x6x6x2xf32>"


def dynamic(module: Module, keep: str = "") -> tuple[Module, list[Remark]]:
    found, manager = module.clone(), PassManager()
    manager.run(found, [QuantizeDynamic(keep=keep)])
    return found, manager.remarks


def levels(x: np.ndarray) -> tuple[np.float32, int]:
    """ONNX's DynamicQuantizeLinear, as its description has it."""
    low, high = F32(min(0, x.min())), F32(max(0, x.max()))
    scale = (high - low) / F32(255) if high > low else F32(1)
    return scale, int(np.clip(np.rint(F32(0) - low / scale), 0, 255))


def reference(
    x: np.ndarray, w: np.ndarray, bias: np.ndarray, *, groups: int = 1, pad: int = 0
) -> np.ndarray:
    """A convolution of stride 1 of x [n, h, w, c] as the page on quantization describes it."""
    scale, zero = levels(x)
    bytes_ = np.clip(np.rint(x / scale) + zero, 0, 255).astype(np.int64)
    rows = np.abs(w.astype(np.float64)).reshape(len(w), -1).max(axis=1)
    w_scale = np.where(rows > 0, rows / 127, 1.0).astype(F32)
    steps = np.rint(w.astype(np.float64) / w_scale.reshape(-1, 1, 1, 1)).clip(-127, 127)
    padded = np.pad(bytes_, ((0, 0), (pad, pad), (pad, pad), (0, 0)), constant_values=zero)
    (oc, kh, kw, ic), (n, ih, iw, _) = w.shape, padded.shape
    y = np.zeros((n, ih - kh + 1, iw - kw + 1, oc), F32)
    for o in range(oc):
        first = o // (oc // groups) * ic
        for i, j in np.ndindex(*y.shape[1:3]):
            part = padded[:, i : i + kh, j : j + kw, first : first + ic]
            acc = (part * steps[o].astype(np.int64)).sum(axis=(1, 2, 3))
            # The correction by the zero point, told apart from the sum of products.
            acc -= zero * int(steps[o].sum())
            y[:, i, j, o] = acc.astype(F32) * (scale * w_scale[o]) + bias[o]
    return y


@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_layers_equal_numpy_in_every_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = int(rng.choice([1, 2]))
    channels, oc, k, pad = 2 * int(rng.integers(1, 4)), 2 * int(rng.integers(1, 4)), 3, 1
    w = rng.normal(size=(oc, k, k, channels // groups)) * 10.0 ** rng.integers(-5, 5, (oc, 1, 1, 1))
    w[rng.integers(0, oc)] = 0
    w = w.astype(F32)
    bias = rng.normal(size=oc).astype(F32)
    low = rng.normal()
    x = images(low, low + rng.uniform(0.1, 4), channels, count=2) * F32(10.0 ** rng.integers(-9, 9))
    t, y = f"tensor<2x6x6x{channels}xf32>", f"tensor<2x6x6x{oc}xf32>"
    body = (
        f"    %y = bin.conv2d_ff(%x, @w, none, @b) {{stride = [1, 1], groups = {groups}, "
        f'pad = [1, 1, 1, 1], pad_value = 0.0}} : {y} loc("a")'
    )
    module = network({"x": t}, body, {"w": w, "b": bias}, y=y)
    found, remarks = dynamic(module)
    assert not remarks
    assert kinds(found) == ["q.dynamic_levels", "q.dynamic_quantize", "q.dynamic_conv2d"]
    got = interpret(found, {"x": x})["y"]
    np.testing.assert_array_equal(got, reference(x, w, bias, groups=groups, pad=pad))


@pytest.mark.parametrize(("low", "high"), [(2.0, 5.0), (-5.0, -2.0), (-1.0, 1.0), (0.0, 255.0)])
def test_borders_and_the_first_layer_are_as_near_as_steps_say(low: float, high: float) -> None:
    """The zero point counts as it must: in the padding, and where no number is 0."""
    rng = np.random.default_rng(0)
    w, bias = rng.normal(size=(4, 3, 3, 3)), rng.normal(size=4)
    t, y = "tensor<1x6x6x3xf32>", "tensor<1x6x6x4xf32>"
    body = f'    %y = {conv("x", "w", "@b")} : {y} loc("a")'
    module = network({"x": t}, body, {"w": w, "b": bias}, y=y)
    x = {"x": images(low, high, 3)}
    (want,), (got,) = outputs(module, x), outputs(dynamic(module)[0], x)
    step_x, step_w = (max(high, 0) - min(low, 0)) / 255, np.abs(w).max() / 127
    error = np.abs(w).reshape(4, -1).sum(axis=1).max() * step_x / 2
    error += 27 * step_w / 2 * max(abs(low), abs(high))
    assert np.abs(want - got).max() < error


def test_bit_weights_stay_bits_and_round_the_input_alone() -> None:
    """A factor 0 leaves the bias, exactly: its sign must not come from a rounding."""
    w = signs(5, 3, 3, 3)
    alpha = np.array([0.5, 0.25, -2.0, 0.0, 7.0])
    module = bits_network(w, {"alpha": alpha, "bias": np.array([1.5, 0.75, -6.0, 0.0, 21.0])})
    x = {"x": images(2.0, 5.0, 3)}
    found, _ = dynamic(module)
    (layer,) = (op for op in found.func.ops if isinstance(op, q.DynamicLayer))
    assert layer.w.type.scalar == BIT
    (want,), (got,) = outputs(module, x), outputs(found, x)
    error = np.abs(alpha) * 27 * 5 / 255 / 2
    assert (np.abs(want - got).reshape(-1, 5).max(axis=0) <= error * 1.0001 + 1e-6).all()
    assert not got[..., 3].any()


@pytest.mark.parametrize("levels_", [1, 5])
def test_thresholds_cut_the_float_that_the_sum_stands_for(levels_: int) -> None:
    """Where input and weights are their own levels no bit differs."""
    w = signs(6, 3, 3, 2)
    shape = (6,) if levels_ == 1 else (6, levels_)
    thr = np.sort(np.rint(np.random.default_rng(8).normal(0, 300, shape)), axis=-1)
    module = bits_network(w, {"thr": thr})
    x = np.rint(images(0, 255, 2))
    x[:, 0, 0, 0] = 255
    found, _ = dynamic(module)
    cut = "bin.threshold" if levels_ == 1 else "bin.quantize"
    assert kinds(found)[2:4] == ["q.dynamic_conv2d", cut]
    np.testing.assert_array_equal(outputs(found, {"x": x})[0], outputs(module, {"x": x})[0])


def two_layers() -> Module:
    body = (
        f'    %a = {conv("x", "w")} : {T} loc("first")\n'
        f'    %r = nn.relu(%a) : {T} loc("relu")\n'
        f'    %b = {conv("r", "w")} : {T} loc("second")\n'
        f'    %c = {conv("r", "v")} : {T} loc("third")\n'
        f'    %y = nn.add(%b, %c) : {T} loc("sum")'
    )
    rng = np.random.default_rng(9)
    arrays = {n: rng.normal(size=(2, 3, 3, 2)).astype(F32) for n in "wv"}
    return network({"x": T}, body, arrays, y=T)


def test_layers_that_read_the_same_share_its_range() -> None:
    found, _ = dynamic(two_layers())
    measured = ["q.dynamic_levels", "q.dynamic_quantize"]
    layer = "q.dynamic_conv2d"
    assert kinds(found) == [*measured, layer, "nn.relu", *measured, layer, layer, "nn.add"]


def test_layers_that_are_kept_stay_in_float() -> None:
    found, _ = dynamic(two_layers(), keep="sec*;third")
    assert kinds(found).count("q.dynamic_conv2d") == 1
    assert kinds(found).count("bin.conv2d_ff") == 2
    same, remarks = dynamic(two_layers(), keep="first;second;third")
    assert same == two_layers()
    assert "no float layer" in remarks[0].message
    with pytest.raises(UsageError, match="no layer is called 'frist'"):
        dynamic(two_layers(), keep="frist")


def test_layers_without_an_integer_form_stay_in_float() -> None:
    ones = conv("x", "w").replace("pad_value = 0.0", "pad_value = 1.0")
    module = network({"x": T}, f'    %y = {ones} : {T} loc("a")', {"w": np.ones((2, 3, 3, 2))}, y=T)
    found, remarks = dynamic(module)
    assert found == module
    assert any("not padded with 0" in r.message for r in remarks)
    # Whatever the zero point, a sum may reach inputs * 127 * 255.
    most = (2**31 - 1) // (127 * 255)
    for inputs, name in ((most, "q.dynamic_dense"), (most + 1, "bin.dense_ff")):
        text = '    %y = bin.dense_ff(%x, @w) : tensor<1x1xf32> loc("a")'
        t = f"tensor<1x{inputs}xf32>"
        wide = network({"x": t}, text, {"w": np.ones((1, inputs))}, y="tensor<1x1xf32>")
        found, remarks = dynamic(wide)
        assert kinds(found)[-1] == name
        assert any("beyond 32 bits" in r.message for r in remarks) == (name == "bin.dense_ff")


@pytest.mark.parametrize(
    ("number", "want"),
    [(0.0, [1.0, 2.0]), (np.nan, [1.0, 2.0]), (np.inf, None), (-np.inf, None), (1e-44, [1.0, 2.0])],
)
def test_inputs_that_have_no_range(number: float, want: list[float] | None) -> None:
    """All zeros, all NaN and denormals give the bias; infinities the largest level, not NaN."""
    body = '    %y = bin.dense_ff(%x, @w, none, @b) : tensor<1x2xf32> loc("a")'
    arrays = {"w": np.ones((2, 3)), "b": np.array([1.0, 2.0])}
    module = network({"x": "tensor<1x3xf32>"}, body, arrays, y="tensor<1x2xf32>")
    (got,) = outputs(dynamic(module)[0], {"x": np.full((1, 3), number, F32)})
    if want is not None:
        assert got[0].tolist() == want
    else:
        assert np.isfinite(got).all()
        np.testing.assert_allclose(got, np.copysign(3 * 2.0**126, number), rtol=1e-5)


def random_network(seed: int) -> tuple[Module, np.ndarray]:
    rng = np.random.default_rng(seed)
    channels, oc, k = (int(rng.integers(1, n)) for n in (10, 10, 4))
    groups = channels if seed % 4 == 0 else 1
    oc = channels if groups > 1 else oc
    size, pad, batch = int(rng.integers(4, 8)), int(rng.integers(0, k)), 1 + seed % 2
    grown = size + 2 * pad - k + 1
    w = rng.normal(size=(oc, k, k, channels // groups)) * 10.0 ** rng.integers(-6, 6, (oc, 1, 1, 1))
    w[rng.integers(0, oc)] = 0
    y = f"tensor<{batch}x{grown}x{grown}x{oc}xf32>"
    body = (
        f"    %a = bin.conv2d_ff(%x, @w, none, @b) {{stride = [1, 1], groups = {groups}, "
        f'pad = [{pad}, {pad}, {pad}, {pad}], pad_value = 0.0}} : {y} loc("a")\n'
        f'    %r = nn.relu(%a) : {y} loc("r")\n'
        f"    %m = nn.reduce(%r) {{kind = mean, axes = [1, 2]}} : tensor<{batch}x{oc}xf32> "
        'loc("m")\n'
        f'    %d = bin.dense_ff(%m, @d) : tensor<{batch}x3xf32> loc("d")\n'
        "    %t = bin.pack(%d) {nan = plus} : "
        f'tensor<{batch}x3xbit> loc("t")\n'
        f'    %y = bin.unpack(%t) : tensor<{batch}x3xf32> loc("y")'
    )
    arrays = {"w": w, "b": rng.normal(size=oc), "d": rng.normal(size=(3, oc))}
    t = f"tensor<{batch}x{size}x{size}x{channels}xf32>"
    out = {"d": f"tensor<{batch}x3xf32>", "y": f"tensor<{batch}x3xf32>"}
    x = rng.normal(rng.normal(), 1, (4, batch, size, size, channels)) * 10.0 ** rng.integers(-3, 4)
    x[1] = x[1, 0, 0, 0, 0]
    x[2] = 0
    x[3].flat[:3] = np.nan, np.inf, -1e38
    return network({"x": t}, body, arrays, **out), x.astype(F32)


@pytest.mark.slow
def test_code_equals_the_interpreter(native: Native) -> None:
    """Under sanitizers, in every byte, with inputs that are constant, zero and not finite."""
    modules: dict[str, Module] = {}
    feeds: dict[str, list[dict[str, np.ndarray]]] = {}
    for seed in range(12):
        module, x = random_network(seed)
        modules[f"n{seed}"] = plan(module, "c", quantize="dynamic")
        feeds[f"n{seed}"] = [{"x": s} for s in x]
    library = native.build(modules)
    for name, module in modules.items():
        assert native.check(library, name, module, feeds[name]) > 0
