# SPDX-License-Identifier: Apache-2.0
"""Layers with bit weights on floats become layers of bytes whose weights are still bits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnnc import driver
from bnnc.ir import BIT, Module, Resource, q
from bnnc.ir.text import parse_module
from bnnc.passes.quantized.weights import least_sums

from .quantizing import outputs, quantized

Arrays = Mapping[str, np.ndarray]
SIZE = 6


def signs(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).choice(np.array([-1, 1]), shape)


def samples(low: float, high: float, channels: int, count: int = 8) -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.uniform(low, high, (count, SIZE, SIZE, channels)).astype(np.float32)


def network(
    w: np.ndarray, rows: Arrays, *, pad: int = 1, stride: int = 1, groups: int = 1, tail: str = ""
) -> Module:
    """x -> a convolution with bit weights -> [tail]; rows are alpha and bias, or thr."""
    oc, k, _, depth = w.shape
    made = (SIZE + 2 * pad - k) // stride + 1
    shape = f"1x{made}x{made}x{oc}"
    cut = "bit" if rows.get("thr", np.zeros(0)).ndim == 1 else "u3"
    resources = "\n".join(
        f"  resource @{n} : tensor<{'x'.join([*map(str, a.shape), 'f32'])}> = "
        f"dense([{', '.join(repr(float(v)) for v in a.ravel())}])"
        for n, a in rows.items()
    )
    operands = ", ".join(f"@{n}" if n in rows else "none" for n in ("alpha", "bias", "thr"))
    result = f"tensor<{shape}x{cut if 'thr' in rows else 'f32'}>"
    back = {"bit": "bin.unpack(%a)", "u3": "bin.dequantize(%a) {scale = 1.0, offset = 0.0}"}
    last = back[cut] if "thr" in rows else f"{tail}(%a)"
    made_of = f'    %y = {last} : tensor<{shape}xf32> loc("last")\n    func.return(%y)'
    end = made_of if tail or "thr" in rows else "    func.return(%a)"
    return parse_module(
        f'bnnc.ir 1\nmodule @m {{stage = "binarized"}} {{\n'
        f"  resource @w : tensor<{'x'.join(map(str, w.shape))}xbit> = "
        f"dense([{', '.join(str(v) for v in w.ravel())}])\n{resources}\n"
        f"  func @main(%x: tensor<1x{SIZE}x{SIZE}x{depth * groups}xf32>) -> (tensor<{shape}xf32>) "
        '{inputs = ["x"], outputs = ["y"]} {\n'
        f"    %a = bin.conv2d_fb(%x, @w, {operands}) {{stride = [{stride}, {stride}], "
        f"groups = {groups}, pad = [{pad}, {pad}, {pad}, {pad}], pad_value = 0.0}} : {result} "
        f'loc("layer")\n{end}\n  }}\n}}\n'
    )


def the_layer(module: Module) -> q.Layer:
    (found,) = (op for op in module.func.ops if isinstance(op, q.Layer))
    assert found.w.type.scalar == BIT
    return found


@pytest.mark.parametrize(("low", "high"), [(2.0, 5.0), (-5.0, -2.0), (-1.0, 1.0), (0.0, 255.0)])
def test_first_layers_keep_their_offset(low: float, high: float) -> None:
    """Zero points times sums of weights, in the borders only of the weights that are inside.

    Filters of ones alone make that sum as large as it can be.
    """
    w = signs(5, 3, 3, 3)
    w[0], w[1] = 1, -1
    alpha = np.array([0.5, 0.25, -2.0, 1e-3, 7.0])
    module = network(w, {"alpha": alpha, "bias": alpha * 3})
    x = {"x": samples(low, high, 3)}
    found, remarks = quantized(module, x)
    assert not remarks
    zero = {2.0: -128, -5.0: 127, -1.0: 0, 0.0: -128}[low]
    assert abs(the_layer(found).x_zero - zero) <= 1
    (want,), (got,) = outputs(module, x), outputs(found, x)
    step = (max(high, 0) - min(low, 0)) / 255
    # Weights are exact: only the input is rounded, half a step for each of at most 27 taps; the
    # bias to half a unit; floats themselves have 24 bits.
    assert (np.abs(want - got) <= np.abs(alpha) * step * 1.02 * (27 / 2 + 0.5) + 1e-6).all()


def test_channels_without_a_factor_give_their_bias() -> None:
    module = network(signs(4, 3, 3, 2), {"alpha": np.array([0, 0, 1e-12, 1]), "bias": np.arange(4)})
    x = {"x": samples(-1, 1, 2)}
    found, _ = quantized(module, x)
    got = outputs(found, x)[0]
    want = np.broadcast_to([0, 1, 2], got[..., :3].shape)
    np.testing.assert_allclose(got[..., :3], want, rtol=1e-5, atol=1e-30)
    assert got[..., 3].std() > 0.1


@pytest.mark.parametrize("levels", [0, 7])
def test_thresholds_are_integers_of_the_layer(levels: int) -> None:
    """Inputs that are their own levels: not one bit may differ, and sums occur as thresholds."""
    rng = np.random.default_rng(7)
    shape = (9, levels) if levels else (9,)
    thr = np.sort(rng.integers(-300, 300, shape).astype(np.float32), axis=-1)
    thr[0] = -np.inf
    thr[1] = np.inf
    module = network(signs(9, 3, 3, 3), {"thr": thr})
    x = np.rint(samples(-128, 127, 3))
    x[0, 0, 0] = [-128, 127, 0]
    found, remarks = quantized(module, {"x": x})
    assert not remarks
    layer = the_layer(found)
    assert isinstance(layer.thr, Resource)
    np.testing.assert_array_equal(layer.thr.array[2:], thr[2:])
    assert [op.NAME for op in found.func.ops][:2] == ["q.quantize", "q.conv2d"]
    np.testing.assert_array_equal(outputs(found, {"x": x})[0], outputs(module, {"x": x})[0])


def test_thresholds_beyond_24_bits_are_exact() -> None:
    """In float32 they would be the same number, and so would be the sums."""
    units = np.array([1.0, 0.1, 3e-5])
    sums = np.array([[2**24, 2**24 + 1], [2**28 + 1, 2**28 + 17], [-(2**30) + 1, 2**30]])
    for at in np.ndindex(*sums.shape):
        t = np.float32(float(units[at[0]]) * float(sums[at]))
        least = int(least_sums(t.reshape(1), units[at[0]][None])[0])
        unit = Fraction(float(units[at[0]]))
        assert least * unit >= Fraction(float(t)) > (least - 1) * unit
    ends = np.array([np.inf, -np.inf, 3e38, -3e38, np.nan], np.float32)
    assert least_sums(ends, np.full(5, 1e-3)).tolist() == [
        *(2**31 - 1, -(2**31), 2**31 - 1, -(2**31), 2**31 - 1),
    ]


def test_weights_are_bits_in_the_weight_file(tmp_path: Path) -> None:
    w = signs(64, 3, 3, 64)
    module = network(w, {"alpha": np.ones(64)}, tail="nn.tanh")
    x = samples(-1, 1, 64)
    done = driver.compile(module, out=tmp_path, quantize="int8", calibrate={"x": x})
    floats = driver.compile(module, out=tmp_path / "floats")
    assert {op.NAME for op in done.module.func.ops} >= {"q.conv2d"}
    # A bit for each weight, 64 channels with their parameters, a table, names.
    assert w.size / 8 <= done.manifest.weights_bytes <= w.size / 8 + 64 * 16 + 256 + 512
    assert done.manifest.weights_bytes <= floats.manifest.weights_bytes + 64 * 16 + 256


@settings(max_examples=30)
@given(st.data())
def test_random_layers_are_as_near_as_their_steps_say(data: st.DataObject) -> None:
    draw = data.draw
    k, stride = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    depth, oc = draw(st.integers(1, 5)), groups * draw(st.integers(1, 4))
    seed = draw(st.integers(0, 10**6))
    rng = np.random.default_rng(seed)
    w = signs(oc, k, k, depth, seed=seed)
    alpha = rng.normal(size=oc) * 10.0 ** rng.integers(-4, 4, oc)
    bias = rng.normal(size=oc) * np.abs(alpha) * 10.0 ** rng.integers(-3, 3, oc)
    low = draw(st.floats(-10, 5))
    x = samples(low, low + draw(st.floats(0.1, 10)), depth * groups)
    rows = {"alpha": alpha, "bias": bias}
    module = network(w, rows, pad=draw(st.integers(0, k - 1)), stride=stride, groups=groups)
    found, remarks = quantized(module, {"x": x})
    assert not remarks
    the_layer(found)
    (want,), (got,) = outputs(module, {"x": x}), outputs(found, {"x": x})
    step = (max(x.max(), 0) - min(x.min(), 0)) / 255
    error = np.abs(alpha) * step * (k * k * depth * 0.51 + 0.51)
    noise = (np.abs(alpha) * k * k * depth * np.abs(x).max() + np.abs(bias)) * 2.0**-20
    assert (np.abs(want - got).reshape(-1, oc).max(axis=0) <= error + noise).all()
    assert math.isfinite(float(got.max()))
