# SPDX-License-Identifier: Apache-2.0
"""Keras files written with h5py and json, as Keras 2 and 3 write them."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

# It has no complete type information.
h5py: Any = import_module("h5py")


@dataclass
class Layer:
    """A layer, its weights in order, and the layers that it reads (one list for each call)."""

    kind: str
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    weights: Sequence[np.ndarray] = ()
    reads: Sequence[Sequence[tuple[str, int]]] = ()
    name: str = "layer"
    module: str | None = "keras.layers"
    registered: str | None = None

    def config(self, keras: int) -> dict[str, Any]:
        entry = {
            "class_name": self.kind,
            "config": {"name": self.name, "trainable": True, "dtype": "float32"} | self.options,
            "name": self.name,
        }
        if keras == 3:
            nodes: list[Any] = [{"args": [_argument(call)], "kwargs": {}} for call in self.reads]
        else:
            nodes = [[[name, node, 0, {}] for name, node in call] for call in self.reads]
        return entry | {
            "inbound_nodes": nodes,
            "module": self.module,
            "registered_name": self.registered,
        }


def _argument(call: Sequence[tuple[str, int]]) -> Any:
    tensors = [
        {"class_name": "__keras_tensor__", "config": {"keras_history": [name, node, 0]}}
        for name, node in call
    ]
    return tensors[0] if len(tensors) == 1 else tensors


def image(*shape: int | None, name: str = "x") -> Layer:
    """An input without its batch."""
    return Layer("InputLayer", {"batch_input_shape": [None, *shape]}, name=name)


def sequential(layers: Sequence[Layer], keras: int) -> dict[str, Any]:
    return {
        "class_name": "Sequential",
        "config": {"name": "net", "layers": [layer.config(keras) for layer in layers]},
        "module": "keras",
    }


def functional(layers: Sequence[Layer], outputs: Sequence[str], keras: int) -> dict[str, Any]:
    inputs = [[one.name, 0, 0] for one in layers if one.kind == "InputLayer"]
    config = {
        "name": "net",
        "layers": [layer.config(keras) for layer in layers],
        "input_layers": inputs[0] if keras == 3 and len(inputs) == 1 else inputs,
        "output_layers": [[name, 0, 0] for name in outputs],
    }
    return {"class_name": "Functional", "config": config, "module": "keras"}


def slot(kind: str, counts: dict[str, int]) -> str:
    base = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", kind.rpartition(">")[2])
    base = re.sub("([a-z])([A-Z])", r"\1_\2", base).lower()
    number = counts.get(base, 0)
    counts[base] = number + 1
    return f"{base}_{number}" if number else base


def write_h5(path: Path, config: dict[str, Any], layers: Sequence[Layer], keras: int = 2) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "3.5.0" if keras == 3 else "2.15.0"
        file.attrs["model_config"] = json.dumps(config)
        top = file.create_group("model_weights")
        for layer in layers:
            group = top.create_group(layer.name)
            names = [f"{layer.name}/w{i}:0" for i in range(len(layer.weights))]
            group.attrs["weight_names"] = [n.encode() for n in names]
            for name, array in zip(names, layer.weights, strict=True):
                group[name] = array
    return path


def weights_file(layers: Sequence[Layer]) -> bytes:
    buffer = io.BytesIO()
    counts: dict[str, int] = {}
    with h5py.File(buffer, "w") as file:
        for layer in layers:
            group = file.create_group(f"layers/{slot(layer.kind, counts)}/vars")
            for i, array in enumerate(layer.weights):
                group[str(i)] = array
    return buffer.getvalue()


def write_keras(path: Path, config: dict[str, Any], layers: Sequence[Layer], keras: int) -> Path:
    version = "3.5.0" if keras == 3 else "2.15.0"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": version}))
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", weights_file(layers))
    return path
