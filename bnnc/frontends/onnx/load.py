# SPDX-License-Identifier: Apache-2.0
"""From an ONNX model to a module of stage imported."""

from __future__ import annotations

from pathlib import Path

from bnnc.ir import Module
from bnnc.ir.diagnostics import ImportFailure

from ..options import ImportOptions
from ..registry import module_name
from .importer import Importer
from .reading import read_model
from .signature import choose_inputs, choose_outputs, cut_tensors, live_nodes, set_constants


def load(path: Path, options: ImportOptions) -> Module:
    """Import an ONNX model (``.onnx``, or gzipped ``.onnx.gz``).

    Args:
        path: The file.
        options: Names, shapes, batch and fixed inputs.

    Raises:
        UsageError: The file cannot be read, or an option does not fit it.
        ImportFailure: It is damaged or no ONNX model, or holds what cannot be imported; everything
            is listed.
    """
    model = read_model(path)
    constants = set_constants(model, options)
    cuts = cut_tensors(model, options)
    outputs = choose_outputs(model, options)
    nodes, live = live_nodes(model, outputs, {*cuts, *constants})
    inputs = choose_inputs(model, live, constants, options)
    if not inputs:
        raise ImportFailure("the model has no inputs left", hint="leave one input unset")
    importer = Importer(model, module_name(path), constants)
    importer.run(nodes, inputs, outputs)
    if importer.failures:
        raise importer.failures.error(path.name)
    importer.module.attrs |= {"producer": "onnx", "source": path.name}
    return importer.module
