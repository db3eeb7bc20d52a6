# SPDX-License-Identifier: Apache-2.0
"""Building blocks to train binary networks whose graphs bnnc recognises exactly.

This is the only part of bnnc that needs TensorFlow: ``pip install "bnnc[tensorflow]"``.
"""

from __future__ import annotations

from .activation import binary_activation
from .batch_norm import batch_norm
from .layers import Pool, layer
from .variables import Variables
from .weights import binary_weights

__all__ = ["Pool", "Variables", "batch_norm", "binary_activation", "binary_weights", "layer"]
