# SPDX-License-Identifier: Apache-2.0
"""Run a model by the engine that it was made for, to compare generated code with sample by sample.

Usage: python benchmarks/engines.py ENGINE MODEL INPUTS.npy OUTPUTS.npy

A program of its own, which needs nothing of this project: ENGINE may be installed elsewhere.
"""

from __future__ import annotations

import gzip
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Engine = Callable[[Path, np.ndarray], np.ndarray]


def onnx_bytes(path: Path) -> bytes:
    """An ONNX file, packed or not."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def onnxruntime(path: Path, x: np.ndarray) -> np.ndarray:
    """ONNX Runtime, in the batches that the file is made for."""
    runtime: Any = importlib.import_module("onnxruntime")
    session = runtime.InferenceSession(onnx_bytes(path), providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    batch = given.shape[0] if isinstance(given.shape[0], int) else len(x)
    calls = [x[i : i + batch] for i in range(0, len(x), batch)]
    return np.concatenate([session.run(None, {given.name: call})[0] for call in calls])


def qonnx(path: Path, x: np.ndarray) -> np.ndarray:
    """The qonnx package, node by node."""
    wrapper: Any = importlib.import_module("qonnx.core.modelwrapper")
    execution: Any = importlib.import_module("qonnx.core.onnx_exec")
    shapes: Any = importlib.import_module("qonnx.transformation.infer_shapes")
    model = wrapper.ModelWrapper(str(path)).transform(shapes.InferShapes())
    given, made = model.graph.input[0].name, model.graph.output[0].name
    calls = [execution.execute_onnx(model, {given: sample[None]})[made] for sample in x]
    return np.concatenate(calls)


def _tensorflow() -> Any:
    return importlib.import_module("tensorflow")


def keras(path: Path, x: np.ndarray) -> np.ndarray:
    """Keras, in TensorFlow."""
    return np.asarray(_tensorflow().keras.models.load_model(path, compile=False)(x))


def frozen(path: Path, x: np.ndarray) -> np.ndarray:
    """TensorFlow on a frozen graph, sample by sample: between its placeholder and last node."""
    v1 = _tensorflow().compat.v1
    definition = v1.GraphDef.FromString(path.read_bytes())
    (given,) = (node.name for node in definition.node if node.op == "Placeholder")
    with v1.Graph().as_default(), v1.Session() as session:
        v1.import_graph_def(definition, name="")
        calls = [session.run("output:0", {f"{given}:0": sample[None]}) for sample in x]
    return np.concatenate(calls)


def saved_model(path: Path, x: np.ndarray) -> np.ndarray:
    """TensorFlow on a SavedModel; its newer loader stumbles over optimizers that are saved."""
    v1 = _tensorflow().compat.v1
    with v1.Graph().as_default(), v1.Session() as session:
        meta = v1.saved_model.loader.load(session, ["serve"], str(path))
        served = meta.signature_def["serving_default"]
        (fed,), (fetched,) = served.inputs.values(), served.outputs.values()
        return np.asarray(session.run(fetched.name, {fed.name: x}))


def litert(path: Path, x: np.ndarray) -> np.ndarray:
    """TensorFlow Lite's interpreter with its reference kernels."""
    lite = _tensorflow().lite
    kernels = lite.experimental.OpResolverType.BUILTIN_REF
    interpreter = lite.Interpreter(str(path), experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    (given,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()
    results: list[np.ndarray] = []
    for sample in x:
        interpreter.set_tensor(given["index"], sample[None])
        interpreter.invoke()
        results.append(interpreter.get_tensor(made["index"])[0].copy())
    return np.array(results)


ENGINES: dict[str, Engine] = {
    engine.__name__: engine for engine in (onnxruntime, qonnx, keras, frozen, saved_model, litert)
}
PACKAGES = {
    "onnxruntime": "onnxruntime",
    "qonnx": "qonnx",
    **dict.fromkeys(("keras", "frozen", "saved_model", "litert"), "tensorflow"),
}
"""What must be installed for an engine."""


def main(engine: str, model: str, inputs: str, outputs: str) -> None:
    """Read inputs [N, ...], write outputs [N, ...]."""
    np.save(outputs, ENGINES[engine](Path(model), np.load(inputs)))


if __name__ == "__main__":
    main(*sys.argv[1:])
