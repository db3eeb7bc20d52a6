# SPDX-License-Identifier: Apache-2.0
"""What to do about layers that cannot be imported."""

from __future__ import annotations

_CODE = "its code is not in the file: model.export() a SavedModel, or freeze it (docs/freezing.md)"
_RECURRENT = "recurrent layers are not supported"
_ATTENTION = "attention is not supported"
_SPACE = "three spatial dimensions are not supported"
_LOCAL = "weights of its own for each pixel are not supported: use a convolution"
_TEXT = "what turns words to numbers stays outside: cut it off, --input-names NEXT_LAYER"
_WRAPPED = "build the model with the layer inside instead, a Dense works on the last axis anyhow"
_RESIZING = "resize the images before they go in, or cut it off: --input-names NEXT_LAYER"
_DEFAULT = "name an earlier layer (--output-names), or cut off what lies before (--input-names)"

_ADVICE: dict[str, str] = {
    **dict.fromkeys(("Lambda", "TensorFlowOpLayer", "TFSMLayer"), _CODE),
    **dict.fromkeys(("RNN", "LSTM", "GRU", "SimpleRNN", "Bidirectional"), _RECURRENT),
    **dict.fromkeys(("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "StackedRNNCells"), _RECURRENT),
    **dict.fromkeys(("Attention", "MultiHeadAttention", "AdditiveAttention"), _ATTENTION),
    **dict.fromkeys(("GroupQueryAttention",), _ATTENTION),
    **dict.fromkeys(("LocallyConnected1D", "LocallyConnected2D"), _LOCAL),
    **dict.fromkeys(("QuantLocallyConnected1D", "QuantLocallyConnected2D"), _LOCAL),
    **dict.fromkeys(("Embedding", "TextVectorization", "StringLookup", "IntegerLookup"), _TEXT),
    **dict.fromkeys(("TimeDistributed", "SpectralNormalization"), _WRAPPED),
    **dict.fromkeys(("Resizing", "CenterCrop", "RandomCrop"), _RESIZING),
}


def advice(kind: str) -> str:
    """Return the cure for a layer of a class that has no converter."""
    if kind.endswith(("Conv3D", "Pooling3D", "Conv3DTranspose", "Padding3D", "Cropping3D")):
        return _SPACE
    return _CODE if ">" in kind else _ADVICE.get(kind, _DEFAULT)
