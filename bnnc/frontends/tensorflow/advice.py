# SPDX-License-Identifier: Apache-2.0
"""What to do about operations that cannot be imported."""

from __future__ import annotations

from .graphdef import Node

_FREEZE = "freeze the graph first: tf.compat.v1.graph_util.convert_variables_to_constants"
_LOGITS = "name the scores before it: --output-names SCORES"
_PREPROCESS = "cut the pre-processing off: --input-names FIRST_FLOAT_TENSOR --input-shape ..."
LOOP = "loops are not supported; unroll it when exporting, or cut it off with --output-names"
_RANDOM = "export the inference graph; a dropout's probability can be fixed: --set keep_prob=1.0"
_OPTIMIZED = "give the graph before this optimisation"
_DEFAULT = "name an earlier output (--output-names) or a later input (--input-names) to cut it off"

_ADVICE: dict[str, str] = {
    **dict.fromkeys(("TopK", "InTopK", "Multinomial"), _LOGITS),
    **dict.fromkeys(
        ("Variable", "VariableV2", "VarHandleOp", "ReadVariableOp", "Assign", "RestoreV2"), _FREEZE
    ),
    **dict.fromkeys(
        (
            "DecodeJpeg",
            "DecodePng",
            "DecodeImage",
            "DecodeRaw",
            "ParseExample",
            "ParseSingleExample",
            "ResizeArea",
            "ResizeBicubic",
            "ResizeBilinear",
            "IteratorGetNext",
            "QueueDequeueManyV2",
        ),
        _PREPROCESS,
    ),
    **dict.fromkeys(
        ("Enter", "Exit", "NextIteration", "LoopCond", "While", "StatelessWhile"), LOOP
    ),
    **dict.fromkeys(("RandomUniform", "RandomStandardNormal", "TruncatedNormal"), _RANDOM),
    **dict.fromkeys(("_MklConv2D", "_MklFusedConv2D", "_MklNativeConv2D"), _OPTIMIZED),
    **dict.fromkeys(
        ("Switch", "RefSwitch", "Merge", "RefMerge"),
        "its condition depends on the input; export the graph without the branch",
    ),
}


def advice(node: Node) -> str:
    """Return the cure for a node of a type that has no converter."""
    return _ADVICE.get(node.op, _DEFAULT)
