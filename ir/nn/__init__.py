# SPDX-License-Identifier: Apache-2.0
"""The ``nn`` dialect: framework-neutral float operations, what frontends emit.

Activations are NHWC, convolution weights OHWI, dense weights OI.
"""

from .elementwise import (
    Abs,
    Add,
    Cast,
    Clip,
    Compare,
    Div,
    Exp,
    LeakyRelu,
    Log,
    Maximum,
    Minimum,
    Mul,
    Neg,
    Predicate,
    PRelu,
    Relu,
    Round,
    Rsqrt,
    Select,
    Sigmoid,
    Sign,
    Sqrt,
    Sub,
    Tanh,
)
from .layer import BatchNorm, Conv2D, Dense, MatMul
from .pool import AvgPool, MaxPool, Reduce, Reduction
from .selection import ArgMax, Gather, TakeAlong, TopK
from .shape import Concat, Pad, Reshape, Slice, Softmax, Split, Transpose
from .thresholds import MultiThreshold

__all__ = [
    "Abs",
    "Add",
    "ArgMax",
    "AvgPool",
    "BatchNorm",
    "Cast",
    "Clip",
    "Compare",
    "Concat",
    "Conv2D",
    "Dense",
    "Div",
    "Exp",
    "Gather",
    "LeakyRelu",
    "Log",
    "MatMul",
    "MaxPool",
    "Maximum",
    "Minimum",
    "Mul",
    "MultiThreshold",
    "Neg",
    "PRelu",
    "Pad",
    "Predicate",
    "Reduce",
    "Reduction",
    "Relu",
    "Reshape",
    "Round",
    "Rsqrt",
    "Select",
    "Sigmoid",
    "Sign",
    "Slice",
    "Softmax",
    "Split",
    "Sqrt",
    "Sub",
    "TakeAlong",
    "Tanh",
    "TopK",
    "Transpose",
]
