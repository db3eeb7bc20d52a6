# SPDX-License-Identifier: Apache-2.0
"""The ``q`` dialect: arithmetic on quantized bytes, in integers alone and with nothing implicit.

A byte q (i8 or u8) stands for scale * (q - zero). Operations carry the integers that the scales
have become, never the scales themselves; only `q.quantize` and `q.dequantize` meet floats.
Tensors move through ``nn`` operations: reshape, transpose, concat, split, slice, pad.
"""

from .accumulators import largest_accumulator, require_accumulators
from .convert import Clamp, Dequantize, Lookup, Quantize, Requantize
from .dynamic import (
    DynamicConv2D,
    DynamicDense,
    DynamicLayer,
    DynamicLevels,
    DynamicQuantize,
    levels_behind,
)
from .elementwise import Add, Binary, FloatBinary, Mul, Sub, Sum
from .layer import Conv2D, Dense, Layer
from .pool import AvgPool, MaxPool, Mean
from .real import fixed_point, nearest, sum_factors
from .rounding import LARGEST, Byte, Rounding
from .softmax import Softmax
from .weights import without_zero

__all__ = [
    "LARGEST",
    "Add",
    "AvgPool",
    "Binary",
    "Byte",
    "Clamp",
    "Conv2D",
    "Dense",
    "Dequantize",
    "DynamicConv2D",
    "DynamicDense",
    "DynamicLayer",
    "DynamicLevels",
    "DynamicQuantize",
    "FloatBinary",
    "Layer",
    "Lookup",
    "MaxPool",
    "Mean",
    "Mul",
    "Quantize",
    "Requantize",
    "Rounding",
    "Softmax",
    "Sub",
    "Sum",
    "fixed_point",
    "largest_accumulator",
    "levels_behind",
    "nearest",
    "require_accumulators",
    "sum_factors",
    "without_zero",
]
