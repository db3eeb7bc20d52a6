# SPDX-License-Identifier: Apache-2.0
"""The graph view against plain searches over the list of operations."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given

from bnnc.ir.diagnostics import IRError
from bnnc.ir.graph import (
    Interval,
    digraph,
    find_cycle,
    live_intervals,
    reachable,
    to_dot,
    topological_order,
)
from bnnc.ir.module import Module
from bnnc.ir.text import parse_module
from bnnc.ir.value import Resource
from tests.ir.modules import modules

TEXT = """\
module @net {
  resource @w : tensor<2xf32> = splat(1.0)
  func @main(%x: tensor<2xf32>) -> (tensor<2xf32>) {
    %a = nn.relu(%x) : tensor<2xf32> loc("a")
    %b = nn.add(%x, @w) : tensor<2xf32> loc("b")
    %c = nn.mul(%a, %a) : tensor<2xf32> loc("c")
    %d = nn.sub(%c, %b) : tensor<2xf32> loc("d \\"quoted\\"")
    func.return(%d)
  }
}
"""


def net() -> Module:
    return parse_module(TEXT)


def test_edges() -> None:
    module = net()
    a, b, c, d = module.func.ops
    graph = digraph(module)
    edges = {(p, q) for p in graph.nodes for q in graph.successors(p)}
    assert edges == {(a, c), (c, d), (b, d), (d, module.func.ret)}


def test_reachability() -> None:
    module = net()
    a, b, c, d = module.func.ops
    assert reachable(module, a, d)
    assert not reachable(module, b, c)
    assert not reachable(module, d, a)


def test_order_is_kept_where_it_can_be() -> None:
    module = net()
    assert topological_order(module) == module.func.ops


def test_every_order_is_made_right() -> None:
    module = net()
    for shuffled in itertools.permutations(net().func.ops):
        module.func.ops = list(shuffled)
        ordered = topological_order(module)
        position = {op: i for i, op in enumerate(ordered)}
        assert sorted(map(id, ordered)) == sorted(map(id, shuffled))
        for op in ordered:
            for value in op.operands:
                assert value.owner is None or position[value.owner] < position[op]


def test_a_cycle_is_named() -> None:
    module = net()
    a, _, c, d = module.func.ops
    a.replace_operand(module.func.args[0], d.result)
    with pytest.raises(IRError) as caught:
        topological_order(module)
    path = caught.value.message.split(": ")[1].split(" -> ")
    assert path[0] == path[-1]
    assert set(path) == {"nn.relu (a)", "nn.mul (c)", 'nn.sub (d "quoted")'}
    assert c in digraph(module)


def test_a_cycle_of_names() -> None:
    uses = {"a": ["b", "x"], "b": ["c"], "c": ["a"], "d": ["a"]}
    assert find_cycle(uses, "d") in (["a", "c", "b", "a"], ["b", "a", "c", "b"])
    assert find_cycle({"a": ["b"], "b": []}, "a") == []
    assert find_cycle({"a": ["a"]}, "a") == ["a", "a"]
    assert find_cycle({}, "a") == []


def test_lifetimes() -> None:
    module = net()
    a, b, c, d = (op.result for op in module.func.ops)
    assert live_intervals(module) == {
        module.func.args[0]: Interval(-1, 1),
        a: Interval(0, 2),
        b: Interval(1, 3),
        c: Interval(2, 3),
        d: Interval(3, 4),
    }
    assert Interval(0, 2).meets(Interval(2, 3))
    assert not Interval(0, 1).meets(Interval(2, 3))


@given(modules())
def test_lifetimes_of_random_modules(module: Module) -> None:
    intervals = live_intervals(module)
    everything = [*module.func.ops, module.func.ret]
    for value, interval in intervals.items():
        defined = everything.index(value.owner) if value.owner else -1
        users = [i for i, op in enumerate(everything) if value in op.operands]
        assert interval == Interval(defined, max([defined, *users]))
    assert not any(isinstance(v, Resource) for v in intervals)


def test_dot() -> None:
    assert to_dot(net()) == (
        'digraph "net" {\n'
        "  node [shape=box];\n"
        '  a0 [label="x\\ntensor<2xf32>", shape=ellipse];\n'
        '  n0 [label="a\\nnn.relu\\ntensor<2xf32>"];\n'
        '  n1 [label="b\\nnn.add\\ntensor<2xf32>"];\n'
        '  n2 [label="c\\nnn.mul\\ntensor<2xf32>"];\n'
        '  n3 [label="d \\"quoted\\"\\nnn.sub\\ntensor<2xf32>"];\n'
        '  n4 [label="func.return"];\n'
        "  a0 -> n0;\n"
        "  a0 -> n1;\n"
        "  n0 -> n2;\n"
        "  n0 -> n2;\n"
        "  n2 -> n3;\n"
        "  n1 -> n3;\n"
        "  n3 -> n4;\n"
        "}\n"
    )
