# SPDX-License-Identifier: Apache-2.0
"""Operators that mean what an operation of TensorFlow means."""

from __future__ import annotations

from collections.abc import Sequence

from bnnc.ir import Value

from ...failures import Unsupported
from ...tensorflow.convert import OPERATIONS
from ..context import Context
from ..convert import converts, converts_bytes

_ELEMENTWISE = {
    "ABS": "Abs",
    "NEG": "Neg",
    "EXP": "Exp",
    "LOG": "Log",
    "SQRT": "Sqrt",
    "RSQRT": "Rsqrt",
    "TANH": "Tanh",
    "LOGISTIC": "Sigmoid",
    "ROUND": "Round",
    "SIGN": "Sign",
    "SQUARE": "Square",
    "RELU": "Relu",
    "RELU6": "Relu6",
    "LEAKY_RELU": "LeakyRelu",
    "ELU": "Elu",
    "ADD_N": "AddN",
    "MAXIMUM": "Maximum",
    "MINIMUM": "Minimum",
    "POW": "Pow",
    "SQUARED_DIFFERENCE": "SquaredDifference",
    "GREATER": "Greater",
    "GREATER_EQUAL": "GreaterEqual",
    "LESS": "Less",
    "LESS_EQUAL": "LessEqual",
    "EQUAL": "Equal",
    "NOT_EQUAL": "NotEqual",
    "SELECT": "Select",
    "SELECT_V2": "SelectV2",
}
_REDUCTIONS = {
    "MEAN": "Mean",
    "SUM": "Sum",
    "REDUCE_MAX": "Max",
    "REDUCE_MIN": "Min",
    "REDUCE_PROD": "Prod",
    "LOG_SOFTMAX": "LogSoftmax",
}
SELECTIONS = {"ARG_MAX": "ArgMax", "ARG_MIN": "ArgMin", "TOPK_V2": "TopKV2"}
_STACKS = {"BATCH_MATMUL": "BatchMatMulV2"}
_MOVES = {
    "SQUEEZE": "Squeeze",
    "EXPAND_DIMS": "ExpandDims",
    "TRANSPOSE": "Transpose",
    "PACK": "Pack",
    "UNPACK": "Unpack",
    "SLICE": "Slice",
    "SPLIT": "Split",
    "SPLIT_V": "SplitV",
    "MIRROR_PAD": "MirrorPad",
    "SPACE_TO_DEPTH": "SpaceToDepth",
    "DEPTH_TO_SPACE": "DepthToSpace",
    "REVERSE_V2": "ReverseV2",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighbor",
}
_CONSTANTS = {
    "BROADCAST_TO": "BroadcastTo",
    "FILL": "Fill",
    "RANGE": "Range",
    "RANK": "Rank",
    "SHAPE": "Shape",
    "TILE": "Tile",
    "ZEROS_LIKE": "ZerosLike",
}
_SAME = {**_ELEMENTWISE, **_REDUCTIONS, **SELECTIONS, **_STACKS, **_MOVES, **_CONSTANTS}


def same(c: Context, op: str) -> Value | Sequence[Value]:
    """Translate by the converter of TensorFlow's operation."""
    convert = OPERATIONS.find(op)
    if convert is None:
        raise Unsupported(f"stands for {op}, which is not supported")
    return convert(c.as_tensorflow(op))


@converts(*_SAME)
def same_as_tensorflow(c: Context) -> Value | Sequence[Value]:
    """As TensorFlow's operation of the same name."""
    return same(c, _SAME[c.operator.kind])


@converts("CAST")
def cast(c: Context) -> Value | Sequence[Value]:
    """From the type of the operand to that of the result; files may leave them out elsewhere."""
    types = {"SrcT": c.source(0).dtype, "DstT": c.result().dtype}
    return same(c.with_attributes(types), "Cast")


@converts_bytes(*_MOVES)
def moved_bytes(c: Context) -> Value | Sequence[Value]:
    """Bytes that only move; scale and zero point must stay."""
    require_same_quantization(c)
    return same(c, _MOVES[c.operator.kind])


def require_same_quantization(c: Context) -> None:
    """Refuse operands of bytes whose scale differs from that of the first result."""
    want = c.result_quant()
    for index in range(len(c.operator.inputs)):
        if c.operator.inputs[index] >= 0 and c.source(index).is_byte and c.quant(index) != want:
            raise Unsupported(f"changes scale or zero point: {c.quant(index)} to {want}")
