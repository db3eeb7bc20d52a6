# SPDX-License-Identifier: Apache-2.0
"""The typed IR: types, values, operations, modules, text, verification and interpretation."""

if __name__ != "bnnc.ir":
    raise ImportError("import bnnc.ir, not ir")

from . import bin, byte_layouts, nn, q
from .location import Loc
from .module import Function, Module, Stage
from .operation import Op, Return, find_operation, operation, registered_operations
from .types import BIT, F32, I32, TERN, U1, Quant, Scalar, TensorType
from .value import Resource, Value

__all__ = [
    "BIT",
    "F32",
    "I32",
    "TERN",
    "U1",
    "Function",
    "Loc",
    "Module",
    "Op",
    "Quant",
    "Resource",
    "Return",
    "Scalar",
    "Stage",
    "TensorType",
    "Value",
    "bin",
    "byte_layouts",
    "find_operation",
    "nn",
    "operation",
    "q",
    "registered_operations",
]
