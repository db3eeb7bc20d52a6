# SPDX-License-Identifier: Apache-2.0
"""Memory plans of random graphs against a geometric reading of them; chains in one buffer."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bnnc.backends import kernel_table, lowering_pipeline
from bnnc.backends.params import nbytes_of
from bnnc.ir import Function, Module, Op, Value, bin, nn, q
from bnnc.passes.manager import PassManager

from .networks import TARGET, Net, lower

Step = Callable[[Net, Value, Value], Value]


def slim(net: Net, x: Value, other: Value) -> Value:
    """Another number of channels."""
    del other
    return net.conv("ff", x, 1 + (x.shape[3] * 5) % 23, (1, 1), "none")


def joined(net: Net, x: Value, other: Value) -> Value:
    return net.add(nn.Concat((x, other), axis=3))


def added(net: Net, x: Value, other: Value) -> Value:
    same = x if x.shape != other.shape else other
    return net.add(nn.Add(x, same))


def halved(net: Net, x: Value, other: Value) -> Value:
    """One of two results; nobody reads the other."""
    if x.shape[3] < 2:
        return other
    split = nn.Split(x, axis=3, sizes=(x.shape[3] // 2, x.shape[3] - x.shape[3] // 2))
    net.add(split)
    return split.results[1]


def through_bits(net: Net, x: Value, other: Value) -> Value:
    del other
    flipped = net.add(bin.Flip(net.pack(x), net.bits(x.shape[3])))
    return net.add(bin.Unpack(flipped))


def through_alias(net: Net, x: Value, other: Value) -> Value:
    del other
    flat = net.add(nn.Reshape(x, shape=(x.type.size,)))
    return net.add(nn.Reshape(net.add(nn.Relu(flat)), shape=x.shape))


def turned(net: Net, x: Value, other: Value) -> Value:
    del other
    return net.add(nn.Transpose(x, perm=(0, 2, 1, 3)))


def smooth(net: Net, x: Value, other: Value) -> Value:
    del other
    return net.add(nn.Tanh(x))


def from_itself(net: Net, x: Value, other: Value) -> Value:
    del other
    return net.add(nn.Sub(x, x))


STEPS: list[Step] = [
    *(slim, joined, added, halved, smooth, from_itself),
    *(through_bits, through_alias, turned),
]


@st.composite
def graphs(draw: st.DrawFn) -> Module:
    """A graph that reads values old and new; what is not read is returned."""
    net = Net()
    values = [net.input(1, 3, 3, draw(st.integers(1, 9)))]
    for _ in range(draw(st.integers(1, 16))):
        step = draw(st.sampled_from(STEPS))
        x, other = (values[draw(st.integers(0, len(values) - 1))] for _ in range(2))
        values.append(step(net, x, other))
        if values[-1].shape[3] > 60:
            values[-1] = slim(net, values[-1], x)
    ends = [v for v in dict.fromkeys(values[1:]) if not v.uses or draw(st.integers(0, 5)) == 0]
    return net.results(*(ends or values[-1:]))


class Plan:
    """Roots (values with bytes of their own in the arena), when they live, and where.

    Attributes:
        born: index of the operation that computes a root.
        dies: index of the last that reads it or an alias of it.
        spans: its bytes, rounded up to the alignment.
    """

    def __init__(self, module: Module) -> None:
        align = int(str(module.attrs["arena_align"]))
        func = module.func
        self.born: dict[Value, int] = {}
        self.dies: dict[Value, int] = {}
        self.spans: dict[Value, tuple[int, int]] = {}
        for index, op in enumerate(func.ops):
            for value in op.operands:
                if self.root(value) in self.born:
                    self.dies[self.root(value)] = index
            for result, at in zip(op.results, op.at or (), strict=True):
                if op.kernel is not None and at >= 0:
                    self.born[result] = self.dies[result] = index
                    self.spans[result] = (at, at + -(-nbytes_of(result.type) // align) * align)
        self.steps = range(len(func.ops))

    @staticmethod
    def root(value: Value) -> Value:
        while isinstance(value.owner, nn.Reshape | bin.Reshape) and value.owner.kernel is None:
            value = value.owner.operands[0]
        return value

    def alive(self, step: int) -> list[Value]:
        return [v for v in self.born if self.born[v] <= step <= self.dies[v]]

    def shares_rightly(self, a: Value, b: Value, func: Function) -> bool:
        """Whether b may have the bytes of a: it overwrites a in place as a is read last."""
        op = func.ops[self.born[b]]
        kernel = kernel_table().of(op)
        if kernel is None or self.dies[a] != self.born[b] or self.spans[a] != self.spans[b]:
            return False
        slots = [s for s, v in op.operand_slots() if v is not None and self.root(v) is a]
        return bool(slots) and set(slots) <= set(kernel.inplace)


@settings(max_examples=100)
@given(graphs())
def test_plans_of_random_graphs(module: Module) -> None:
    """No two live tensors overlap, and peak, lower bound and gap are as reported."""
    manager = PassManager()
    manager.run(module, lowering_pipeline(TARGET))
    plan = Plan(module)
    peak, bound = (int(str(module.attrs[k])) for k in ("arena_bytes", "arena_bound"))
    live = [0]
    for step in plan.steps:
        alive = plan.alive(step)
        for a, b in itertools.combinations(alive, 2):
            (a_at, a_end), (b_at, b_end) = plan.spans[a], plan.spans[b]
            assert a_end <= b_at or b_end <= a_at or plan.shares_rightly(a, b, module.func)
        spans = {plan.spans[v] for v in alive}
        live.append(sum(end - at for at, end in spans))
    assert bound == max(live)
    assert peak == max((end for _, end in plan.spans.values()), default=0)
    told = [r.message for r in manager.remarks if r.message.startswith("the arena takes ")]
    gap = peak - bound
    assert [t.split()[3] for t in told] == ([str(gap)] if gap else [])


def makers(net: Net) -> list[Callable[[Value], Op]]:
    """Every elementwise operation of floats, with constants where it takes two operands."""
    c = net.floats(8)
    zeros = net.module.add_resource("z", np.array([0, 1, 2, 3] * 2, np.float32))
    return [
        lambda x: nn.Add(x, c),
        lambda x: nn.Sub(c, x),
        lambda x: nn.Mul(x, c),
        lambda x: nn.Div(x, c),
        lambda x: nn.Div(x, zeros, no_nan=True),
        lambda x: nn.Maximum(x, c),
        lambda x: nn.Minimum(c, x),
        lambda x: nn.PRelu(x, c),
        nn.Relu,
        lambda x: nn.Clip(x, lo=-1.0, hi=1.0),
        lambda x: nn.LeakyRelu(x, alpha=0.5),
        nn.Neg,
        nn.Abs,
        nn.Sqrt,
        nn.Rsqrt,
        lambda x: nn.Sign(x, zero="keep", nan="propagate"),
        nn.Exp,
        nn.Log,
        nn.Tanh,
        nn.Sigmoid,
        nn.Round,
        nn.Softmax,
        lambda x: bin.Affine(x, c, c),
        lambda x: nn.Add(x, x),
    ]


def makers_of_bytes(net: Net) -> list[Callable[[Value], Op]]:
    """Every elementwise operation of quantized bytes."""
    table = net.module.add_resource("table", np.arange(256).astype(np.int8))
    zeros: dict[str, Any] = {"a_zero": 0, "b_zero": 0, "y_zero": 0, "lo": -128, "hi": 127}
    half: dict[str, Any] = {"y_multiplier": 2**30, "y_shift": -8}
    fine: dict[str, Any] = {
        "a_multiplier": 2**30,
        "a_shift": 0,
        "b_multiplier": 2**30,
        "b_shift": 0,
    }
    scales: dict[str, Any] = {"a_scale": 0.5, "b_scale": 0.25, "y_scale": 1.0}
    return [
        lambda x: q.Clamp(x, lo=-100, hi=100),
        lambda x: q.Lookup(x, table),
        lambda x: q.Requantize(x, x_zero=0, y_zero=0, multiplier=2**30, shift=0),
        lambda x: q.Add(x, x, **zeros, **half, **fine),
        lambda x: q.Sub(x, x, **zeros, **half, **fine),
        lambda x: q.Mul(x, x, **zeros, **half),
        lambda x: q.FloatBinary(x, x, kind="add", **zeros, **scales),
    ]


def kernels_of(ops: Sequence[Op]) -> set[str]:
    return {op.kernel for op in ops if op.kernel is not None}


def test_a_chain_of_elementwise_operations_needs_one_buffer() -> None:
    """Floats, then bits, with aliases between: the arena is never larger than one tensor."""
    net = Net()
    x = net.conv("ff", net.input(1, 4, 4, 8), 8, (1, 1), "none")
    for make in makers(net):
        x = net.add(make(x))
        x = net.add(nn.Reshape(x, shape=(2, 8, 8) if x.type.rank == 4 else (1, 4, 4, 8)))
    floats = lower(
        net.results(net.conv("ff", net.add(nn.Reshape(x, shape=(1, 4, 4, 8))), 1, (1, 1), "none"))
    )
    assert floats.attrs["arena_bytes"] == 4 * 4 * 8 * 4
    net = Net()
    b = net.pack(net.input(1, 4, 4, 8))
    for _ in range(4):
        b = net.add(bin.Flip(b, net.bits(8)))
        b = net.add(bin.Reshape(b, shape=(2, 8, 8) if b.type.rank == 4 else (1, 4, 4, 8)))
    bits = lower(net.results(net.conv("bb", b, 1, (1, 1), "none")))
    assert bits.attrs["arena_bytes"] == 4 * 4
    net = Net()
    v = net.add(q.Quantize(net.input(1, 4, 4, 8), scale=0.1, zero=0, halves="away"))
    for make in makers_of_bytes(net):
        v = net.add(make(v))
    quantized = lower(net.results(net.add(q.Dequantize(v, scale=0.1, zero=0))))
    assert quantized.attrs["arena_bytes"] == 4 * 4 * 8
    used = kernels_of([*floats.func.ops, *bits.func.ops, *quantized.func.ops])
    shrinking = {"pack_bits", "threshold_f32"}  # results of another size get other bytes
    portable = [k for k in kernel_table().kernels if k.isa == "ref"]
    assert {k.symbol for k in portable if k.inplace} <= used | shrinking


def test_both_operands_may_be_overwritten() -> None:
    """y = (a + b) in the bytes of a, or of b where a is read once more."""
    for late in (0, 1):
        net = Net()
        x = net.input(1, 2, 2, 8)
        pair = [net.conv("ff", x, 8, (1, 1), "none") for _ in range(2)]
        total = net.add(nn.Add(*pair))
        end = net.add(nn.Sub(net.add(nn.Neg(total)), pair[late]))
        module = lower(net.results(net.conv("ff", end, 1, (1, 1), "none")))
        assert module.attrs["arena_bytes"] == 2 * 4 * 4 * 8
        assert total.owner is not None
        kept = pair[1 - late].owner
        assert kept is not None
        assert total.owner.at == kept.at
