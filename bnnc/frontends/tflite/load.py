# SPDX-License-Identifier: Apache-2.0
"""From a TensorFlow Lite file to a module of stage imported."""

from __future__ import annotations

from pathlib import Path

from bnnc.ir import Module
from bnnc.ir.diagnostics import ImportFailure

from ..options import ImportOptions
from ..registry import module_name
from .importer import Importer
from .model import read_model
from .signature import choose_inputs, find_tensors, live_operators, public_names, set_constants


def load(path: Path, options: ImportOptions) -> Module:
    """Import a TensorFlow Lite model (``.tflite``).

    Args:
        path: The file.
        options: Names, shapes, batch and fixed inputs.

    Raises:
        UsageError: The file cannot be read, or an option does not fit it.
        ImportFailure: It is damaged or holds what cannot be imported; everything is listed.
    """
    model = read_model(path)
    names = public_names(model)
    constants = set_constants(model, names, options)
    outputs = find_tensors(model, names, options.output_names, "--output-names") or list(
        model.outputs
    )
    if not outputs:
        raise ImportFailure(f"{path.name} has no outputs", hint="name some with --output-names")
    cuts = find_tensors(model, names, options.input_names, "--input-names")
    operators, live = live_operators(model, outputs, {*cuts, *constants})
    inputs = choose_inputs(model, names, live, constants, options)
    if not inputs:
        raise ImportFailure("the model has no inputs left", hint="leave one input unset")
    importer = Importer(model, names, module_name(path), constants)
    importer.run(operators, inputs, outputs)
    if importer.failures:
        raise importer.failures.error(path.name)
    importer.module.attrs |= {"producer": "tflite", "source": path.name}
    return importer.module
