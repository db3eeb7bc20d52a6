# SPDX-License-Identifier: Apache-2.0
"""What to do about layers that cannot be imported."""

from __future__ import annotations

_CODE = "its code is not in the file: model.export() a SavedModel, or freeze it (docs/freezing.md)"
_RECURRENT = "recurrent layers are not supported"
_ATTENTION = "attention is not supported"
_RESIZING = "resize the images before they go in, or cut it off: --input-names NEXT_LAYER"
_DEFAULT = "name an earlier layer (--output-names), or cut off what lies before (--input-names)"

_ADVICE: dict[str, str] = {
    **dict.fromkeys(("Lambda", "TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer"), _CODE),
    **dict.fromkeys(("RNN", "LSTM", "GRU", "SimpleRNN", "Bidirectional", "ConvLSTM2D"), _RECURRENT),
    **dict.fromkeys(("Attention", "MultiHeadAttention", "AdditiveAttention"), _ATTENTION),
    **dict.fromkeys(("Resizing", "CenterCrop", "RandomCrop"), _RESIZING),
}


def advice(kind: str) -> str:
    """Return the cure for a layer of a class that has no converter."""
    return _CODE if ">" in kind else _ADVICE.get(kind, _DEFAULT)
