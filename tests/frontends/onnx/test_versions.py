# SPDX-License-Identifier: Apache-2.0
"""Operations whose form changed between versions, in each of their forms, against ONNX Runtime."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from bnnc.frontends import load
from bnnc.ir.interpreter import interpret

from .models import ModelBuilder

Make = Callable[[ModelBuilder], str]
_RNG = np.random.default_rng(11)
_X = np.round(_RNG.standard_normal((2, 3, 6, 5)) * 8).astype(np.float32) / 4
_OLDEST, _NEWEST = 7, 25


def _normal(m: ModelBuilder, *shape: int) -> str:
    return m.constant(np.round(np.random.default_rng(sum(shape)).standard_normal(shape), 2))


def _batch_norm(m: ModelBuilder, **attrs: Any) -> str:
    if m.opset < 9:
        attrs["spatial"] = 1
    var = m.constant([0.5, 1.0, 2.0])
    return m.node(
        "BatchNormalization", "x", *(_normal(m, 3) for _ in range(3)), var, epsilon=1e-3, **attrs
    )


def _clip(m: ModelBuilder, low: float | None, high: float | None) -> str:
    if m.opset < 11:
        bounds: dict[str, Any] = {"min": low, "max": high}
        return m.node("Clip", "x", **{k: v for k, v in bounds.items() if v is not None})
    names = ["" if v is None else m.constant(v) for v in (low, high)]
    return m.node("Clip", "x", *names)


def _pad(m: ModelBuilder, pads: list[int], mode: str = "constant", value: float = 0.0) -> str:
    if m.opset < 11:
        return m.node("Pad", "x", pads=pads, mode=mode, value=value)
    last = [m.constant(value)] if mode == "constant" else []
    return m.node("Pad", "x", m.ints(*pads), *last, mode=mode)


def _pad_some_axes(m: ModelBuilder) -> str:
    return m.node("Pad", "x", m.ints(1, 2, 0, 3), "", m.ints(-1, 1))


def _slice(
    m: ModelBuilder, starts: list[int], ends: list[int], axes: list[int], steps: list[int] | None
) -> str:
    if m.opset < 10:
        return m.node("Slice", "x", starts=starts, ends=ends, axes=axes)
    rest = [m.ints(*steps)] if steps else []
    return m.node("Slice", "x", m.ints(*starts), m.ints(*ends), m.ints(*axes), *rest)


def _unsqueeze(m: ModelBuilder, *axes: int) -> str:
    if m.opset < 13:
        wide = m.node("Unsqueeze", "x", axes=list(axes))
        return m.node("Squeeze", wide, axes=list(axes[:1]))
    return m.node("Squeeze", m.node("Unsqueeze", "x", m.ints(*axes)), m.ints(*axes[:1]))


def _squeeze_all(m: ModelBuilder) -> str:
    """Without axes every axis of one goes."""
    tall = m.node("ReduceMax", "x", axes=[1], keepdims=1) if m.opset < 18 else _axes(m, "ReduceMax")
    return m.node("Squeeze", tall)


def _axes(m: ModelBuilder, op: str, *axes: int, **attrs: Any) -> str:
    axes = axes or (1,)
    as_input = m.opset >= (13 if op == "ReduceSum" else 18)
    if as_input:
        return m.node(op, "x", m.ints(*axes), **attrs)
    return m.node(op, "x", axes=list(axes), **attrs)


def _split(m: ModelBuilder, *sizes: int) -> str:
    if not sizes:
        extra: dict[str, Any] = {"num_outputs": 2} if m.opset >= 18 else {}
        second = m.node("Split", "x", count=2, axis=2, **extra) + ".1"
    elif m.opset < 13:
        second = m.node("Split", "x", count=len(sizes), axis=2, split=list(sizes)) + ".1"
    else:
        second = m.node("Split", "x", m.ints(*sizes), count=len(sizes), axis=2) + ".1"
    return m.node("Neg", second)


def _split_uneven(m: ModelBuilder) -> str:
    return m.node("Neg", m.node("Split", "x", count=3, axis=3, num_outputs=3) + ".2")


def _top_k(m: ModelBuilder, **attrs: Any) -> str:
    if m.opset < 10:
        return m.node("TopK", "x", count=2, k=3, axis=2)
    return m.node("TopK", "x", m.ints(3), count=2, axis=2, **attrs)


def _resize(m: ModelBuilder, *scales: float, **attrs: Any) -> str:
    values = m.constant(scales)
    if m.opset < 9:
        return m.node("Upsample", "x", scales=list(scales), mode="nearest")
    if m.opset < 10:
        return m.node("Upsample", "x", values, mode="nearest")
    if m.opset < 11:
        return m.node("Resize", "x", values, mode="nearest")
    none = m.constant([]) if m.opset < 13 else ""
    return m.node("Resize", "x", none, values, mode="nearest", **attrs)


def _resize_to(m: ModelBuilder, *sizes: int, **attrs: Any) -> str:
    none = m.constant([]) if m.opset < 13 else ""
    return m.node("Resize", "x", none, none, m.ints(*sizes), mode="nearest", **attrs)


def _dropout(m: ModelBuilder, ratio: float) -> str:
    if m.opset < 12:
        return m.node("Neg", m.node("Dropout", "x", ratio=ratio))
    off = m.constant(False, "bool")
    return m.node("Neg", m.node("Dropout", "x", m.constant(ratio), off))


def _gemm(m: ModelBuilder, *c: int, **attrs: Any) -> str:
    flat = m.node("Flatten", "x", axis=2)  # [6, 30]
    shape = (4, 30) if attrs.get("transB") else (30, 4)
    if attrs.get("transA"):
        shape = (4, 6) if attrs.get("transB") else (6, 4)
    bias = [_normal(m, *c)] if c or m.opset < 11 else []
    return m.node("Gemm", flat, _normal(m, *shape), *bias, **attrs)


def _reshape(m: ModelBuilder, *shape: int, **attrs: Any) -> str:
    return m.node("Reshape", "x", m.ints(*shape), **attrs)


def _blocks(m: ModelBuilder) -> str:
    return m.node("DepthToSpace", _reshape(m, 2, 9, 2, 5), blocksize=3)


def _cast(m: ModelBuilder, to: int) -> str:
    half = m.node("Cast", "x", to=to)
    return m.node("Cast", half, to=TensorProto.FLOAT)


def _one(op: str, **attrs: Any) -> Make:
    return lambda m: m.node(op, "x", **attrs)


def _with(op: str, *shape: int) -> Make:
    return lambda m: m.node(op, "x", _normal(m, *shape))


def _bound(make: Callable[..., str], *values: Any, **attrs: Any) -> Make:
    return functools.partial(make, **attrs) if not values else lambda m: make(m, *values, **attrs)


_POOL: dict[str, Any] = {"kernel_shape": [3, 2]}
_CASES: dict[str, tuple[tuple[int, ...], Make]] = {
    "BatchNormalization": ((7, 8, 9, 13, 14, 15), _batch_norm),
    "BatchNormalization-momentum": ((7, 9, 14, 15), _bound(_batch_norm, momentum=0.5)),
    "BatchNormalization-inference": ((14, 15), _bound(_batch_norm, training_mode=0)),
    "Clip-both": ((7, 10, 11, 12, 13), _bound(_clip, -0.5, 1.0)),
    "Clip-low": ((7, 11, 12, 13), _bound(_clip, -0.5, None)),
    "Clip-high": ((7, 11, 12, 13), _bound(_clip, None, 1.0)),
    "Clip-none": ((7, 11, 13), _bound(_clip, None, None)),
    "Clip-crossed": ((11, 12, 13), _bound(_clip, 1.0, -0.5)),
    "Pad": ((7, 10, 11, 13, 18, 19, 21), _bound(_pad, [0, 1, 2, 0, 0, 0, 1, 3], value=1.5)),
    "Pad-cut": ((7, 11, 13, 18), _bound(_pad, [0, 0, -1, 0, 0, 0, 1, -2])),
    "Pad-reflect": ((7, 11, 13, 18), _bound(_pad, [0, 0, 2, 1, 0, 0, 1, 3], "reflect")),
    "Pad-edge": ((7, 11, 13, 18), _bound(_pad, [0, 1, 2, 1, 0, 0, 1, 3], "edge")),
    "Pad-wrap": ((19, 21), _bound(_pad, [0, 0, 2, 1, 0, 0, 1, 3], "wrap")),
    "Pad-axes": ((18, 19, 21), _pad_some_axes),
    "Slice": ((7, 9, 10, 11, 13), _bound(_slice, [1, -3], [9, -1], [2, 3], None)),
    "Slice-max": ((7, 10, 13), _bound(_slice, [1, -100], [2**31 - 1, 2**31 - 1], [2, 3], None)),
    "Slice-steps": ((10, 11, 13), _bound(_slice, [5, 0], [-100, 5], [-2, 3], [-2, 3])),
    "Slice-backwards": ((10, 13), _bound(_slice, [-1], [-(2**63) + 1], [3], [-1])),
    "Unsqueeze": ((7, 10), _bound(_unsqueeze, 1, 4)),
    "Unsqueeze-negative": ((11, 12, 13, 21), _bound(_unsqueeze, -2, 1)),
    "Squeeze-all": ((7, 11, 13, 18), _squeeze_all),
    "ReduceMean": ((7, 11, 13, 18), _bound(_axes, "ReduceMean", 2, 3, keepdims=0)),
    "ReduceMean-kept": ((7, 11, 13, 18), _bound(_axes, "ReduceMean", 1, keepdims=1)),
    "ReduceMean-negative": ((11, 13, 18), _bound(_axes, "ReduceMean", -1, 1)),
    "ReduceSum": ((7, 11, 13, 18), _bound(_axes, "ReduceSum", 1, 3, keepdims=0)),
    "ReduceMax": ((7, 11, 12, 13, 18, 20), _bound(_axes, "ReduceMax", 2)),
    "ReduceMin": ((7, 11, 12, 13, 18, 20), _bound(_axes, "ReduceMin", 2)),
    "ReduceL2": ((7, 11, 13, 18), _bound(_axes, "ReduceL2", 3, keepdims=0)),
    "ReduceMean-all": ((7, 11, 13), _one("ReduceMean")),
    "ReduceMean-noop": ((18,), _one("ReduceMean", noop_with_empty_axes=1)),
    "ReduceSum-noop": ((13, 18), _one("ReduceSum", noop_with_empty_axes=1)),
    "Split": ((7, 11, 13, 18), _split),
    "Split-sizes": ((7, 11, 13, 18), _bound(_split, 1, 3, 2)),
    "Split-uneven": ((18,), _split_uneven),
    "TopK": ((7, 9, 10, 11), _top_k),
    "TopK-smallest": ((11,), _bound(_top_k, largest=0)),
    "Resize": ((7, 8, 9, 10), _bound(_resize, 1.0, 1.0, 2.0, 3.0)),
    "Resize-asymmetric": (
        (11, 13, 18, 19),
        _bound(
            _resize,
            1.0, 1.0, 2.0, 1.5,
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        ),
    ),
    "Resize-half-pixel": ((11, 13, 18, 19), _bound(_resize, 1.0, 1.0, 2.0, 2.0)),
    "Resize-down": ((11, 13, 18, 19), _bound(_resize, 1.0, 1.0, 0.5, 0.6)),
    "Resize-sizes": ((11, 13, 18, 19), _bound(_resize_to, 2, 3, 4, 10)),
    "Resize-ceil": ((11, 13, 19), _bound(_resize_to, 2, 3, 9, 7, nearest_mode="ceil")),
    "Resize-corners": (
        (11, 13, 18, 19),
        _bound(_resize_to, 2, 3, 9, 7, coordinate_transformation_mode="align_corners"),
    ),
    "Resize-axes": ((18, 19), _bound(_resize_to, 9, 7, axes=[2, 3])),
    "Resize-policy": (
        (18, 19),
        _bound(_resize_to, 9, 7, axes=[2, 3], keep_aspect_ratio_policy="not_larger"),
    ),
    "Softmax": ((7, 11, 13), _one("Softmax")),
    "Softmax-axis": ((7, 11, 13), _one("Softmax", axis=2)),
    "Softmax-negative": ((11, 13), _one("Softmax", axis=-2)),
    "LogSoftmax": ((7, 11, 13), _one("LogSoftmax", axis=1)),
    "Dropout": ((7, 10, 12, 13), _bound(_dropout, 0.3)),
    "Gemm": ((7, 9, 11, 13), _bound(_gemm, 4)),
    "Gemm-column": ((7, 9, 11, 13), _bound(_gemm, 6, 1, alpha=0.5, beta=2.0)),
    "Gemm-scalar": ((7, 9, 11, 13), _bound(_gemm, 1, transB=1)),
    "Gemm-turned": ((7, 9, 11, 13), _bound(_gemm, 30, 4, transA=1, transB=1)),
    "Gemm-alone": ((11, 13), _bound(_gemm)),
    "Reshape": ((7, 13, 14, 19, 21), _bound(_reshape, 0, -1, 5)),
    "Reshape-allowzero": ((14, 19), _bound(_reshape, 2, 3, -1, allowzero=1)),
    "Flatten": ((7, 9, 11, 13, 21), _one("Flatten")),
    "Flatten-zero": ((7, 9, 11, 13), _one("Flatten", axis=0)),
    "Flatten-all": ((7, 9, 11, 13), _one("Flatten", axis=4)),
    "Flatten-negative": ((11, 13), _one("Flatten", axis=-1)),
    "ArgMax": ((7, 11, 12, 13), _one("ArgMax", axis=2, keepdims=0)),
    "ArgMax-last": ((12, 13), _one("ArgMax", axis=1, select_last_index=1)),
    "ArgMin": ((7, 11, 12, 13), _one("ArgMin", axis=3)),
    "ArgMin-last": ((12, 13), _one("ArgMin", axis=-1, select_last_index=1)),
    "MaxPool": ((7, 8, 10, 11, 12, 22), _one("MaxPool", strides=[2, 1], pads=[1] * 4, **_POOL)),
    "MaxPool-dilated": ((10, 11, 12), _one("MaxPool", dilations=[2, 2], **_POOL)),
    "MaxPool-ceil": ((10, 11, 12), _one("MaxPool", strides=[2, 2], ceil_mode=1, **_POOL)),
    "MaxPool-same": ((7, 10, 12), _one("MaxPool", strides=[2, 2], auto_pad="SAME_LOWER", **_POOL)),
    "AveragePool": ((7, 10, 11, 19, 22), _one("AveragePool", pads=[1, 1, 0, 1], **_POOL)),
    "AveragePool-pads": (
        (7, 10, 11, 19),
        _one("AveragePool", pads=[1, 1, 2, 0], count_include_pad=1, **_POOL),
    ),
    "AveragePool-ceil": ((10, 11, 19), _one("AveragePool", strides=[2, 2], ceil_mode=1, **_POOL)),
    "AveragePool-ceil-pads": (
        (19,),
        _one(
            "AveragePool",
            strides=[2, 2], ceil_mode=1, pads=[1, 0, 1, 0], count_include_pad=1,
            **_POOL,
        ),
    ),
    "AveragePool-dilated": ((19,), _one("AveragePool", dilations=[2, 2], **_POOL)),
    "Add": ((7, 13, 14), _with("Add", 3, 1, 5)),
    "Sub": ((7, 13, 14), _with("Sub", 5)),
    "Mul": ((7, 13, 14), _with("Mul", 3, 1, 1)),
    "Div": ((7, 13, 14), _with("Div", 2, 1, 6, 1)),
    "PRelu": ((7, 9, 16), _with("PRelu", 3, 1, 1)),
    "PRelu-one": ((7, 9, 16), _with("PRelu", 1)),
    "LeakyRelu": ((7, 16), _one("LeakyRelu", alpha=0.3)),
    "HardSigmoid": ((7, 22), _one("HardSigmoid", alpha=0.25, beta=0.4)),
    "Relu": ((7, 13, 14), _one("Relu")),
    "Cast": ((7, 9, 13, 19), _bound(_cast, TensorProto.DOUBLE)),
    "Transpose": ((7, 13, 21), _one("Transpose", perm=[3, 1, 0, 2])),
    "DepthToSpace": ((7, 11, 13), _blocks),
    "GlobalAveragePool": ((7, 22), _one("GlobalAveragePool")),
}  # fmt: skip
_FORMS = [(name, opset) for name, (opsets, _) in _CASES.items() for opset in opsets]


def _engine(data: bytes, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
    """What ONNX Runtime makes of it, without rewriting the graph."""
    ort: Any = import_module("onnxruntime")
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    found: list[np.ndarray] = session.run(None, feeds)
    return found


@pytest.mark.parametrize(("name", "opset"), _FORMS)
def test_form(tmp_path: Path, name: str, opset: int) -> None:
    m = ModelBuilder(opset)
    m.input("x", *_X.shape)
    output = _CASES[name][1](m)
    model = m.model(output)
    (declared,) = model.graph.output
    if name.startswith("Arg"):
        declared.type.tensor_type.elem_type = TensorProto.INT64
    data = model.SerializeToString()
    path = tmp_path / "net.onnx"
    path.write_bytes(data)
    (y,) = interpret(load(path), {"x": _X}).values()
    (want,) = _engine(data, {"x": _X})
    assert y.shape == want.shape
    np.testing.assert_allclose(y, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("opset", [_OLDEST, 9, 11, 13, 18, 21, _NEWEST])
def test_a_network_of_each_age(tmp_path: Path, opset: int) -> None:
    m = ModelBuilder(opset)
    m.input("x", *_X.shape)
    y = m.node("Conv", "x", _normal(m, 4, 3, 3, 3), _normal(m, 4), pads=[1] * 4)
    var = m.constant([0.5, 1.0, 2.0, 1.5])
    y = m.node("BatchNormalization", y, *(_normal(m, 4) for _ in range(3)), var)
    y = m.node("MaxPool", m.node("Relu", y), kernel_shape=[2, 2], strides=[2, 2])
    y = m.node("Flatten", y)
    y = m.node("Softmax", m.node("Gemm", y, _normal(m, 24, 5), _normal(m, 5)))
    path = m.save(tmp_path / "net.onnx")
    (found,) = interpret(load(path), {"x": _X}).values()
    (want,) = _engine(path.read_bytes(), {"x": _X})
    np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-6)
