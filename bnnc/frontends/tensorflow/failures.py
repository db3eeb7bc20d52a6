# SPDX-License-Identifier: Apache-2.0
"""What cannot be imported: collected over the whole graph, reported once, with advice."""

from __future__ import annotations

from bnnc.ir.diagnostics import Diagnostic, ImportFailure

from .graphdef import Node

_SHOWN = 3

_FREEZE = "freeze the graph first: tf.compat.v1.graph_util.convert_variables_to_constants"
_LOGITS = "name the scores before it: --output-names SCORES"
_PREPROCESS = "cut the pre-processing off: --input-names FIRST_FLOAT_TENSOR --input-shape ..."
_LOOP = "loops are not supported; unroll it when exporting, or cut it off with --output-names"
_RANDOM = "export the inference graph; a dropout's probability can be fixed: --set keep_prob=1.0"
_OPTIMIZED = "give the graph before this optimisation"
_DEFAULT = "name an earlier output (--output-names) or a later input (--input-names) to cut it off"

ADVICE: dict[str, str] = {
    **dict.fromkeys(("ArgMax", "ArgMin", "TopK", "TopKV2", "InTopK", "Multinomial"), _LOGITS),
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
            "ResizeBilinear",
            "IteratorGetNext",
            "QueueDequeueManyV2",
        ),
        _PREPROCESS,
    ),
    **dict.fromkeys(
        ("Enter", "Exit", "NextIteration", "LoopCond", "While", "StatelessWhile"), _LOOP
    ),
    **dict.fromkeys(("RandomUniform", "RandomStandardNormal", "TruncatedNormal"), _RANDOM),
    **dict.fromkeys(("_MklConv2D", "_MklFusedConv2D", "_MklNativeConv2D"), _OPTIMIZED),
    **dict.fromkeys(
        ("Switch", "RefSwitch", "Merge", "RefMerge"),
        "its condition depends on the input; export the graph without the branch",
    ),
}


class Unsupported(Exception):
    """A node that cannot be imported as it is; converters raise it."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


class Failures:
    """All that failed, by operation type and reason."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[str, str, str], list[str]] = {}

    def __bool__(self) -> bool:
        return bool(self._nodes)

    def add(self, node: Node, message: str, advice: str = "") -> None:
        """Note a node; equal reasons are shown together."""
        self._nodes.setdefault((node.op, message, advice), []).append(node.name)

    def add_unknown(self, node: Node) -> None:
        """Note a node of a type that has no converter."""
        self.add(node, "is not supported", ADVICE.get(node.op, _DEFAULT))

    def error(self, file: str) -> ImportFailure:
        """Return the one error that lists everything."""
        diagnostics = [
            Diagnostic(f"{op} {message}: {_list(names)}", hint=advice)
            for (op, message, advice), names in self._nodes.items()
        ]
        count = sum(map(len, self._nodes.values()))
        return ImportFailure(
            f"cannot import {file}: {count} node{'s' * (count > 1)} cannot be translated",
            diagnostics=[
                Diagnostic(f"cannot import {file}, {count} node{'s' * (count > 1)} in the way"),
                *diagnostics,
            ],
        )


def _list(names: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:_SHOWN])
    left = len(names) - _SHOWN
    return f"node{'s' * (len(names) > 1)} {shown}" + (f" and {left} more" if left > 0 else "")
