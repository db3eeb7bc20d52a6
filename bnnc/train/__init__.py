# SPDX-License-Identifier: Apache-2.0
"""Building blocks to train binary networks whose graphs bnnc recognises exactly.

This is the only part of bnnc that needs TensorFlow: ``pip install "bnnc[tensorflow]"``.
"""

from __future__ import annotations

from .activation import binary_activation
from .batch_norm import batch_norm
from .binary_layers import (
    BinaryActivation,
    BinaryConv2D,
    BinaryDense,
    BinaryDepthwiseConv2D,
    ClipLatent,
)
from .block import block
from .exporting import export
from .layers import Pool, layer
from .optimizer import LatentAdam, learning_rate_scale, squared_hinge
from .variables import Variables
from .weights import binary_weights

__all__ = [
    "BinaryActivation",
    "BinaryConv2D",
    "BinaryDense",
    "BinaryDepthwiseConv2D",
    "ClipLatent",
    "LatentAdam",
    "Pool",
    "Variables",
    "batch_norm",
    "binary_activation",
    "binary_weights",
    "block",
    "export",
    "layer",
    "learning_rate_scale",
    "squared_hinge",
]
