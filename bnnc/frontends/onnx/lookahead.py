# SPDX-License-Identifier: Apache-2.0
"""What inputs are for: images, which are brought into the IR's order first, and quantized bytes.

A quantizer between the input and the first convolution then works on the order that the convolution
reads, and what it gives are bits that nobody has to transpose.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from .convert import CONTRIBUTED
from .graph import Node

_READS_IMAGES = frozenset(
    {"Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"}
) | {
    *("BatchNormalization", "DepthToSpace", "SpaceToDepth", "QLinearConv", "ConvInteger"),
    *("QLinearAveragePool", "QLinearGlobalAveragePool"),
}
_READS_BYTES = (
    frozenset({"DequantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"})
    | CONTRIBUTED
)
_MOVES = frozenset(
    {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity", "Slice", "Pad"}
) | {"Concat", "MaxPool"}
# Elementwise: the results lie as the operands do.
_KEEPS_ORDER = frozenset(
    {
        *("Abs", "Add", "Cast", "Clip", "DequantizeLinear", "Div", "Identity", "LeakyRelu"),
        *("Max", "Min", "Mul", "Neg", "PRelu", "QuantizeLinear", "Relu", "Round", "Sigmoid"),
        *("Sign", "Sub", "Tanh", "Where"),
        *("GreaterOrEqual", "Greater", "LessOrEqual", "Less"),
        *("BipolarQuant", "IntQuant", "MultiThreshold", "Quant", "Trunc"),
    }
)


def images(nodes: Iterable[Node], inputs: Collection[str]) -> set[str]:
    """Return the inputs that reach a layer for images through elementwise operations alone.

    Args:
        nodes: The live nodes, each behind those that it reads.
        inputs: Names of the inputs.
    """
    origins = {name: {name} for name in inputs}
    found: set[str] = set()
    for node in nodes:
        sources = {s for name in node.inputs for s in origins.get(name, set[str]())}
        if node.op in _READS_IMAGES and node.inputs:
            found |= origins.get(node.inputs[0], set())
        elif node.op in _KEEPS_ORDER:
            origins |= dict.fromkeys(node.outputs, sources)
    return found


def byte_inputs(nodes: Iterable[Node], inputs: Collection[str]) -> set[str]:
    """Return the inputs that reach an operation on quantized bytes as they are, or moved only.

    Args:
        nodes: The live nodes, each behind those that it reads.
        inputs: Names of inputs of bytes.
    """
    origins = {name: {name} for name in inputs}
    found: set[str] = set()
    for node in nodes:
        sources = {s for name in node.inputs for s in origins.get(name, set[str]())}
        if node.op in _READS_BYTES:
            found |= sources
        elif node.op in _MOVES:
            origins |= dict.fromkeys(node.outputs, sources)
    return found
