# SPDX-License-Identifier: Apache-2.0
"""From a file of Torch 7 to a module of stage imported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bnnc.ir import Module
from bnnc.ir.diagnostics import Diagnostic, ImportFailure, UsageError, did_you_mean

from ..inputs import find_each, require_inputs
from ..options import ImportOptions, SetValue
from ..registry import module_name
from ..set_values import set_array
from ..shapes import static_shape
from .importer import CONVOLUTIONS, Importer, binary_layers
from .network import Layer, read_layers
from .reader import read_file

_INPUT, _OUTPUT = "input", "output"
_SETTINGS = ("binary_weights", "mean", "std")


def load(path: Path, options: ImportOptions) -> Module:
    """Import a network of Torch 7's nn or cudnn (``.t7``).

    The file does not say everything: ``set_values`` may hold ``binary_weights`` (whether all
    convolutions but the first and the last have binary weights), and ``mean`` and ``std``, with
    which the input is normalized first: (x - mean) / std.

    Args:
        path: The file.
        options: Shapes, batch and settings; the input is called ``input`` and is NHWC, what the
            last layer computes ``output``, and every layer by its place, such as ``5.3``.

    Raises:
        UsageError: The file cannot be opened, or an option does not fit the model.
        ImportFailure: The file is damaged, or holds what cannot be imported; all of it is listed.
    """
    layers = read_layers(read_file(path), path.name)
    settings = _settings(options)
    outputs = _outputs(layers, options.output_names)
    shape = _input_shape(layers, options)
    importer = Importer(module_name(path))
    x = importer.add_input(_INPUT, shape, hint=_INPUT)
    if "mean" in options.set_values or "std" in options.set_values:
        mean = _per_channel("mean", options.set_values.get("mean", 0.0), shape[-1])
        std = _per_channel("std", options.set_values.get("std", 1.0), shape[-1])
        x = importer.normalized(x, mean, std)
    results = importer.run(layers[: max(outputs) + 1], x, binary_layers(layers, settings))
    if importer.failures:
        raise importer.failures.error(path.name)
    names = list(options.output_names) or [_OUTPUT]
    importer.set_outputs([results[i] for i in outputs], names)
    importer.module.attrs |= {"producer": "torch7", "source": path.name}
    return importer.module


def _settings(options: ImportOptions) -> bool | None:
    """What ``binary_weights`` says; None where nothing does."""
    for name in options.set_values:
        if name not in _SETTINGS:
            hint = did_you_mean(name, _SETTINGS) or f"what can be set: {', '.join(_SETTINGS)}"
            raise UsageError(f"--set: a Torch file has no setting '{name}'", hint=hint)
    for name in options.input_names:
        if name != _INPUT:
            raise UsageError(f"--input-names: the input of a Torch file is called '{_INPUT}'")
    value = options.set_values.get("binary_weights")
    if value is None:
        return None
    return bool(set_array("binary_weights", value, np.dtype(np.bool_), ()))


def _per_channel(name: str, value: SetValue, channels: int) -> np.ndarray:
    array = set_array(name, value, np.dtype(np.float32), (channels,))
    if not np.isfinite(array).all() or (name == "std" and not (array > 0).all()):
        raise UsageError(f"--set {name}={value}: the numbers must be finite, deviations above zero")
    return array


def _outputs(layers: Sequence[Layer], names: Sequence[str]) -> list[int]:
    places = {layer.name: i for i, layer in enumerate(layers)}

    def find(name: str) -> int:
        if name in (_OUTPUT, f"{_OUTPUT}:0"):
            return len(layers) - 1
        if name not in places:
            raise UsageError(
                f"--output-names: the network has no layer '{name}'",
                hint=did_you_mean(name, places) or "layers are called by their places, e.g. 5.3",
            )
        return places[name]

    return find_each(names, find, "--output-names") or [len(layers) - 1]


def _input_shape(layers: Sequence[Layer], options: ImportOptions) -> tuple[int, ...]:
    """The shape that the first layer with weights tells, with what the user adds."""
    require_inputs(options.input_shapes, [_INPUT], [])
    declared: tuple[int, ...] | None = None
    for layer in layers:
        planes = layer.fields.get("nInputPlane")
        weight = layer.fields.get("weight")
        if layer.kind in CONVOLUTIONS and type(planes) is int and planes > 0:
            declared = (-1, -1, -1, planes)
        elif layer.kind == "Linear" and isinstance(weight, np.ndarray) and weight.ndim == 2:
            declared = (-1, weight.shape[1])
        else:
            continue
        break
    found = static_shape(_INPUT, declared, options.input_shapes.get(_INPUT), options.batch)
    if isinstance(found, Diagnostic):
        raise ImportFailure(found.message, diagnostics=[found])
    return found
