# SPDX-License-Identifier: Apache-2.0
"""Running modules: inputs, constants in layouts, tracing, and operations of others."""

from __future__ import annotations

import weakref

import numpy as np
import pytest

from bnnc.ir import (
    BIT,
    TERN,
    Function,
    Module,
    Op,
    TensorType,
    Value,
    bin,
    nn,
    operation,
    registered_operations,
)
from bnnc.ir.diagnostics import IRError, UsageError
from bnnc.ir.interpreter import evaluate, evaluates, interpret, trace
from bnnc.ir.location import Loc

from .oracles import F, conv2d, same_bits, value_like

RNG = np.random.default_rng(0)
X = RNG.standard_normal((1, 5, 5, 3)).astype(F)
W = RNG.choice([-1, 1], (6, 3, 3, 3)).astype(np.int8)
T = RNG.choice([-1, 0, 1], (4, 54)).astype(np.int8)


def small_network(*, packed: bool) -> Module:
    """Float image, bit convolution, bits, ternary dense layer and a second output."""
    module = Module("small")
    x = Value(TensorType(X.shape))
    module.func = Function([x], ["image"])
    w_type = TensorType(W.shape, BIT, "bp8" if packed else None)
    t_type = TensorType(T.shape, TERN, "tp8" if packed else None)
    w, t = module.add_resource("w", W, w_type), module.add_resource("t", T, t_type)
    conv = bin.Conv2DFB(x, w, stride=(1, 1), pad=(0, 0, 0, 0), pad_value=0.0)
    bits = bin.Pack(conv.result, nan="plus")
    flat = bin.Reshape(bits.result, shape=(1, 54))
    dense = bin.DenseBT(flat.result, t)
    doubled = nn.Add(dense.result, dense.result)
    for op in (conv, bits, flat, dense, doubled):
        module.func.append(op)
    module.func.set_results([doubled.result, conv.result])
    module.func.output_names = ["logits", "features"]
    return module


@pytest.mark.parametrize("packed", [False, True])
def test_a_small_network(packed: bool) -> None:
    got = interpret(small_network(packed=packed), {"image": X})
    features = conv2d(X, W).astype(F)
    bits = np.where(features < 0, -1, 1).reshape(1, 54)
    assert list(got) == ["logits", "features"]
    same_bits(got["features"], features)
    same_bits(got["logits"], (2 * (bits @ T.astype(np.int64).T)).astype(F))


def test_trace_yields_every_operation_and_keeps_nothing() -> None:
    module = small_network(packed=False)
    seen: list[str] = []
    alive: list[weakref.ref[np.ndarray]] = []
    outputs = interpret(module, {"image": X})
    for op, results in trace(module, {"image": X}):
        seen.append(op.NAME)
        if op.NAME == "bin.pack":
            alive.append(weakref.ref(results[0]))
        if op.NAME == "nn.add":
            same_bits(results[0], outputs["logits"])
            assert alive[0]() is None, "an array outlived its last use"
        del results
    assert seen == [op.NAME for op in module.func.ops]


def test_module_without_operations() -> None:
    module = Module("identity")
    module.func = Function([Value(TensorType((2,)))], ["x"])
    constant = module.add_resource("c", np.array([5], F))
    module.func.set_results([module.func.args[0], constant])
    module.func.output_names = ["y", "five"]
    got = interpret(module, {"x": np.array([1, 2], F)})
    assert got["y"].tolist() == [1, 2]
    assert got["five"].tolist() == [5]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, r"input 'image' is missing; expected image: float32\[1, 5, 5, 3\]; given none"),
        (
            {"image": X[0]},
            r"expected image: float32\[1, 5, 5, 3\]; given image: float32\[5, 5, 3\]",
        ),
        ({"image": X.astype(np.float64)}, r"given image: float64\[1, 5, 5, 3\]"),
        ({"image": X, "imge": X}, "no input 'imge'"),
    ],
)
def test_wrong_inputs(inputs: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        interpret(small_network(packed=False), inputs)
    with pytest.raises(UsageError, match=message):
        trace(small_network(packed=False), inputs)  # before the first step


def test_bit_inputs_are_plus_or_minus_one() -> None:
    module = Module("bits")
    module.func = Function([Value(TensorType((2,), BIT))], ["x"])
    module.func.set_results(module.func.args)
    module.func.output_names = ["y"]
    assert interpret(module, {"x": np.array([1, -1], np.int8)})["y"].tolist() == [1, -1]
    with pytest.raises(UsageError, match="holds values that bit does not have"):
        interpret(module, {"x": np.array([1, 0], np.int8)})


@operation("test_interpreter.base")
class Base(Op):
    """x + 1, from a plugin."""

    x: Value

    def infer(self) -> list[TensorType]:
        return [self.x.type]


@operation("test_interpreter.derived")
class Derived(Base):
    """Inherits its meaning."""

    x: Value


@operation("test_interpreter.unknown")
class Unknown(Op):
    """Has no meaning."""

    x: Value

    def infer(self) -> list[TensorType]:
        return [self.x.type]


@operation("test_interpreter.liar")
class Liar(Op):
    """Declares another shape than its function returns."""

    x: Value

    def infer(self) -> list[TensorType]:
        return [self.x.type]


@evaluates(Base)
def _base(op: Base, x: np.ndarray) -> np.ndarray:
    return np.asarray(x + F(1))


@evaluates(Liar)
def _liar(op: Liar, x: np.ndarray) -> np.ndarray:
    return x.astype(np.float64)


def test_operations_of_a_plugin() -> None:
    one = np.ones(3, F)
    for cls in (Base, Derived):
        same_bits(evaluate(cls(value_like(one)), [one])[0], one + one)


def test_unknown_operation_is_named_with_its_place() -> None:
    one = np.ones(3, F)
    op = Unknown(value_like(one), loc=Loc(("conv1/Foo",), "Foo"))
    with pytest.raises(IRError, match=r"does not know test_interpreter.unknown \(conv1/Foo\)"):
        evaluate(op, [one])


def test_a_wrong_evaluator_is_caught() -> None:
    one = np.ones(3, F)
    with pytest.raises(IRError, match=r"declares tensor<3xf32> .* returned float64\[3\]"):
        evaluate(Liar(value_like(one)), [one])


def test_a_second_meaning_is_refused() -> None:
    with pytest.raises(IRError, match="already has an evaluator"):
        evaluates(Base)(_base)


def test_every_operation_has_a_meaning() -> None:
    from bnnc.ir.interpreter.table import has_evaluator

    dialects = ("nn.", "bin.", "q.")
    own = {n: c for n, c in registered_operations().items() if n.startswith(dialects)}
    assert len(own) > 50
    assert [name for name, cls in own.items() if not has_evaluator(cls)] == []


def test_numbers_of_operations_are_float32() -> None:
    x = Value(TensorType((2, 3)))
    assert nn.Clip(x, lo=-0.1, hi=1e40).lo == float(F(-0.1))
    assert nn.Clip(x, lo=-0.1, hi=1e40).hi == float("inf")
