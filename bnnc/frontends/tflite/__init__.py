# SPDX-License-Identifier: Apache-2.0
"""TensorFlow Lite models: float, quantized, and with Larq Compute Engine's binary operators."""

from .load import load

__all__ = ["load"]
