# SPDX-License-Identifier: Apache-2.0
"""Bad files: one clear message each, no matter what they promise."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnc.frontends import load
from bnnc.ir.diagnostics import BnncError

from ..refusing import refusal
from .files import Layer, functional, h5py, image, sequential, weights_file, write_h5, write_keras

_W = np.ones((3, 5), np.float32)
_LAYERS = [image(3), Layer("Dense", {"units": 5, "use_bias": False}, [_W], name="fc")]


def whole(folder: Path) -> Path:
    return write_h5(folder / "net.h5", sequential(_LAYERS, 2), _LAYERS)


def refused(path: Path) -> str:
    """What the command line says of it; the files lie in a folder of their own."""
    folder = path.parent / "alone"
    folder.mkdir(exist_ok=True)
    return refusal(path.rename(folder / path.name))


def _weights(path: Path) -> Any:
    return h5py.File(path, "r+")


def soft_link(group: Any) -> None:
    group["w"] = h5py.SoftLink("/model_weights/fc/fc/kept")


def external_link(group: Any) -> None:
    group["w"] = h5py.ExternalLink("other.h5", "/x")


def external_data(group: Any) -> None:
    group.create_dataset("w", (3, 5), "<f4", external=[("/etc/passwd", 0, 60)])


def virtual_data(group: Any) -> None:
    layout = h5py.VirtualLayout((3, 5), "<f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (3, 5))
    group.create_virtual_dataset("w", layout)


def huge(group: Any) -> None:
    group.create_dataset("w", (1 << 20, 1 << 20), "<f4", chunks=(1, 1 << 10))


def strings(group: Any) -> None:
    group["w"] = [b"text"] * 15


def wrong_shape(group: Any) -> None:
    group["w"] = np.ones((5, 3), np.float32)


def not_finite(group: Any) -> None:
    group["w"] = np.full((3, 5), np.nan, np.float32)


def half(group: Any) -> None:
    group["w"] = np.ones((3, 5), np.float16)


def missing(group: Any) -> None:
    del group


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (soft_link, "link to another place"),
        (external_link, "link to another place"),
        (external_data, "lie in another file"),
        (virtual_data, "lie in another file"),
        (huge, "elements would be computed from 0"),
        (strings, "of type"),
        (wrong_shape, "[5, 3] where [3, 5] fits"),
        (not_finite, "NaN or infinity"),
        (half, "float16"),
        (missing, "holds no"),
    ],
)
def test_weights(tmp_path: Path, change: Callable[[Any], None], message: str) -> None:
    path = whole(tmp_path)
    with _weights(path) as file:
        group = file["model_weights/fc/fc"]
        group.move("w0:0", "kept")
        change(group)
        file["model_weights/fc"].attrs["weight_names"] = [b"fc/w"]
    assert message in refused(path)


def test_too_few_weights(tmp_path: Path) -> None:
    layers = [image(3), Layer("Dense", {"units": 5}, [_W], name="fc")]
    for path in (
        write_h5(tmp_path / "a.h5", sequential(layers, 2), layers),
        write_keras(tmp_path / "a.keras", sequential(layers, 3), layers, 3),
    ):
        assert "1 stored weights where its configuration asks for 2" in refused(path)


def test_truncated_and_flipped(tmp_path: Path) -> None:
    """Whatever happens to single bytes: a module or a documented error."""
    rng = np.random.default_rng(3)
    keras = write_keras(tmp_path / "net.keras", sequential(_LAYERS, 3), _LAYERS, 3)
    for path in (whole(tmp_path), keras):
        data = path.read_bytes()
        for cut in (0, 3, 8, 100, len(data) // 2, len(data) - 9):
            path.write_bytes(data[:cut])
            refused(path)
        for _ in range(60):
            changed = bytearray(data)
            changed[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
            path.write_bytes(changed)
            try:
                load(path)
            except BnncError as error:
                assert error.exit_code in (2, 3, 4)


def edited(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    layers = [
        image(3, name="x"),
        Layer("Dense", {"units": 5, "use_bias": False}, [_W], [[("x", 0)]], name="fc"),
        Layer("ReLU", {}, (), [[("fc", 0)]], name="relu"),
    ]
    config = functional(layers, ["relu"], 2)
    change(config["config"])
    return write_h5(folder / "net.h5", config, layers)


def _cycle(c: dict[str, Any]) -> None:
    c["layers"][1]["inbound_nodes"] = [[["relu", 0, 0, {}]]]


def _nowhere(c: dict[str, Any]) -> None:
    c["layers"][1]["inbound_nodes"] = [[["nothing", 0, 0, {}]]]


def _second_output(c: dict[str, Any]) -> None:
    c["output_layers"] = [["relu", 0, 1]]


def _doubled(c: dict[str, Any]) -> None:
    c["layers"].append(c["layers"][1])


def _no_layers(c: dict[str, Any]) -> None:
    del c["layers"]


def _no_list(c: dict[str, Any]) -> None:
    c["output_layers"] = 7


def _lambda(c: dict[str, Any]) -> None:
    c["layers"][2]["class_name"] = "Lambda"


def _own(c: dict[str, Any]) -> None:
    c["layers"][2] |= {"class_name": "ReLU", "module": "mine.layers", "registered_name": "Mine>R"}


def _training(c: dict[str, Any]) -> None:
    c["layers"][2]["inbound_nodes"] = [[["fc", 0, 0, {"training": True}]]]


def _policy(c: dict[str, Any]) -> None:
    c["layers"][1]["config"]["dtype"] = {
        "class_name": "Policy",
        "config": {"name": "mixed_float16"},
    }


def _quantizer(c: dict[str, Any]) -> None:
    c["layers"][1]["class_name"] = "QuantDense"
    c["layers"][1]["config"]["kernel_quantizer"] = {"module": "mine", "class_name": "Q"}


def _activation(c: dict[str, Any]) -> None:
    c["layers"][1]["config"]["activation"] = "sparsemax"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_cycle, "round in circles"),
        (_nowhere, "no layer 'nothing'"),
        (_second_output, "has no output 1"),
        (_doubled, "two layers are called 'fc'"),
        (_no_layers, "for layers"),
        (_no_list, "list of tensors"),
        (_lambda, "Lambda is not supported: node 'relu'"),
        (_own, "Mine>R is not supported: node 'relu'"),
        (_training, "called for training"),
        (_policy, "mixed_float16"),
        (_quantizer, "quantizer Q"),
        (_activation, "activation sparsemax"),
    ],
)
def test_configurations(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    assert message in refused(edited(tmp_path, change))


def test_deep_nesting(tmp_path: Path) -> None:
    config: dict[str, Any] = sequential([image(3)], 2)
    for level in range(40):
        config["inbound_nodes"], config["name"] = [], f"m{level}"
        config = {"class_name": "Sequential", "config": {"name": "o", "layers": [config]}}
    assert "nested more than" in refused(write_h5(tmp_path / "net.h5", config, []))
    path = write_h5(tmp_path / "deep.h5", {}, [])
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = "[" * 20000
    assert "no JSON" in refused(path)


def _archive(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_archives(tmp_path: Path) -> None:
    config, weights = json.dumps(sequential(_LAYERS, 3)).encode(), weights_file(_LAYERS)
    path = tmp_path / "net.keras"
    bomb = {"config.json": config, "model.weights.h5": bytes(100_000_000)}
    assert "would unpack" in refused(_archive(path, **bomb))
    assert "without config.json" in refused(_archive(path, **{"../config.json": config}))
    assert "without model.weights.h5" in refused(_archive(path, **{"config.json": config}))
    shards = {"config.json": config, "model.weights.json": b"{}"}
    assert "shards" in refused(_archive(path, **shards))
    good = {"config.json": config, "model.weights.h5": weights, "../../x": b"never written"}
    assert load(_archive(path, **good)).inputs.keys() == {"x"}


def test_weights_alone(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.create_group("fc")
    assert "not only its weights" in refused(tmp_path / "w.h5")
