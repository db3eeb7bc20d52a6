# SPDX-License-Identifier: Apache-2.0
"""The ``bin`` dialect: lowered operations with exact integer and bit semantics.

Kinds of layers: the first letter is the activation, the second the weight: ``f`` float32, ``b``
bit (-1, +1), ``t`` ternary (-1, 0, +1), ``u`` levels (0 ... 2^k - 1, scalar ``u<k>``).
"""

from .layer import (
    KINDS,
    Certificate,
    Conv2DBB,
    Conv2DBT,
    Conv2DFB,
    Conv2DFF,
    Conv2DFT,
    Conv2DUB,
    Conv2DUT,
    ConvLayer,
    DenseBB,
    DenseBT,
    DenseFB,
    DenseFF,
    DenseFT,
    DenseLayer,
    DenseUB,
    DenseUT,
    Layer,
    Nan,
    Order,
)
from .levels import Dequantize, Quantize, Relayout, ToLevels
from .tensor import Affine, Flip, MaxPool, Pack, Reshape, Threshold, Unpack

__all__ = [
    "KINDS",
    "Affine",
    "Certificate",
    "Conv2DBB",
    "Conv2DBT",
    "Conv2DFB",
    "Conv2DFF",
    "Conv2DFT",
    "Conv2DUB",
    "Conv2DUT",
    "ConvLayer",
    "DenseBB",
    "DenseBT",
    "DenseFB",
    "DenseFF",
    "DenseFT",
    "DenseLayer",
    "DenseUB",
    "DenseUT",
    "Dequantize",
    "Flip",
    "Layer",
    "MaxPool",
    "Nan",
    "Order",
    "Pack",
    "Quantize",
    "Relayout",
    "Reshape",
    "Threshold",
    "ToLevels",
    "Unpack",
]
