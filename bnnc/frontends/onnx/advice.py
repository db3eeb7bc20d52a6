# SPDX-License-Identifier: Apache-2.0
"""What to do about operations that cannot be imported."""

from __future__ import annotations

from .graph import Node

_LOGITS = "name the scores before it: --output-names SCORES"
_DEFAULT = "name an earlier output (--output-names) or a later input (--input-names) to cut it off"
_RECURRENT = "recurrent layers are not supported"
_LOOP = "export the model without control flow (trace it with fixed shapes)"
_RANDOM = "export the model for inference: model.eval()"
_PREPROCESS = "cut the pre-processing off: --input-names FIRST_TENSOR --input-shape ..."

_ADVICE: dict[str, str] = {
    **dict.fromkeys(("ArgMax", "ArgMin", "TopK", "NonMaxSuppression", "Multinomial"), _LOGITS),
    **dict.fromkeys(("RNN", "LSTM", "GRU"), _RECURRENT),
    **dict.fromkeys(("If", "Loop", "Scan", "SequenceMap"), _LOOP),
    **dict.fromkeys(("RandomNormal", "RandomUniform", "RandomNormalLike", "Bernoulli"), _RANDOM),
    **dict.fromkeys(("ImageDecoder", "StringNormalizer", "TfIdfVectorizer"), _PREPROCESS),
}


def advice(node: Node) -> str:
    """Return the cure for a node of a type that has no converter."""
    return _ADVICE.get(node.op, _DEFAULT)
