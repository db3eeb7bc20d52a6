# SPDX-License-Identifier: Apache-2.0
"""Affine operations behind layers: folded where that stays within float32."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from bnnc.ir import Module, Op, bin, nn
from bnnc.ir.interpreter import interpret
from bnnc.passes.manager import PassManager
from tests.backends.networks import Net


def _folded(net: Net, module: Module) -> list[type[Op]]:
    x = {name: np.ones(t.shape, np.float32) for name, t in module.inputs.items()}
    before = interpret(module, x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PassManager().run(module, "fold-linear")
    after = interpret(module, x)
    for name, array in before.items():
        np.testing.assert_allclose(after[name], array, rtol=1e-6)
    return [type(op) for op in module.func.ops]


@pytest.mark.parametrize(("factor", "kept"), [(2.0, []), (1e30, [nn.Mul])])
def test_factors_that_overflow_together_stay_apart(factor: float, kept: list[type[Op]]) -> None:
    """S * 1e30 * 1e-30 * ... is a number, the product of all factors may be none."""
    net = Net()
    x = net.input(1, 3)
    w = net.module.add_resource("w", np.full((2, 3), 1e30, np.float32))
    y = net.add(
        bin.DenseFF(net.add(nn.Mul(x, net.module.add_resource("z", np.array([0], np.float32)))), w)
    )
    y = net.add(nn.Mul(y, net.module.add_resource("f", np.array([factor], np.float32))))
    assert _folded(net, net.results(y)) == [nn.Mul, bin.DenseFF, *kept]


def test_normalization_that_overflows_is_kept_as_an_operation_with_a_kernel() -> None:
    net = Net()
    x = net.input(1, 3)
    alpha = net.module.add_resource("a", np.array([1e-30, 1e30], np.float32))
    y = net.add(bin.DenseFB(x, net.bits(2, 3), alpha))
    parts = [[1e30, 1e30], [0.0, 0.0], [0.0, 0.0], [1.0, 1.0]]
    constants = [net.module.add_resource("bn", np.array(p, np.float32)) for p in parts]
    y = net.add(nn.BatchNorm(y, *constants, epsilon=0.0))
    module = net.results(y)
    with np.errstate(over="ignore"):
        assert _folded(net, module) == [bin.DenseFB, bin.Affine]
