# SPDX-License-Identifier: Apache-2.0
"""Orders of axes: random networks of NCHW layers give what ONNX's reference gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bnnc.ir import Module, Op, Resource, nn

from .models import ModelBuilder

CHANNELS = 4


class Grower:
    """Grows a random network behind an image input; remembers the shape that ONNX sees."""

    def __init__(self, draw: Any, opset: int) -> None:
        self.draw = draw
        self.model = ModelBuilder(opset)
        self.rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def pick(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def numbers(self, *shape: int) -> str:
        return self.model.constant(self.rng.integers(-3, 4, shape) / 2)

    def image_step(self, x: str, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        node, (n, c, h, w) = self.model.node, shape
        match self.draw(st.integers(0, 12)):
            case 0:
                groups = self.pick(1, 2, c) if c % 2 == 0 else 1
                w_ = self.numbers(c, c // groups, 3, 2)
                bias = [self.numbers(c)] if self.pick(True, False) else []
                pads = [1, 0, 1, 1]
                y = node("Conv", x, w_, *bias, pads=pads, group=groups, dilations=[1, 1])
                return y, shape
            case 1 if h > 1 and w > 1:
                y = node("MaxPool", x, kernel_shape=[2, 2], strides=[1, 1])
                return y, (n, c, h - 1, w - 1)
            case 2:
                variance = self.model.constant(self.rng.uniform(0.5, 2, c))
                rest = [self.numbers(c) for _ in range(3)]
                return node("BatchNormalization", x, *rest, variance), shape
            case 3:
                broadcast = self.pick((c, 1, 1), (1, c, 1, 1), (), (1,), (h, w), (c, h, w), shape)
                y = node(self.pick("Add", "Mul", "Max"), *self.swapped(x, self.numbers(*broadcast)))
                return y, shape
            case 4:
                return node(self.pick("Relu", "Sign", "Neg", "Identity"), x), shape
            case 5:
                return node("PRelu", x, self.numbers(c, 1, 1)), shape
            case 6:
                axis = self.pick(1, 2, 3, -1)
                y = node("Concat", x, node("Neg", x), axis=axis)
                return y, tuple(d * (1 + (a == axis % 4)) for a, d in enumerate(shape))
            case 7:
                perm = self.draw(st.permutations(range(4)))
                if perm[0] != 0:
                    perm = [0, 3, 1, 2]
                return node("Transpose", x, perm=perm), tuple(shape[p] for p in perm)
            case 8:
                axis = int(self.pick(1, 2, 3))
                size = shape[axis]
                ends = [self.model.ints(v) for v in (size - 1, -size - 1, axis, -1)]
                return node("Slice", x, *ends), shape
            case 9:
                around = self.model.ints(0, 1, 0, 1, 0, 0, 2, 0)
                y = node("Pad", x, around, self.model.constant(0.5))
                return y, (n, c + 1, h + 2, w + 1)
            case 10:
                y = node("ReduceMean", x, axes=[self.pick(1, 2, -1)], keepdims=1)
                return node("Add", x, y), shape
            case 11:
                return node("Softmax", x, axis=self.pick(1, 2, 3)), shape
            case _:
                y = node("Reshape", x, self.model.ints(n, c * h, w))
                return node("Reshape", y, self.model.ints(0, c, -1, w)), shape

    def swapped(self, a: str, b: str) -> tuple[str, str]:
        return (a, b) if self.pick(True, False) else (b, a)

    def flat_step(self, x: str, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        node, (n, f) = self.model.node, shape
        match self.draw(st.integers(0, 6)):
            case 0:
                return node("MatMul", x, self.numbers(f, 5)), (n, 5)
            case 1:
                y = node("Gemm", x, self.numbers(5, f), self.numbers(5), transB=1)
                return y, (n, 5)
            case 2:
                variance = self.model.constant(self.rng.uniform(0.5, 2, f))
                rest = [self.numbers(f) for _ in range(3)]
                return node("BatchNormalization", x, *rest, variance), shape
            case 3:
                broadcast = self.pick((f,), (1, f), (), (1, 1), (n, f), (n, 1))
                return node("Add", *self.swapped(x, self.numbers(*broadcast))), shape
            case 4:
                return node("Sign", x), shape
            case 5:
                return node("Concat", x, x, axis=1), (n, 2 * f)
            case _:
                thresholds = self.model.constant(np.sort(self.rng.integers(-3, 3, (f, 2)), axis=1))
                return self.model.quantizer("MultiThreshold", x, thresholds), shape


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(data=st.data(), opset=st.sampled_from([15, 17]), batch=st.sampled_from([1, 2]))
def test_random_networks(tmp_path: Path, data: st.DataObject, opset: int, batch: int) -> None:
    grower = Grower(data.draw, opset)
    shape: tuple[int, ...] = (batch, CHANNELS, 3, 4)
    x = grower.model.input("x", *shape)
    earlier = [x]
    for _ in range(data.draw(st.integers(1, 5))):
        x, shape = grower.image_step(x, shape)
        earlier.append(x)
    if data.draw(st.booleans()):
        x = grower.model.node("Flatten", x)
        shape = (shape[0], int(np.prod(shape[1:])))
        for _ in range(data.draw(st.integers(1, 3))):
            x, shape = grower.flat_step(x, shape)
    feeds = {"x": grower.rng.integers(-8, 8, (batch, CHANNELS, 3, 4)).astype(np.float32) / 4}
    outputs = {x, data.draw(st.sampled_from(earlier[1:]))}
    module = grower.model.check(tmp_path, feeds, *outputs)
    for name, type_ in module.outputs.items():
        assert type_.shape == grower.model.reference(feeds, name)[0].shape


def _moves(module: Module) -> list[Op]:
    """Transposes of what depends on an input."""
    varying = set(module.func.args)
    moved: list[Op] = []
    for op in module.func.ops:
        if not varying.isdisjoint(op.operands):
            varying.update(op.results)
            moved += [op] if isinstance(op, nn.Transpose) else []
    return moved


def test_layers_pass_their_order_on(tmp_path: Path) -> None:
    """Convolutions, normalization, pools and a dense layer behind: one transpose, of the input."""
    m = ModelBuilder()
    x = m.input("x", 1, 3, 8, 8)
    for channels in (3, 4):
        x = m.node("Conv", x, m.constant(np.ones((4, channels, 3, 3))), pads=[1, 1, 1, 1])
        x = m.node("BatchNormalization", x, *[m.constant(np.ones(4)) for _ in range(4)])
        x = m.node("MaxPool", m.node("Sign", x), kernel_shape=[2, 2], strides=[2, 2])
    x = m.node("Sign", m.node("Flatten", x))
    m.node("MatMul", x, m.constant(np.ones((16, 5))))
    module = m.check(tmp_path, {"x": np.ones((1, 3, 8, 8), np.float32)})
    assert [op.results[0].shape for op in _moves(module)] == [(1, 8, 8, 3)]


@pytest.mark.parametrize("shape", [(1, 1, 8, 8), (2, 3, 1, 1)])
def test_images_of_one_channel_or_pixel_are_only_renamed(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    m = ModelBuilder()
    m.node("Conv", m.input("x", *shape), m.constant(np.ones((1, shape[1], 1, 1))))
    module = m.check(tmp_path, {"x": np.ones(shape, np.float32)})
    assert _moves(module) == []


def test_an_exporter_s_round_trips_vanish(tmp_path: Path) -> None:
    """NHWC graphs as tf2onnx writes them: transposes around every layer, none in the module."""
    m = ModelBuilder()
    x = m.input("x", 1, 8, 8, 3)
    for channels in (3, 4):
        x = m.node("Transpose", x, perm=[0, 3, 1, 2])
        x = m.node("Conv", x, m.constant(np.ones((4, channels, 3, 3))))
        x = m.node("Transpose", x, perm=[0, 2, 3, 1])
        x = m.node("Add", x, m.constant([1.0, 2.0, 3.0, 4.0]))
    module = m.check(tmp_path, {"x": np.ones((1, 8, 8, 3), np.float32)})
    assert _moves(module) == []


def test_inputs_and_outputs_keep_the_model_s_own_order(tmp_path: Path) -> None:
    m = ModelBuilder()
    x = m.input("x", "n", 3, 8, 6)
    m.node("Conv", x, m.constant(np.ones((4, 3, 3, 3))))
    module = m.load(tmp_path)
    assert {k: t.shape for k, t in module.inputs.items()} == {"x": (1, 3, 8, 6)}
    assert [t.shape for t in module.outputs.values()] == [(1, 4, 6, 4)]


def test_nothing_is_folded(tmp_path: Path) -> None:
    """Binarized weights stay a chain of operations over a constant."""
    m = ModelBuilder(13)
    w = m.constant(np.ones((4, 3, 3, 3)))
    scale = m.node("ReduceMean", m.node("Abs", w), axes=[1, 2, 3], keepdims=1)
    m.node("Conv", m.input("x", 1, 3, 8, 8), m.node("Mul", m.node("Sign", w), scale))
    module = m.load(tmp_path)
    kinds = [op.NAME for op in module.func.ops if isinstance(op.operands[0], Resource)]
    assert kinds == ["nn.abs", "nn.sign"]
    assert len(module.resources) == 1
