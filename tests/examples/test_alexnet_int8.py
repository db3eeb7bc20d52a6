# SPDX-License-Identifier: Apache-2.0
"""The AlexNets in 8-bit integers: which layers, and an error that the layers' own ones predict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bnnc
from bnnc.backends import find_target
from bnnc.ir import Module, q
from bnnc.lowering import quantized
from bnnc.precision import Mixtures, measure_noise
from examples.alexnet.compilation import compile_network, import_options
from examples.alexnet.networks import NETWORKS
from examples.alexnet.tables import random_images, signal_to_noise
from examples.alexnet.torch_file import save

SIZE = 227
KINDS = {"alexnet_XNOR": "i8 i8", "alexnet_BWN": "i8 bit bit bit bit bit bit i8"}
# Signal to noise of the scores, that vary around their mean, in dB. With binary activations the
# error of the first layer turns bits, and a network of random weights answers to each of them.
LEAST = {"alexnet_XNOR": 0.0, "alexnet_BWN": 25.0}


@pytest.fixture(scope="module", params=NETWORKS)
def network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("networks") / f"{request.param}.t7"
    save(path, NETWORKS[request.param](0.125, 20, 1))
    return path


def layers(module: Module) -> list[q.Layer]:
    return [op for op in module.func.ops if isinstance(op, q.Layer)]


@pytest.mark.slow
def test_the_error_is_the_sum_of_the_layers_own(network: Path) -> None:
    """Of independent errors the powers add: each layer alone in integers, against all at once."""
    module = bnnc.load(network, **import_options(SIZE))
    images = random_images(4, SIZE, 2)
    options: dict[str, Any] = {"quantize": "int8", "calibrate": {"input": images}}

    def scores(found: Module) -> np.ndarray:
        return bnnc.interpret(found, {"input": images})["output"].astype(np.float64)

    exact = scores(module)
    whole = quantized(module, **options)
    assert " ".join(str(op.w.type.scalar) for op in layers(whole)) == KINDS[network.stem]
    names = [op.loc.names[0] for op in layers(whole)]
    predicted = 0.0
    for name in names:
        kept = [other for other in names if other != name]
        alone = quantized(module, keep_float=kept, **options)
        assert [op.loc.names[0] for op in layers(alone)] == [name]
        predicted += float(np.mean((scores(alone) - exact) ** 2))
    found = scores(whole)
    assert 0 < np.mean((found - exact) ** 2) <= 1.5 * predicted
    assert signal_to_noise(exact, found) >= LEAST[network.stem]


@pytest.mark.slow
def test_the_error_is_what_the_report_predicts(network: Path) -> None:
    """Of `bnnc quantize --report`, of powers before the softmax."""
    module = bnnc.load(network, **import_options(SIZE))
    data = {"input": random_images(2, SIZE, 2)}
    mixtures = Mixtures(module, find_target("c"), quantize="int8", calibrate=data)
    found = measure_noise(mixtures, data)
    assert 0 < found.measured <= 1.5 * found.predicted()


@pytest.mark.slow
def test_in_c(network: Path, tmp_path: Path, cc: str) -> None:
    assert cc
    images = random_images(2, SIZE, 3)
    compiled = compile_network(network, "c", tmp_path, SIZE, samples=images)
    in_c = compiled.run({"input": images})["output"]
    interpreted = bnnc.interpret(compiled.module, {"input": images})["output"]
    np.testing.assert_array_equal(in_c.view(np.uint32), interpreted.view(np.uint32))
