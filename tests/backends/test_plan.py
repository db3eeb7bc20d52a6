# SPDX-License-Identifier: Apache-2.0
"""The memory planner, the schedule, and the checker that replays plans."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnc.backends import check_plan, run_project
from bnnc.backends.lowering.placement import Interval, place
from bnnc.backends.lowering.schedule import greedy_order, peak_bytes
from bnnc.backends.storage import IN_CALLER
from bnnc.ir import Module, Op, Value, bin, nn
from bnnc.ir.diagnostics import IRError
from bnnc.ir.interpreter import interpret

from .networks import Net, assert_code_equals_interpreter, lower, random_inputs


def interval(size: int, start: int, length: int) -> Interval:
    return Interval(16 * size, start, start + length)


INTERVALS = st.lists(
    st.builds(interval, st.integers(1, 40), st.integers(0, 12), st.integers(0, 6)), max_size=14
)


@given(INTERVALS)
def test_placement_is_sound_and_deterministic(intervals: list[Interval]) -> None:
    found = place(intervals)
    spans = list(zip(intervals, found.offsets, strict=True))
    for (a, x), (b, y) in itertools.combinations(spans, 2):
        alive_together = any(a.start <= t <= a.end and b.start <= t <= b.end for t in range(20))
        assert not alive_together or x + a.size <= y or y + b.size <= x
    assert found.peak == max((at + i.size for i, at in spans), default=0)
    live = [sum(i.size for i in intervals if i.start <= t <= i.end) for t in range(20)]
    assert found.bound == max(live)
    assert found.bound <= found.peak
    assert place(intervals) == found


def random_intervals(seed: int) -> list[Interval]:
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, 8, 10)
    ends = starts + rng.integers(0, 5, 10)
    sizes = 16 * rng.integers(1, 9, 10)
    return [Interval(*map(int, row)) for row in zip(sizes, starts, ends, strict=True)]


def test_hill_climbing_closes_gaps() -> None:
    """It never loses, and often gains, against placing the largest first."""
    pairs = [(place(i, steps=0), place(i)) for i in map(random_intervals, range(100))]
    assert all(climbed.peak <= greedy.peak for greedy, climbed in pairs)
    gaps = [greedy.peak - climbed.peak for greedy, climbed in pairs if greedy.peak > greedy.bound]
    assert sum(gap > 0 for gap in gaps) > len(gaps) / 2


def chain() -> Module:
    """A float chain with a branch, in-place candidates and an alias."""
    net = Net("chain")
    x = net.input(1, 4, 4, 8)
    a = net.conv("ff", x, 8, (1, 1), "none")
    b = net.add(nn.Relu(a))
    c = net.add(nn.Exp(b))
    flat = net.add(nn.Reshape(c, shape=(1, 128)))
    d = net.dense("ff", flat, 128, "none")
    e = net.add(nn.Add(net.add(nn.Reshape(d, shape=(1, 4, 4, 8))), c))
    return net.results(net.conv("ff", e, 3, (1, 1), "none"))


def test_elementwise_operations_run_in_place() -> None:
    module = lower(chain())
    by_kernel = {op.kernel: op.at for op in module.func.ops}
    assert by_kernel["relu_f32"] == by_kernel["exp_f32"]
    add = next(op for op in module.func.ops if isinstance(op, nn.Add))
    assert add.at in [add.a.owner.at, add.b.owner.at]  # type: ignore[union-attr]
    assert module.attrs["arena_bytes"] == 2 * 4 * 128
    assert module.func.ops[-1].at == (IN_CALLER,)


def test_an_operand_that_is_read_later_is_not_overwritten() -> None:
    net = Net()
    a = net.conv("ff", net.input(1, 1, 1, 8), 8, (1, 1), "none")
    b = net.add(nn.Relu(a))
    module = lower(net.results(net.add(nn.Softmax(net.add(nn.Sub(b, a))))))
    relu = next(op for op in module.func.ops if isinstance(op, nn.Relu))
    assert relu.at != relu.x.owner.at  # type: ignore[union-attr]


def test_schedule_takes_the_branch_that_frees_bytes_first() -> None:
    """Both branches first widen; finishing one before the other keeps only one wide tensor."""
    net = Net()
    x = net.input(1, 4, 4, 4)
    wide = [net.conv("ff", x, 64, (1, 1), "none") for _ in range(4)]
    slim = [net.conv("ff", w, 2, (1, 1), "none") for w in wide]
    total = slim[0]
    for other in slim[1:]:
        total = net.add(nn.Add(total, other))
    module = net.results(net.add(nn.Softmax(total)))
    before = [id(op) for op in module.func.ops]
    lower(module)
    assert [id(op) for op in module.func.ops] != before
    assert int(str(module.attrs["arena_bytes"])) < 2 * 4096
    order = greedy_order(module.func)
    assert peak_bytes(module.func, order) <= peak_bytes(module.func, module.func.ops)


def test_an_order_that_is_good_stays() -> None:
    module = chain()
    before = [id(op) for op in module.func.ops]
    lower(module)
    assert [id(op) for op in module.func.ops] == before


def move(op: Op, at: int) -> None:
    op.at = (at,)


def onto_operand(module: Module) -> None:
    """The dense layer writes where it reads."""
    op = next(o for o in module.func.ops if isinstance(o, bin.DenseFF))
    move(op, op.x.owner.at[0])  # type: ignore[union-attr,index]


def half_over(module: Module) -> None:
    """An operation that may run in place is moved by one alignment unit only."""
    op = next(o for o in module.func.ops if isinstance(o, nn.Relu))
    move(op, op.x.owner.at[0] + 16)  # type: ignore[union-attr,index]
    module.attrs["arena_bytes"] = 4096


def over_a_live_tensor(module: Module) -> None:
    """The dense layer and its reshape take the bytes of a tensor that is added later."""
    dense = next(o for o in module.func.ops if isinstance(o, bin.DenseFF))
    exp = next(o for o in module.func.ops if isinstance(o, nn.Exp))
    module.attrs["arena_bytes"] = 4096
    for op in module.func.ops[module.func.ops.index(dense) :]:
        if op.at == dense.at:
            move(op, exp.at[0] + 256)  # type: ignore[index]


def beyond_the_arena(module: Module) -> None:
    move(module.func.ops[0], int(str(module.attrs["arena_bytes"])) - 16)


def misaligned(module: Module) -> None:
    module.attrs["arena_bytes"] = 4096
    move(module.func.ops[0], 8)


def alias_elsewhere(module: Module) -> None:
    module.attrs["arena_bytes"] = 4096
    move(next(o for o in module.func.ops if isinstance(o, nn.Reshape)), 2048)


def not_the_callers(module: Module) -> None:
    move(module.func.ops[0], IN_CALLER)


def output_in_the_arena(module: Module) -> None:
    move(module.func.ops[-1], 0)


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (onto_operand, "overwrites x, which its kernel still reads"),
        (half_over, "overwrites x, which its kernel still reads"),
        (over_a_live_tensor, "overwrites|after its bytes were overwritten"),
        (beyond_the_arena, "outside of the arena or misaligned"),
        (misaligned, "outside of the arena or misaligned"),
        (alias_elsewhere, "is an alias, but not where its operand is"),
        (not_the_callers, "is for buffers of the caller, only"),
        (output_in_the_arena, "is for buffers of the caller, only"),
    ],
)
def test_the_checker_finds_damage(damage: Callable[[Module], None], complaint: str) -> None:
    module = lower(chain())
    check_plan(module)
    damage(module)
    with pytest.raises(IRError, match=complaint):
        check_plan(module)


def test_the_checker_finds_a_dead_tensor_read_again() -> None:
    """Every later result that is put over a tensor still to be read is found."""
    net = Net()
    a = net.conv("ff", net.input(1, 2, 2, 4), 4, (1, 1), "none")
    b = net.conv("ff", a, 4, (1, 1), "none")
    c = net.conv("ff", b, 4, (1, 1), "none")
    module = lower(net.results(net.add(nn.Softmax(net.add(nn.Sub(a, c))))))
    module.func.ops[2].at = module.func.ops[0].at
    with pytest.raises(IRError, match="reads a after its bytes were overwritten"):
        check_plan(module)


@pytest.mark.slow
def test_results_that_no_kernel_can_write_directly(tmp_path: Path) -> None:
    """An input, its reshape, a constant, one value twice, and a value with its alias."""
    net = Net("direct")
    x = net.input(1, 2, 3, 4)
    y: Value = net.add(nn.Relu(x))
    z = net.add(nn.Neg(y))
    module = net.results(
        x,
        net.add(nn.Reshape(x, shape=(6, 4))),
        net.floats(5),
        y,
        net.add(nn.Reshape(y, shape=(24,))),
        y,
        z,
    )
    lower(module)
    assert module.attrs["arena_bytes"] == 0
    assert_code_equals_interpreter(module, tmp_path / "out")
    inputs = random_inputs(module)
    want, got = interpret(module, inputs), run_project(tmp_path / "out", module, inputs)
    for name, array in want.items():
        assert array.tobytes() == got[name].tobytes(), name
