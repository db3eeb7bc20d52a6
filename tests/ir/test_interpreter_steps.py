# SPDX-License-Identifier: Apache-2.0
"""Threshold expressions equal the chain of operations they were read from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from bnnc.ir import Op, Scalar, Value, nn, q
from bnnc.ir.diagnostics import IRError
from bnnc.ir.interpreter import evaluate
from bnnc.ir.interpreter.steps import KINDS, apply_steps, parameters_of, split_at_pool
from bnnc.ir.operation import Step, Steps

from .oracles import F, make, same_bits, value_like

RNG = np.random.default_rng(11)
ACC = RNG.integers(-500, 500, (60, 7)).astype(F)
PARAMS = [RNG.uniform(0.1, 2, 7).astype(F) for _ in range(4)]
SIGN = ("sign", "plus", "plus")

OPERATIONS: dict[str, tuple[Step, type[Op], dict[str, object]]] = {
    "mul": (("mul",), nn.Mul, {}),
    "add": (("add",), nn.Add, {}),
    "sub": (("sub",), nn.Sub, {}),
    "div": (("div",), nn.Div, {}),
    "prelu": (("prelu",), nn.PRelu, {}),
    "batch_norm": (("batch_norm", 1e-3), nn.BatchNorm, {"epsilon": 1e-3}),
    "leaky_relu": (("leaky_relu", 0.3), nn.LeakyRelu, {"alpha": 0.3}),
    "relu": (("relu",), nn.Relu, {}),
    "clip": (("clip", -20.1, 30.2), nn.Clip, {"lo": -20.1, "hi": 30.2}),
    "neg": (("neg",), nn.Neg, {}),
    "abs": (("abs",), nn.Abs, {}),
    "round": (("round",), nn.Round, {}),
    "tanh": (("tanh",), nn.Tanh, {}),
    "sigmoid": (("sigmoid",), nn.Sigmoid, {}),
}


def by_operation(
    x: np.ndarray, cls: type[Op], params: Sequence[np.ndarray], **f: object
) -> np.ndarray:
    operands: list[Value] = [value_like(a) for a in (x, *params)]
    return evaluate(make(cls, *operands, **f), [x, *params])[0]


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_step_is_its_operation(name: str) -> None:
    step, cls, fields = OPERATIONS[name]
    acc = ACC / F(300) if name in ("tanh", "sigmoid") else ACC * F(0.01)
    params = PARAMS[: parameters_of(step)]
    got = apply_steps((step, SIGN), params, acc)
    same_bits(got, by_operation(acc, cls, params, **fields))


def test_steps_without_an_operation_of_their_own() -> None:
    p = PARAMS[0]
    same_bits(apply_steps((("rsub",),), [p], ACC), by_operation(p, nn.Sub, [ACC]))
    for name, cls in (("maximum", nn.Maximum), ("minimum", nn.Minimum)):
        limit = np.full_like(ACC, 12.3)
        same_bits(apply_steps(((name, 12.3),), [], ACC), by_operation(ACC, cls, [limit]))
    same_bits(apply_steps((("max_pool",),), [], ACC), ACC)
    sums = ACC.astype(np.int32)
    scaled = make(q.Dequantize, value_like(sums, Scalar("i32")), scale=0.3, zero=0)
    same_bits(apply_steps((("scale", 0.3),), [], ACC), evaluate(scaled, [sums])[0])


def test_every_step_is_tested() -> None:
    assert set(OPERATIONS) | {"rsub", "maximum", "minimum", "max_pool", "scale"} == set(KINDS)


def test_parameters_are_consumed_in_order() -> None:
    steps: Steps = (("mul",), ("add",), ("batch_norm", 1e-5), ("clip", -1.0, 1.0), SIGN)
    params = [PARAMS[3], np.array(0.25, F), *PARAMS]
    y = by_operation(ACC, nn.Mul, [PARAMS[3]])
    y = by_operation(y, nn.Add, [np.array(0.25, F)])
    y = by_operation(y, nn.BatchNorm, PARAMS, epsilon=1e-5)
    same_bits(apply_steps(steps, params, ACC), by_operation(y, nn.Clip, [], lo=-1.0, hi=1.0))


def test_nothing_is_evaluated_behind_the_sign() -> None:
    same_bits(apply_steps((("relu",), SIGN, ("nonsense",)), [], ACC), np.maximum(ACC, 0))


def test_infinities_pass_without_warnings() -> None:
    acc = np.full((1, 7), np.inf, F)
    with np.errstate(all="raise"):
        y = apply_steps((("mul",), ("sub",)), [np.zeros(7, F), PARAMS[0]], acc)
    assert np.isnan(y).all()


def test_split_at_pool() -> None:
    steps: Steps = (("mul",), ("max_pool",), ("batch_norm", 1e-3), SIGN)
    before, after = split_at_pool(steps, [np.array(2, F), *PARAMS])
    assert (before[0], after[0]) == (steps[:1], steps[2:])
    assert (len(before[1]), len(after[1])) == (1, 4)
    halves = apply_steps(*after, apply_steps(*before, ACC))
    same_bits(halves, apply_steps(steps, [np.array(2, F), *PARAMS], ACC))
    assert split_at_pool((SIGN,), []) == (((SIGN,), []), ((), []))


@pytest.mark.parametrize(
    ("steps", "params", "message"),
    [
        ((("reluu",),), 0, "unknown step 'reluu'"),
        ((("clip", 1.0),), 0, "step 'clip' takes 2 constants, not 1"),
        ((("mul",), ("add",)), 1, "step 'add' lacks a parameter"),
        ((("mul",),), 2, "the steps leave 1 parameters unused"),
    ],
)
def test_errors(steps: Steps, params: int, message: str) -> None:
    with pytest.raises(IRError, match=message):
        apply_steps(steps, PARAMS[:params], ACC)


def test_misspelt_step_gets_a_suggestion() -> None:
    with pytest.raises(IRError) as caught:
        apply_steps((("batchnorm", 1.0),), PARAMS, ACC)
    assert "did you mean 'batch_norm'?" in str(caught.value)
