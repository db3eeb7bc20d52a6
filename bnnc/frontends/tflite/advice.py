# SPDX-License-Identifier: Apache-2.0
"""What to do about operators that cannot be imported."""

from __future__ import annotations

_LOGITS = "name the scores before it: --output-names SCORES"
_DEFAULT = "name an earlier output (--output-names) or a later input (--input-names) to cut it off"
_CONTROL = "convert the model without control flow and variables"
_SELECT = "convert the model without TensorFlow operators (SELECT_TF_OPS)"
_RECURRENT = "recurrent layers are not supported"
_SMOOTH = "pixels are not mixed: use RESIZE_NEAREST_NEIGHBOR, or resize before the model"
_SPACE = "three spatial dimensions are not supported"
_WORDS = "what turns words to numbers stays outside: --input-names LATER_TENSOR"

_ADVICE: dict[str, str] = {
    **dict.fromkeys(("NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5", "MULTINOMIAL"), _LOGITS),
    **dict.fromkeys(("IF", "WHILE", "CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE"), _CONTROL),
    **dict.fromkeys(("LSTM", "RNN", "SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM"), _RECURRENT),
    **dict.fromkeys(("UNIDIRECTIONAL_SEQUENCE_RNN", "BIDIRECTIONAL_SEQUENCE_LSTM"), _RECURRENT),
    **dict.fromkeys(("RESIZE_BILINEAR",), _SMOOTH),
    **dict.fromkeys(("CONV_3D", "CONV_3D_TRANSPOSE"), _SPACE),
    **dict.fromkeys(("EMBEDDING_LOOKUP", "HASHTABLE_FIND", "HASHTABLE"), _WORDS),
}


def advice(kind: str) -> str:
    """Return the cure for an operator that has no converter."""
    return _SELECT if kind.startswith("Flex") else _ADVICE.get(kind, _DEFAULT)
