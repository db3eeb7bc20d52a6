# SPDX-License-Identifier: Apache-2.0
"""XNOR-Net's two AlexNets: every layer as Torch computes it, in the interpreter and in C."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bnnc
from examples.alexnet.networks import NETWORKS
from examples.alexnet.torch_file import Module, save

from .evaluation import evaluate, leaves

_SIZE = 227
_SHAPE = {"input": (1, _SIZE, _SIZE, 3)}
_MEAN, _STD = (123.0, 115.5, 102.25), (57.5, 56.5, 56.0)
_SETTINGS = {"binary_weights": True, "mean": list(_MEAN), "std": list(_STD)}


def _pixels(seed: int, count: int = 2) -> np.ndarray:
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (count, 15, 15, 3))
    return np.kron(coarse, np.ones((1, 16, 16, 1)))[:, :_SIZE, :_SIZE].astype(np.float32)


def _planes(pixels: np.ndarray) -> np.ndarray:
    normalized = (pixels.astype(np.float64) - np.array(_MEAN)) / np.array(_STD)
    return np.moveaxis(normalized, 3, 1)


def _as_is(module: Module) -> Module:
    return module


def _as_an_old_release_wrote_it(module: Module) -> Module:
    """nn instead of cudnn, 1 / sqrt(variance + eps), classes without a version."""
    fields = dict(module.fields)
    if "modules" in fields:
        fields["modules"] = [_as_an_old_release_wrote_it(m) for m in fields["modules"]]
    if "running_var" in fields:
        fields["running_std"] = 1 / np.sqrt(fields.pop("running_var") + np.float32(fields["eps"]))
        return Module(module.kind, fields, version=1)
    return Module(module.kind.replace("cudnn.", "nn."), fields, version=None)


def _close(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(
    ("form", "long_size", "cuda"),
    [(_as_is, 8, True), (_as_an_old_release_wrote_it, 4, False)],
    ids=["cudnn-64", "nn-32"],
)
def test_every_layer(
    name: str,
    form: Callable[[Module], Module],
    long_size: int,
    cuda: bool,
    tmp_path: Path,
) -> None:
    network = NETWORKS[name](0.125, 20, 7)
    path = tmp_path / f"{name}.t7"
    save(path, form(network), long_size=long_size, cuda=cuda)
    pixels = _pixels(3)
    expected = evaluate(network, _planes(pixels), binary_weights=True)
    module = bnnc.load(path, input_shapes=_SHAPE, set_values=_SETTINGS, output_names=_places(path))
    found = bnnc.interpret(module, {"input": pixels})
    assert len(found) == len(expected) == len(leaves(network))
    for (place, y), want in zip(found.items(), expected, strict=True):
        y = np.moveaxis(y, 3, 1) if y.ndim == 4 else y
        if set(np.unique(want)) <= {-1.0, 0.0, 1.0}:
            # A sum in another order may fall to the other side of zero.
            assert (y != want).mean() < 1e-4, place
            continue
        _close(y, want)


def _places(path: Path) -> tuple[str, ...]:
    """The names of all layers, in order."""
    from bnnc.frontends.torch7.network import read_layers
    from bnnc.frontends.torch7.reader import read_file

    return tuple(layer.name for layer in read_layers(read_file(path), path.name))


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_in_c(name: str, tmp_path: Path, cc: str) -> None:
    assert cc
    network = NETWORKS[name](0.125, 20, 5)
    path = tmp_path / f"{name}.t7"
    save(path, network)
    pixels = _pixels(4)
    options = {"input_shapes": _SHAPE, "set_values": _SETTINGS}
    compiled = bnnc.compile(path, target="c", out=tmp_path / "out", import_options=options)
    in_c = compiled.run({"input": pixels})["output"]
    interpreted = bnnc.interpret(compiled.module, {"input": pixels})["output"]
    assert np.array_equal(in_c.view(np.uint32), interpreted.view(np.uint32))
    _close(in_c, evaluate(network, _planes(pixels), binary_weights=True)[-1])


@pytest.mark.parametrize(
    ("name", "given", "binary"),
    [
        ("alexnet_XNOR", {}, 6),  # its activation tells
        ("alexnet_XNOR", {"binary_weights": "false"}, 0),
        ("alexnet_BWN", {}, 0),
        ("alexnet_BWN", {"binary_weights": "true"}, 6),
    ],
)
def test_which_weights_are_binary(
    name: str, given: dict[str, Any], binary: int, tmp_path: Path
) -> None:
    path = tmp_path / "net.t7"
    save(path, NETWORKS[name](0.03, 5, 1))
    options = {"input_shapes": _SHAPE, "set_values": given}
    kinds = [line.kind for line in bnnc.explain(path, import_options=options).layers]
    middle = {0: "ff", 6: "bb" if name == "alexnet_XNOR" else "fb"}[binary]
    assert kinds[:8] == ["ff", *[middle] * 6, "ff"]


_FROM_TENSORFLOW = {"alexnet_XNOR": "xnor_small", "alexnet_BWN": "bwn_small"}


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_tensorflow_computes_the_same(name: str, shared: Path, tmp_path: Path) -> None:
    """The weights of a TensorFlow graph of the same network, in a file of Torch."""
    graph = shared / "models" / "made" / "tf1" / f"{_FROM_TENSORFLOW[name]}.pb"
    weights = _weights_of(graph)
    network = NETWORKS[name](1 / 6, 10, 1)
    _fill(network, weights)
    path = tmp_path / "net.t7"
    save(path, network)
    normal = {
        "mean": (255 * weights["sub/y"]).tolist(),
        "std": (255 / weights["mul_1/y"]).tolist(),
        "binary_weights": True,
    }
    module = bnnc.load(path, input_shapes=_SHAPE, set_values=normal)
    with np.load(graph.with_suffix(".npz")) as reference:
        x, y = reference["x"].astype(np.float32), reference["y"].reshape(-1, 10)
    found = np.exp(bnnc.interpret(module, {"input": x})["output"])
    assert np.abs(found - y).max() <= 1e-4


def _weights_of(graph: Path) -> dict[str, np.ndarray]:
    module = bnnc.load(graph)
    return {name: r.array for name, r in module.resources.items()}


def _fill(network: Module, weights: dict[str, np.ndarray]) -> None:
    """Put the graph's weights into convolutions and normalizations, in order."""
    convolutions = norms = 0
    for leaf in leaves(network):
        fields: Any = leaf.fields
        if leaf.kind == "cudnn.SpatialConvolution":
            end = f"_{convolutions}" if convolutions else ""
            w = np.clip(weights[f"W{end}"], -1, 1) if convolutions else weights["W"]
            w = weights[f"W{end}"] if convolutions == 7 else w
            fields["weight"] = np.ascontiguousarray(w.transpose(3, 2, 0, 1))
            fields["bias"] = weights[f"b{end}"]
            fields["nOutputPlane"], fields["nInputPlane"] = fields["weight"].shape[:2]
            convolutions += 1
        elif leaf.kind == "nn.SpatialBatchNormalization":
            end = f"_{norms}" if norms else ""
            fields["weight"], fields["bias"] = weights[f"gamma{end}"], weights[f"beta{end}"]
            fields["running_mean"] = weights[f"moving_mean{end}"]
            fields["running_var"] = weights[f"moving_variance{end}"]
            norms += 1
        elif leaf.kind == "nn.SpatialDropout":
            fields["p"] = 0.0  # the graph has none
