# SPDX-License-Identifier: Apache-2.0
"""ONNX files run by other engines, sample by sample as these files have a batch of one."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from ..frontends.onnx.models import CUSTOM, GENERAL


def onnx_outputs(path: Path, x: np.ndarray) -> list[np.ndarray]:
    """What ONNX Runtime gives for samples [N, ...], or ONNX's reference for QONNX's operations.

    Returns:
        One array [N, ...] for each output.
    """
    model = onnx.load_from_string(path.read_bytes(), "protobuf")
    constants = {i.name for i in model.graph.initializer}
    (name,) = (i.name for i in model.graph.input if i.name not in constants)
    session: Any
    if all(node.domain in ("", "ai.onnx") for node in model.graph.node):
        runtime: Any = importlib.import_module("onnxruntime")
        session = runtime.InferenceSession(
            model.SerializeToString(), providers=["CPUExecutionProvider"]
        )
    else:
        for node in model.graph.node:  # all spellings of the domain mean the same operations
            node.domain = GENERAL if node.domain else ""
        model.opset_import.append(onnx.helper.make_opsetid(GENERAL, 1))
        session = ReferenceEvaluator(model, new_ops=CUSTOM)
    calls = [session.run(None, {name: sample[None]}) for sample in x]
    return [np.concatenate(output) for output in zip(*calls, strict=True)]
