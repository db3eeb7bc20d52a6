# SPDX-License-Identifier: Apache-2.0
"""Chains of per-channel operations between a layer and the sign that cuts its result."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bnnc.ir import bin as bits
from bnnc.ir import nn, q
from bnnc.ir.operation import Op, Return, Step, Steps
from bnnc.ir.types import I32
from bnnc.ir.value import Value

from .constants import channel_constant, constant


@dataclass
class Chain:
    """Operations from a layer (not included) to a sign, as steps with their parameters.

    ``operands`` are the constants behind ``params`` in the same order; ``ops`` the operations
    from first to last; ``pool`` the max pool among them.
    """

    layer: bits.Layer | q.Layer
    steps: Steps
    operands: list[Value]
    params: list[np.ndarray]
    ops: list[Op] = field(default_factory=list[Op])
    pool: nn.MaxPool | None = None


def step_of(op: Op) -> tuple[Step, list[Value], Value] | None:
    """An operation as (step, parameter values, input), or None when it is no such step."""
    match op:
        case nn.Relu() | nn.Neg() | nn.Abs() | nn.Round() | nn.Tanh() | nn.Sigmoid():
            return (op.NAME.removeprefix("nn."),), [], op.x
        case nn.Clip():
            return ("clip", op.lo, op.hi), [], op.x
        case nn.LeakyRelu():
            return ("leaky_relu", op.alpha), [], op.x
        case nn.MaxPool():
            return ("max_pool",), [], op.x
        case nn.PRelu():
            return ("prelu",), [op.slope], op.x
        case nn.BatchNorm():
            return ("batch_norm", op.epsilon), [op.gamma, op.beta, op.mean, op.var], op.x
        case nn.Add() | nn.Mul() | nn.Sub() | nn.Div():
            return _binary_step(op)
        case _:
            return None


def _binary_step(op: nn.Add | nn.Mul | nn.Sub | nn.Div) -> tuple[Step, list[Value], Value] | None:
    name = op.NAME.removeprefix("nn.")
    if constant(op.b) is not None:
        return ((name,), [op.b], op.a) if not (isinstance(op, nn.Div) and op.no_nan) else None
    if constant(op.a) is not None and isinstance(op, nn.Sub):
        return ("rsub",), [op.a], op.b
    return None


def chain_before(value: Value, reader: Op) -> Chain | str:
    """The chain that ends in the `value` that `reader` cuts, back to a layer with a float result.

    Every value on the way must have one use only. Otherwise the reason is returned.
    """
    steps: list[Step] = []
    params: list[list[Value]] = []
    ops: list[Op] = []
    pool: nn.MaxPool | None = None
    while True:
        owner = value.owner
        if owner is None:
            return "no layer stands between the network's input and the sign"
        if value.use_count > 1:
            others = dict.fromkeys(_title(u) for u in value.users if u is not reader)
            return f"{_title(owner)} is a float for {' and '.join(others)} too"
        if isinstance(owner, bits.Layer):
            break
        if isinstance(owner, q.Dequantize) and isinstance(owner.x.owner, q.Layer):
            if owner.zero != 0 or owner.x.type.scalar != I32:
                return f"{_title(owner.x.owner)} gives bytes, not its sums"
            if owner.x.use_count > 1:
                return f"the sums of {_title(owner.x.owner)} are read elsewhere, too"
            steps.append(("scale", owner.scale))
            params.append([])
            ops.append(owner)
            owner = owner.x.owner
            break
        found = step_of(owner)
        if found is None:
            return f"{_title(owner)} stands in front, which is not done channel by channel"
        step, values, source = found
        if owner.result.shape != source.shape and not isinstance(owner, nn.MaxPool):
            return f"{_title(owner)} in front changes the shape"
        if isinstance(owner, nn.MaxPool):
            if pool is not None:
                return "two max pools stand in front"
            pool = owner
        steps.append(step)
        params.append(values)
        ops.append(owner)
        value, reader = source, owner
    if owner.thr is not None:
        return "the layer has a threshold already"
    if isinstance(owner, bits.Layer):
        steps += [s for s, v in ((("add",), owner.bias), (("mul",), owner.alpha)) if v is not None]
        params += [[v] for v in (owner.bias, owner.alpha) if v is not None]
    operands = [v for group in reversed(params) for v in group]
    found_params = [channel_constant(v, owner.result) for v in operands]
    arrays = [a for a in found_params if a is not None]
    if len(arrays) != len(operands):
        return "a parameter is not one number per channel"
    return Chain(
        owner,
        tuple(reversed(steps)),
        operands,
        arrays,
        ops[::-1],
        pool,
    )


def _title(op: Op) -> str:
    if isinstance(op, Return):
        return "the network's output"
    return op.loc.title if op.loc.name else op.NAME
