# SPDX-License-Identifier: Apache-2.0
"""The standard pipeline up to stage binarized; the backend appends its own passes."""

from __future__ import annotations

from bnnc.ir.module import Stage

from .binarize import Binarize
from .bit_weights import BitWeights
from .canonicalize import Canonicalize
from .fold_constants import FoldConstants
from .fold_linear import FoldLinear
from .fold_thresholds import FoldThresholds
from .pipeline import format_pipeline
from .quantized import FuseQuantized
from .recognise_signs import RecogniseSigns, RecogniseStraightThrough
from .simplify_signs import SimplifySigns


def standard(stage: Stage = Stage.IMPORTED, *, strict_sign: bool = False) -> str:
    """The pipeline string that takes a module of a stage to binarized (empty from there on).

    Straight-through sums are recognised before constants are folded, so that the factor of
    binarized weights is the mean that the graph computes, not a value with rounding noise.
    Signs are recognised again behind it, for exporters write a branch as a tensor that is filled.
    Both are recognised again behind canonicalization, which spells clips in one way: a text whose
    constants were folded by hand may come from there, and must not compile to floats for it.
    """
    passes = {
        Stage.IMPORTED: [
            RecogniseStraightThrough(),
            RecogniseSigns(),
            FoldConstants(),
            RecogniseSigns(),
            Canonicalize(),
        ],
        Stage.CANONICAL: [
            FuseQuantized(),
            RecogniseStraightThrough(),
            RecogniseSigns(),
            Binarize(),
        ],
        Stage.BINARIZED: [
            BitWeights(),
            FoldThresholds(strict_sign=strict_sign),
            SimplifySigns(strict_sign=strict_sign),
            FoldLinear(),
        ],
    }
    return format_pipeline([p for s, ps in passes.items() if s.rank >= stage.rank for p in ps])
