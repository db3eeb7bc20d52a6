# SPDX-License-Identifier: Apache-2.0
"""Record what TensorFlow and LiteRT compute for the trained networks that store no outputs.

Run in an environment with TensorFlow: python -m tests.models.record_golden ../shared
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np

from .feeds import GOLDEN, feed

tf: Any = importlib.import_module("tensorflow")


def keras(path: Path, x: np.ndarray) -> np.ndarray:
    return np.asarray(tf.keras.models.load_model(path, compile=False)(x))


def lite(path: Path, x: np.ndarray) -> np.ndarray:
    kernels = tf.lite.experimental.OpResolverType.BUILTIN_REF
    interpreter = tf.lite.Interpreter(str(path), experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    (given,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()
    results: list[np.ndarray] = []
    for sample in x:
        interpreter.set_tensor(given["index"], sample[None])
        interpreter.invoke()
        results.append(interpreter.get_tensor(made["index"])[0].copy())
    return np.array(results)


def saved_model(path: Path, x: np.ndarray) -> np.ndarray:
    v1 = tf.compat.v1  # the newer loader stumbles over the optimizer that is saved with it
    with v1.Graph().as_default(), v1.Session() as session:
        meta = v1.saved_model.loader.load(session, ["serve"], str(path))
        served = meta.signature_def["serving_default"]
        (fed,), (fetched,) = served.inputs.values(), served.outputs.values()
        return np.asarray(session.run(fetched.name, {fed.name: x}))


def frozen(path: Path, x: np.ndarray) -> np.ndarray:
    v1 = tf.compat.v1
    definition = v1.GraphDef.FromString(path.read_bytes())
    with v1.Graph().as_default(), v1.Session() as session:
        v1.import_graph_def(definition, name="")
        rows = [session.run("output:0", {"images_placeholder:0": sample[None]}) for sample in x]
    return np.concatenate(rows)


ENGINES = {
    "real/mlperf_tiny/pretrainedResnet.h5": keras,
    "real/mlperf_tiny/pretrainedResnet.tflite": lite,
    "real/mlperf_tiny/pretrainedResnet_quant.tflite": lite,
    "real/mlperf_tiny/kws/kws_ref_model": saved_model,
    "real/mlperf_tiny/kws/kws_ref_model.tflite": lite,
    "real/mlperf_tiny/kws/kws_ref_model_float32.tflite": lite,
    "real/blueoil_toy/minimal_graph_with_shape.pb": frozen,
}


def main(shared: Path) -> None:
    models = shared / "models"
    outputs: dict[str, Any] = {f: run(models / f, feed(shared, f)) for f, run in ENGINES.items()}
    np.savez_compressed(GOLDEN, **outputs)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
