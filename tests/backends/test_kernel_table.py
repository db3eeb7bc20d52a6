# SPDX-License-Identifier: Apache-2.0
"""Kernel choice, and the parameter structs against the C header."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np
import pytest

from bnnc.backends import find_target, kernel_table
from bnnc.backends.constraints import CONSTRAINTS
from bnnc.backends.params import calls_of
from bnnc.ir import Op, TensorType, Value, bin, nn, q
from bnnc.ir.diagnostics import TargetError
from bnnc.ir.layouts import layouts
from bnnc.runtime import runtime_dir

from .networks import NO_PAD, Net, lower

TARGET = find_target("c")


def test_constraints_are_defined_and_explained() -> None:
    table = kernel_table()
    assert {name for k in table.kernels for name in k.when} <= set(CONSTRAINTS)
    assert set(table.constraints) == set(CONSTRAINTS)


def test_layouts_and_sources_exist() -> None:
    known = {layout.name for layout in layouts()}
    for kernel in kernel_table().kernels:
        assert set(kernel.layouts.values()) <= known
        assert (runtime_dir() / kernel.source).is_file()


def struct_fields() -> dict[str, list[str]]:
    text = re.sub(
        r"/\*.*?\*/", "", (runtime_dir() / "include/bnnc/params.h").read_text(), flags=re.S
    )
    found: dict[str, list[str]] = {}
    for body, name in re.findall(r"typedef struct \{(.*?)\} bnnc_(\w+);", text, re.S):
        declared = re.sub(r"\b(int32_t|float)\b|\[\w+\]", "", body)
        found[name] = re.findall(r"\w+", declared)
    return found


def one_of_each() -> list[Op]:
    net = Net()
    x, y = net.input(1, 4, 4, 8), net.input(1, 4, 4, 3)
    b, odd = net.pack(x), net.pack(y)
    net.conv("bb", b, 8, (3, 3), "thr", pad=(1, 1, 1, 1))
    net.add(bin.MaxPool(b, kernel_size=(2, 2), stride=(2, 2), pad=NO_PAD))
    net.add(nn.Add(x, x))
    net.add(nn.Relu(x))
    net.add(nn.Transpose(x, perm=(0, 3, 1, 2)))
    net.add(nn.Pad(x, before=(0, 1, 1, 0), after=(0, 0, 0, 0), value=0.0))
    net.add(nn.Concat((x, x), axis=1))
    net.add(bin.Reshape(odd, shape=(1, 48)))
    net.add(bin.ToLevels(x, low=0, levels=3))
    positive = net.add(nn.Compare(x, x, predicate="gt"))
    net.add(nn.Select(positive, x, x))
    net.add(nn.TopK(x, k=2))
    net.add(nn.ArgMax(x, axis=-1))
    places = net.module.add_resource("places", np.array([0, 2], np.int32))
    net.add(nn.Gather(x, places, axis=1))
    stack = net.add(nn.Reshape(x, shape=(4, 4, 8)))
    net.add(nn.MatMul(net.input(1, 4, 4), stack))
    bytes_ = net.add(q.Quantize(x, scale=0.5, zero=0, halves="even"))
    scales: dict[str, Any] = {"y_multiplier": 2**30, "y_shift": 0}
    net.add(q.Mul(bytes_, bytes_, a_zero=0, b_zero=0, y_zero=0, lo=-128, hi=127, **scales))
    net.add(q.Mean(bytes_, axes=(1, 2), x_zero=0, y_zero=0, multiplier=2**30, shift=0))
    return net.module.func.ops


def test_parameters_are_the_fields_of_the_c_structs_in_order() -> None:
    """Fields that are left out would be zero in C."""
    structs = struct_fields()
    seen: set[str] = set()
    for op in one_of_each():
        kernel = kernel_table().choose(op, TARGET)
        for call in calls_of(op, kernel):
            assert list(call.fields) == structs[kernel.params]
            seen.add(kernel.params)
    assert seen == {k.params for k in kernel_table().kernels} == set(structs)


@pytest.mark.parametrize(
    ("channels", "groups", "kernel"),
    [
        (16, 1, "conv2d_bb_x4_thr"),
        (13, 1, "conv2d_bb_x4_thr"),
        (16, 2, "conv2d_bb_thr"),
        (12, 2, "conv2d_bb_bits_thr"),
        (8, 8, "conv2d_bb_bits_thr"),
    ],
)
def test_groups_decide_between_bytes_and_bits(channels: int, groups: int, kernel: str) -> None:
    net = Net()
    x = net.pack(net.input(1, 4, 4, channels))
    layer = net.conv("bb", x, 2 * groups, (3, 3), "thr", groups=groups)
    assert layer.owner is not None
    assert kernel_table().choose(layer.owner, TARGET).symbol == kernel


def test_the_cheapest_kernel_wins_and_packs_the_weights() -> None:
    net = Net()
    x = net.input(1, 4, 4, 4)
    module = lower(
        net.results(
            net.conv("ff", x, 3, (1, 1), "none"), net.conv("ff", x, 4, (1, 1), "none", groups=2)
        )
    )
    tiled, plain = module.func.ops
    assert (tiled.kernel, plain.kernel) == ("conv2d_ff_t8_f32", "conv2d_ff_f32")
    assert [op.operands[1].type.layout for op in module.func.ops] == ["t8", None]


def test_one_constant_in_two_layouts_becomes_two() -> None:
    net = Net()
    x, w = net.input(1, 4, 4, 4), net.floats(6, 1, 1, 2)
    pair = net.add(nn.Slice(x, begin=(0, 0, 0, 0), size=(1, 4, 4, 2), step=(1, 1, 1, 1)))
    attrs = {"stride": (1, 1), "pad": NO_PAD, "pad_value": 0.0}
    grouped = net.add(bin.Conv2DFF(x, w, groups=2, **attrs))  # type: ignore[arg-type]
    tiled = net.add(bin.Conv2DFF(pair, w, **attrs))  # type: ignore[arg-type]
    again = net.add(bin.Conv2DFF(pair, w, **attrs))  # type: ignore[arg-type]
    module = lower(net.results(grouped, tiled, again))
    weights = [op.operands[1] for op in module.func.ops if isinstance(op, bin.Conv2DFF)]
    assert [v.type.layout for v in weights] == [None, "t8", "t8"]
    assert weights[1] is weights[2]
    assert len(module.resources) == 2


def test_the_order_of_float_layers_is_that_of_the_target() -> None:
    net = Net()
    x = net.input(1, 1, 1, 4)
    layer = net.conv("fb", x, 4, (1, 1), "none", order="fma")
    bits = net.conv("bb", net.pack(layer), 4, (1, 1), "none")
    lower(net.results(bits))
    assert layer.owner is not None
    assert layer.owner.order == "muladd"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("size", "channels", "order"),
    [(1, 63, "fma"), (1, 64, "eights"), (2, 15, "fma"), (2, 16, "eights")],
)
def test_the_order_is_the_first_that_the_kernel_has(size: int, channels: int, order: str) -> None:
    net = Net()
    layer = net.conv("fb", net.input(1, size, 1, 8), channels, (1, 1), "none")
    lower(net.results(layer), find_target("neon"))
    assert layer.owner is not None
    assert layer.owner.order == order  # type: ignore[attr-defined]
    assert (layer.owner.kernel == "conv2d_fb_eights_f32") == (order == "eights")


def test_without_a_kernel_every_candidate_says_why() -> None:
    """Nothing can scale the result of a float layer; both kernels that come near are listed."""
    net = Net()
    x = net.input(1, 4, 4, 4)
    layer = net.conv("ff", x, 4, (1, 1), "alpha", groups=2)
    assert layer.owner is not None
    with pytest.raises(TargetError) as error:
        kernel_table().choose(layer.owner, TARGET)
    text = str(error.value)
    assert "target 'c' has no kernel for bin.conv2d_ff" in text
    assert "at 'layer/0'" in text
    assert "conv2d_ff_f32 (ref): takes no alpha" in text
    assert "conv2d_ff_t8_thr (ref): takes no alpha" in text
    assert "(neon)" not in text
    grouped = net.conv("ff", x, 4, (1, 1), "none", groups=2).owner
    assert grouped is not None
    reasons = {
        k.symbol: k.misfit(grouped, TARGET, kernel_table().constraints)
        for k in kernel_table().by_op["bin.conv2d_ff"]
        if k.isa in TARGET.isas
    }
    assert reasons == {
        "conv2d_ff_f32": None,
        "conv2d_ff_thr": "needs thr",
        "conv2d_ff_lvl": "needs thr",
        "conv2d_ff_t8_f32": "needs groups == 1",
        "conv2d_ff_t8_thr": "needs thr",
        "conv2d_ff_t8_lvl": "needs thr",
    }


def test_isa_and_order_are_demanded() -> None:
    net = Net()
    layer = net.conv("ff", net.input(1, 1, 1, 4), 4, (1, 1), "none").owner
    assert layer is not None
    for change, complaint in [
        ({"isas": ("board",)}, "needs ref, the target has board"),
        ({"orders": ("fma",)}, "sums in the order muladd, the target in fma"),
    ]:
        target = dataclasses.replace(TARGET, **change)  # type: ignore[arg-type]
        with pytest.raises(TargetError, match=complaint):
            kernel_table().choose(layer, target)


def test_operations_without_any_kernel() -> None:
    op = nn.MultiThreshold(Value(TensorType((2, 3))), Value(TensorType((3, 2))))
    with pytest.raises(TargetError, match="only constants may go through") as error:
        kernel_table().choose(op, TARGET)
    assert "has no kernel for nn.multi_threshold" in str(error.value)


def test_nothing_is_computed_from_nothing() -> None:
    for reduced, complaint in [(True, "reduces a tensor of no"), (False, "has a tensor of no")]:
        net = Net()
        empty = net.input(2, 0)
        op = nn.Reduce(empty, kind="mean", axes=(1,)) if reduced else nn.Relu(empty)
        module = net.results(net.add(op))
        with pytest.raises(TargetError, match=complaint):
            lower(module)


def test_a_division_that_takes_care_of_zeros() -> None:
    """Constant divisors without zeros need none."""
    for divisor, kernel in [([1, 2, 3], "div_f32"), ([1, 0, 2], "div_no_nan_f32")]:
        net = Net()
        x = net.input(2, 3)
        constant = net.module.add_resource("d", np.array(divisor, np.float32))
        module = net.results(
            net.add(nn.Div(x, constant, no_nan=True)), net.add(nn.Div(x, x, no_nan=True))
        )
        assert [op.kernel for op in lower(module).func.ops] == [kernel, "div_no_nan_f32"]


def test_too_many_axes_and_too_large_sizes() -> None:
    net = Net()
    x, one = net.input(1, 1, 1, 1, 1, 2, 2), net.floats(1)
    with pytest.raises(TargetError, match="has 7 axes, kernels take 6"):
        lower(net.results(net.add(nn.Add(x, one))))
    net = Net()
    with pytest.raises(TargetError, match="does not fit 32 bits"):
        lower(net.results(net.add(nn.Relu(net.input(2**20, 2**12)))))
