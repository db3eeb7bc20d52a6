# SPDX-License-Identifier: Apache-2.0
"""Cross-layer equalization and bias correction: the same function, and fewer errors in 8 bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.data import features
from bnnc import driver
from bnnc.correcting import CorrectBiases
from bnnc.ir import Module, Resource, nn
from bnnc.ir import bin as bits
from bnnc.ir.diagnostics import UsageError
from bnnc.ir.text import parse_module
from bnnc.passes.manager import PassManager
from bnnc.passes.quantized import Equalize

from .quantizing import network, outputs

CHANNELS = 6


def scaled_channels(spread: float, tail: str = "nn.relu") -> Module:
    """conv, depthwise and conv; channels between them lie apart by powers of 10."""
    rng = np.random.default_rng(4)
    s = (10.0 ** rng.uniform(-spread, spread, CHANNELS)).reshape(-1, 1, 1, 1)
    x, t = "tensor<1x6x6x3xf32>", f"tensor<1x6x6x{CHANNELS}xf32>"
    one = "{stride = [1, 1], pad = [1, 1, 1, 1], pad_value = 0.0"
    body = (
        f'    %a = bin.conv2d_ff(%x, @a, none, @ab) {one}}} : {t} loc("a")\n'
        f'    %r = {tail}(%a) : {t} loc("r")\n'
        f'    %d = bin.conv2d_ff(%r, @d, none, @db) {one}, groups = {CHANNELS}}} : {t} loc("d")\n'
        f'    %s = nn.relu(%d) : {t} loc("s")\n'
        f'    %y = bin.conv2d_ff(%s, @c) {one}}} : {t} loc("y")'
    )
    arrays = {
        "a": rng.normal(size=(CHANNELS, 3, 3, 3)) * s,
        "ab": rng.normal(size=CHANNELS) * s.reshape(-1),
        "d": rng.normal(size=(CHANNELS, 3, 3, 1)) / s,
        "db": rng.normal(size=CHANNELS),
        "c": rng.normal(size=(CHANNELS, 3, 3, CHANNELS)),
    }
    return network({"x": x}, body, {n: a.astype(np.float32) for n, a in arrays.items()}, y=t)


def samples(count: int, seed: int = 1) -> dict[str, np.ndarray]:
    return {"x": np.random.default_rng(seed).normal(size=(count, 6, 6, 3)).astype(np.float32)}


def sqnr(module: Module, data: dict[str, np.ndarray], **options: Any) -> float:
    """Of the outputs in 8 bits, in dB."""
    found = driver.lower(module, after="fuse-quantized", quantize="int8", calibrate=data, **options)
    (want,), (got,) = outputs(module, data), outputs(found, data)
    return float(10 * np.log10((want**2).sum() / ((got - want) ** 2).sum()))


def equalized(module: Module) -> tuple[Module, list[str]]:
    found, manager = module.clone(), PassManager(check_each=True)
    manager.run(found, [Equalize()])
    return found, [r.where for r in manager.remarks]


def test_equalized_channels_compute_the_same_bits() -> None:
    module, data = scaled_channels(2), samples(4)
    found, told = equalized(module)
    assert told[0] == "a"
    np.testing.assert_array_equal(outputs(found, data)[0], outputs(module, data)[0])
    layers = [op for op in found.func.ops if isinstance(op, bits.ConvLayer)]
    first, second, third = [op.w.array for op in layers if isinstance(op.w, Resource)]
    written, read = (np.abs(w).max(axis=(1, 2, 3)) for w in (first, second))
    assert (np.abs(np.log2(written / read)) <= 1).all()  # within the rounding to powers of two
    written = read
    read = np.abs(third).max(axis=(0, 1, 2))
    assert (np.abs(np.log2(written / read)) <= 1).all()
    again, told = equalized(found)
    assert not told
    assert again == found


def test_equalization_helps_badly_scaled_channels() -> None:
    module, data = scaled_channels(2), samples(16)
    plain, better = sqnr(module, data), sqnr(module, data, equalize=True)
    assert plain < 15
    assert better > plain + 15
    assert sqnr(scaled_channels(0), data, equalize=True) > sqnr(scaled_channels(0), data) - 3


def test_what_does_not_pass_factors_is_left_alone() -> None:
    for tail in ("nn.sigmoid", "nn.tanh"):
        assert equalized(scaled_channels(2, tail))[1] == ["d"]
    zeros = scaled_channels(1)
    text = str(zeros).replace("%y = bin.conv2d_ff(%s, @c)", "%y = bin.conv2d_ff(%r, @c)")
    stored = {name: r.stored for name, r in zeros.resources.items()}
    shared = parse_module(text, resources=stored)  # the result of `r` is read twice
    assert equalized(shared)[1] == []


def test_channels_of_zeros_are_left_alone() -> None:
    module = scaled_channels(1)
    stored = {name: r.stored.copy() for name, r in module.resources.items()}
    stored["a"][0], stored["d"][1] = 0, 0
    changed = network_with(module, stored)
    found, _ = equalized(changed)
    assert np.isfinite(outputs(found, samples(2))[0]).all()
    np.testing.assert_array_equal(outputs(found, samples(2))[0], outputs(changed, samples(2))[0])


def network_with(module: Module, stored: dict[str, np.ndarray]) -> Module:
    """The module with other constants."""
    found = module.clone()
    for op in found.func.ops:
        for _, value in op.operand_slots():
            if isinstance(value, Resource) and value.symbol in stored:
                other = found.add_resource(f"{value.symbol}2", stored[value.symbol])
                op.replace_operand(value, other)
    found.drop_unused_resources()
    return found


def test_dense_layers_behind_pools_and_flattening() -> None:
    t, flat = "tensor<1x4x4x2xf32>", "tensor<1x8xf32>"
    body = (
        "    %a = bin.conv2d_ff(%x, @a) {stride = [1, 1], pad = [1, 1, 1, 1], pad_value = 0.0}"
        f' : {t} loc("a")\n'
        "    %m = nn.max_pool(%a) {kernel_size = [2, 2], stride = [2, 2], pad = [0, 0, 0, 0]}"
        ' : tensor<1x2x2x2xf32> loc("m")\n'
        f'    %f = nn.reshape(%m) {{shape = [1, 8]}} : {flat} loc("f")\n'
        '    %y = bin.dense_ff(%f, @b) : tensor<1x3xf32> loc("y")'
    )
    rng = np.random.default_rng(2)
    arrays = {"a": rng.normal(size=(2, 3, 3, 2)), "b": rng.normal(size=(3, 8))}
    arrays["a"][1] *= 1000
    module = network({"x": t}, body, arrays, y="tensor<1x3xf32>")
    data = {"x": rng.normal(size=(3, 4, 4, 2)).astype(np.float32)}
    found, told = equalized(module)
    assert told == ["a"]
    np.testing.assert_array_equal(outputs(found, data)[0], outputs(module, data)[0])


def test_corrected_biases_have_no_mean_error() -> None:
    rng = np.random.default_rng(6)
    x = rng.uniform(0, 1, (32, 40)).astype(np.float32)
    # All weights of a channel are rounded down: its mean is off, and by nothing else.
    w = np.full((3, 40), 10.4, np.float32)
    w[:, 0] = 127
    module = network(
        {"x": "tensor<1x40xf32>"},
        '    %y = bin.dense_ff(%x, @w) : tensor<1x3xf32> loc("y")',
        {"w": w},
        y="tensor<1x3xf32>",
    )
    data = {"x": x}
    plain = sqnr(module, data)
    assert sqnr(module, data, bias_correction=True) > plain + 6
    found = driver.lower(
        module, after="fuse-quantized", quantize="int8", calibrate=data, bias_correction=True
    )
    (want,), (got,) = outputs(module, data), outputs(found, data)
    units = 127 / 127 / 255
    assert np.abs(want.mean(axis=0) - got.mean(axis=0)).max() < units
    kept = driver.lower(module, after="fuse-quantized", quantize="int8", calibrate=data,
                        bias_correction=True, keep_float=["y"])  # fmt: skip
    np.testing.assert_array_equal(outputs(kept, data)[0], want)


@pytest.mark.parametrize("io", ["float", "int8"])
def test_both_together_on_layers_behind_each_other(io: str) -> None:
    module, data = scaled_channels(1), samples(16)
    options: dict[str, Any] = {"quantize": "int8", "calibrate": data, "io": io}
    options |= {"equalize": True, "bias_correction": True}
    found = driver.lower(module, after="fuse-quantized", **options)
    if io == "float":
        assert sqnr(module, data, equalize=True, bias_correction=True) > sqnr(module, data)
    assert all(not op.NAME.startswith("nn.") for op in found.func.ops if io == "int8")


def test_correction_without_data_is_refused() -> None:
    with pytest.raises(UsageError, match="bias correction needs calibration data"):
        PassManager().run(scaled_channels(1), [CorrectBiases()])
    options: list[dict[str, Any]] = [{"equalize": True}, {"bias_correction": True}]
    for option in options:
        with pytest.raises(UsageError, match="means nothing without --quantize"):
            driver.lower(scaled_channels(1), **option)


def _not_harmed(model: Module, samples: np.ndarray) -> None:
    """Correction helps; equalization costs little where channels are alike already."""
    ((name, type_),) = model.inputs.items()
    x = {name: np.ascontiguousarray(samples.reshape(-1, *type_.shape[1:]), np.float32)}
    module = driver.lower(model, after="fold-linear")
    (softmax,) = [op for op in module.func.ops if isinstance(op, nn.Softmax)]
    module.func.set_results([softmax.x])  # a few samples make up all errors of probabilities
    plain = sqnr(module, x)
    assert sqnr(module, x, bias_correction=True) > plain
    assert sqnr(module, x, equalize=True) > plain - 2
    assert sqnr(module, x, equalize=True, bias_correction=True) > plain - 2


def test_a_residual_network_is_not_harmed(shared: Path) -> None:
    with np.load(shared / "data/cifar10_test_jpeg_dev1000.npz") as arrays:
        x = arrays["x"][:64]
    _not_harmed(driver.load(shared / "models/real/mlperf_tiny/pretrainedResnet.tflite"), x)


@pytest.mark.tensorflow
def test_depthwise_layers_are_not_harmed(shared: Path, tf: Any) -> None:
    del tf  # reads the SavedModel
    with np.load(shared / "data/kws01_mfcc_int8.npz") as arrays:
        x = features(arrays["x"][:64])
    _not_harmed(driver.load(shared / "models/real/mlperf_tiny/kws/kws_ref_model", batch=1), x)
