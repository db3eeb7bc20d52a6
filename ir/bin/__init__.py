# SPDX-License-Identifier: Apache-2.0
"""The ``bin`` dialect: lowered operations with exact integer and bit semantics.

Kinds of layers: the first letter is the activation, the second the weight: ``f`` float32, ``b``
bit (-1, +1), ``t`` ternary (-1, 0, +1).
"""

from .layer import (
    KINDS,
    Conv2DBB,
    Conv2DBT,
    Conv2DFB,
    Conv2DFF,
    Conv2DFT,
    ConvLayer,
    DenseBB,
    DenseBT,
    DenseFB,
    DenseFF,
    DenseFT,
    DenseLayer,
    Layer,
    Nan,
    Order,
)
from .tensor import Affine, Flip, MaxPool, Pack, Reshape, Threshold, Unpack

__all__ = [
    "KINDS",
    "Affine",
    "Conv2DBB",
    "Conv2DBT",
    "Conv2DFB",
    "Conv2DFF",
    "Conv2DFT",
    "ConvLayer",
    "DenseBB",
    "DenseBT",
    "DenseFB",
    "DenseFF",
    "DenseFT",
    "DenseLayer",
    "Flip",
    "Layer",
    "MaxPool",
    "Nan",
    "Order",
    "Pack",
    "Reshape",
    "Threshold",
    "Unpack",
]
