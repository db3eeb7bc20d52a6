# SPDX-License-Identifier: Apache-2.0
"""Record what TensorFlow and LiteRT compute for the trained networks that store no outputs.

Run in an environment with TensorFlow: python -m tests.models.record_golden ../shared
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.engines import frozen, keras, litert, saved_model

from .feeds import GOLDEN, feed

ENGINES = {
    "real/mlperf_tiny/pretrainedResnet.h5": keras,
    "real/mlperf_tiny/pretrainedResnet.tflite": litert,
    "real/mlperf_tiny/pretrainedResnet_quant.tflite": litert,
    "real/mlperf_tiny/kws/kws_ref_model": saved_model,
    "real/mlperf_tiny/kws/kws_ref_model.tflite": litert,
    "real/mlperf_tiny/kws/kws_ref_model_float32.tflite": litert,
    "real/blueoil_toy/minimal_graph_with_shape.pb": frozen,
}


def main(shared: Path) -> None:
    models = shared / "models"
    outputs: dict[str, Any] = {f: run(models / f, feed(shared, f)) for f, run in ENGINES.items()}
    np.savez_compressed(GOLDEN, **outputs)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
