# SPDX-License-Identifier: Apache-2.0
"""The installed LiteRT against what was recorded of another version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def check_recorded(tf: Any, recorded: Mapping[str, np.ndarray], name: str) -> None:
    """Run a recorded model on LiteRT's reference kernels; the results must be those recorded."""
    kernels = tf.lite.experimental.OpResolverType.BUILTIN_REF
    model = recorded[f"{name}.model"].tobytes()
    interpreter = tf.lite.Interpreter(model_content=model, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    (given,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()
    for x, y in zip(recorded[f"{name}.x"], recorded[f"{name}.y"], strict=True):
        interpreter.set_tensor(given["index"], x[None])
        interpreter.invoke()
        np.testing.assert_array_equal(interpreter.get_tensor(made["index"]), y)
