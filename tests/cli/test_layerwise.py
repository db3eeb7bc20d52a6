# SPDX-License-Identifier: Apache-2.0
"""Layer by layer against a framework's intermediate tensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bnnc import arrays, driver
from bnnc.comparison import Comparison
from bnnc.ir import Module
from bnnc.ir.interpreter import trace
from bnnc.layerwise import LayerCheck, layer_tensors

from .networks import BATCH, network

TF1 = [
    *("bench_bin_256", "bench_float_256", "bench_floatbin_256", "bwn_small", "bwn_small.tf1old"),
    *("cifar_odd", "cifar_small", "cifar_small.grappler", "cifar_small_neg"),
    *("cifar_small_neg.tf1old", "cifar_small_unfused", "cifar_small_zbias"),
    *("cifar_small_traincond", "cifar_small_zbias.grappler", "cifar_small_zbias_neg"),
    *("cifar_small_zbias_neg.grappler", "cifar_small_zero"),
    *("xnor_small", "xnor_small.tf1old", "xnor_small_pos"),
]
LARQ = [
    *("larq_ste", "larq_ste_pad1", "larq_ste_pad1.grappler", "larq_swish", "larq_approx_mag"),
    *("larq_chain", "pad_stride", "larq_tern"),
]


def _inputs() -> arrays.Arrays:
    return arrays.random_arrays(network().inputs, BATCH)


def _tensors(module: Module) -> dict[str, np.ndarray]:
    """What the framework gives: here the interpreter stands for it, signs as int8."""
    return {
        op.loc.name: results[0].astype(np.int8) if op.loc.op == "Sign" else results[0].copy()
        for op, results in trace(module, _inputs())
    }


def _check(module: Module, tensors: dict[str, np.ndarray]) -> tuple[list[str], list[str]]:
    """The layers that differ in the imported module, and in the binarized one."""
    check = LayerCheck(tensors, _inputs())
    imported = check.imported(module)
    assert len(imported) == len(tensors)
    binarized = check.later(driver.lower(module, after="fold-linear"))
    return _bad(imported), _bad(binarized)


def _bad(found: list[Comparison]) -> list[str]:
    return [c.layer for c in found if not c.ok]


def test_keys() -> None:
    one = np.ones(1)
    found = layer_tensors({"Sign|a~b~Sign_1": one, "x": one, "MatMul|fc": one})
    assert list(found) == ["a/b/Sign_1", "fc"]


def test_equal_tensors_agree() -> None:
    module = network()
    assert _check(module, _tensors(module)) == ([], [])


def test_every_folded_layer_is_compared() -> None:
    module = network()
    check = LayerCheck(_tensors(module), _inputs())
    check.imported(module)
    found = check.later(driver.lower(module, after="fold-linear"))
    assert {"sign1", "sign2", "sign3", "bn4", "relu4", "fc5", "probabilities"} <= {
        c.layer for c in found
    }


def test_a_difference_shows_in_its_own_layer() -> None:
    module = network()
    tensors = _tensors(module)
    place = np.unravel_index(tensors["bn4"].argmax(), tensors["bn4"].shape)
    tensors["bn4"][place] += 0.1
    imported, binarized = _check(module, tensors)
    # relu4 is fed the wrong bn4, so that it differs too; fc5 is fed the right relu4.
    assert imported == ["bn4", "relu4"]
    assert binarized == ["bn4", "relu4"]


def test_a_wrong_sign_shows() -> None:
    module = network()
    tensors = _tensors(module)
    tensors["sign2"][0, 1, 1, 3] *= -1
    imported, binarized = _check(module, tensors)
    assert imported == ["sign2", "conv3"]
    assert binarized[0] == "sign2"


def test_a_sign_at_a_tie_is_excused() -> None:
    module = network()
    tensors = _tensors(module)
    scale = np.abs(tensors["bn2"]).max()
    tensors["bn2"][0, 1, 1, 3] = 1e-6 * scale
    tensors["sign2"][0, 1, 1, 3] = 0
    check = LayerCheck(tensors, _inputs())
    bad = _bad(check.imported(module))
    assert "sign2" not in bad
    # The pooled value is no tie for the folded threshold, but the reference said that it was.
    assert "sign2" not in _bad(check.later(driver.lower(module, after="fold-linear")))


@pytest.mark.parametrize("name", [*(f"tf1/{n}" for n in TF1), *(f"larq/{n}" for n in LARQ)])
def test_tensorflow_agrees_in_every_layer(shared: Path, name: str) -> None:
    stem = shared / "models" / "made" / name
    options = {"set_values": {"is_training": "false"}} if "traincond" in name else {}
    module = driver.load(f"{stem}.pb", **options)
    base = name.removesuffix(".grappler").removesuffix(".tf1old")
    given = arrays.load_arrays(shared / "models" / "made" / f"{base}.npz")
    inputs = {n: a[:1] for n, a in arrays.prepare(module.inputs, given).items()}
    tensors = layer_tensors(arrays.load_arrays(f"{stem}.layers.npz"))
    check = LayerCheck(tensors, inputs)
    imported = check.imported(module)
    assert {c.layer for c in imported} == set(tensors)
    assert [c for c in imported if not c.ok] == []
    binarized = check.later(driver.lower(module, after="fold-linear"))
    assert len(binarized) >= len(tensors) // 6
    assert [c for c in binarized if not c.ok] == []
