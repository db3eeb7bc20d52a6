# SPDX-License-Identifier: Apache-2.0
"""Float layers between quantized tensors become layers of bytes."""

from __future__ import annotations

from .annotations import annotate, annotated_levels
from .dynamic import QuantizeDynamic
from .equalize import Equalize
from .fuse import FuseQuantized
from .insert import InsertQuantizers
from .quantize_layers import QuantizeLayers

__all__ = [
    "Equalize",
    "FuseQuantized",
    "InsertQuantizers",
    "QuantizeDynamic",
    "QuantizeLayers",
    "annotate",
    "annotated_levels",
]
