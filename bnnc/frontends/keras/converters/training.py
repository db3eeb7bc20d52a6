# SPDX-License-Identifier: Apache-2.0
"""Layers that do something in training only; they vanish."""

from __future__ import annotations

from bnnc.ir import Value

from ..context import Context
from ..convert import converts

_REGULARIZERS = (
    *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "AlphaDropout", "GaussianDropout"),
    *("GaussianNoise", "ActivityRegularization", "Identity"),
)
_AUGMENTATIONS = (
    *("RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom", "RandomContrast"),
    *("RandomBrightness", "RandomShear", "RandomHeight", "RandomWidth"),
)


@converts(*_REGULARIZERS, *_AUGMENTATIONS)
def pass_through(c: Context) -> Value:
    """X itself."""
    return c.x
