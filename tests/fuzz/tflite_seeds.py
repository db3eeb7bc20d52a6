# SPDX-License-Identifier: Apache-2.0
"""Small TensorFlow Lite models that between them use much of what the frontend reads."""

from __future__ import annotations

import numpy as np

from tests.frontends.tflite.test_float import golden as floats
from tests.frontends.tflite.test_golden import golden as integers
from tests.frontends.tflite.writer import Net, packed

_NOT_IN_C = ("functions", "logarithm", "choice")  # square roots and comparisons have no kernels


def _larq() -> bytes:
    """Two binary layers, one of them cut at thresholds."""
    signs = np.where(np.random.default_rng(5).random((2, 8, 3, 3, 33)) < 0.5, -1, 1)
    net = Net()
    x = net.input((1, 5, 5, 33), name="x")
    layer = {"channels_in": 33, "pad_values": 1, "padding": 0, "stride_height": 1}
    layer |= {"stride_width": 1, "fused_activation_function": 1}
    y = net.add("LceQuantize", [x], (1, 5, 5, 2), dtype="int32")
    filters, numbers = net.constant(packed(signs[0])), net.constant(np.ones(8, np.float32))
    y = net.add("LceBconv2d", [y, filters, numbers, numbers], (1, 5, 5, 8), layer)
    y = net.add("LceQuantize", [y], (1, 5, 5, 1), dtype="int32")
    filters = net.constant(packed(signs[1, ..., :8]))
    cuts = net.constant(np.arange(30, 38, dtype=np.int32))
    layer |= {"channels_in": 8, "padding": 1}
    y = net.add("LceBconv2d", [y, filters, -1, -1, cuts], (1, 3, 3, 1), layer, dtype="int32")
    return net.file(net.add("LceDequantize", [y], (1, 3, 3, 8)))


def tflite_files() -> list[bytes]:
    """The models as files."""
    stored = [*integers().items(), *floats().items()]
    models = {k.removesuffix(".model"): v for k, v in stored if k.endswith(".model")}
    return [_larq(), *(a.tobytes() for name, a in models.items() if name not in _NOT_IN_C)]
