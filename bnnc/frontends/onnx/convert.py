# SPDX-License-Identifier: Apache-2.0
"""The table of converters: one function for each operation type of ONNX, QONNX and FINN."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from bnnc.ir import Value

from ..table import ConverterTable
from .arrangement import Arranged
from .graph import Node

if TYPE_CHECKING:
    from .context import Context

Result: TypeAlias = "Value | Arranged"
Converter: TypeAlias = "Callable[[Context], Result | Sequence[Result]]"

OPERATIONS: ConverterTable[Converter] = ConverterTable("bnnc.frontends.onnx")
converts = OPERATIONS.converts

_STANDARD = ("", "ai.onnx")
# Exporters and versions of QONNX, Brevitas and FINN spell the domain of the same operations so.
QUANTIZER_DOMAINS = (
    *("qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas"),
    *("qonnx", "finn", "brevitas"),
)
# What onnxruntime calls its own operations on bytes; they keep them, or end in floats.
CONTRIBUTED = frozenset(
    {
        *("QLinearAdd", "QLinearMul", "QLinearSigmoid", "QLinearLeakyRelu", "QLinearSoftmax"),
        *("QLinearAveragePool", "QLinearGlobalAveragePool", "QLinearConcat", "QGemm"),
    }
)
_CONTRIBUTED_TOO = ("QuantizeLinear", "DequantizeLinear")


def find_converter(node: Node) -> Converter | None:
    """Return the converter of a node, or None."""
    if node.domain == "com.microsoft":
        known = node.op in CONTRIBUTED or node.op in _CONTRIBUTED_TOO
        return OPERATIONS.find(node.op) if known else None
    if node.domain in _STANDARD or node.domain in QUANTIZER_DOMAINS:
        return OPERATIONS.find(node.op)
    return None
