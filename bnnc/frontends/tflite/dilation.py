# SPDX-License-Identifier: Apache-2.0
"""Dilated convolutions that are written as SPACE_TO_BATCH_ND, a convolution, BATCH_TO_SPACE_ND.

The algebra is at the head of `bnnc.frontends.tensorflow.dilation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bnnc.ir import Value

from ..failures import Unsupported
from ..tensorflow.graphdef import Attr
from .context import Context
from .model import Operator

if TYPE_CHECKING:
    from .importer import Importer

SPLIT, MERGE = "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"
_CONVS = ("CONV_2D", "DEPTHWISE_CONV_2D")
ADVICE = "only dilated convolutions are read in this form; convert it as one with dilations"


@dataclass(frozen=True)
class Phases:
    """An image dealt out to phases, and the convolution that works on them."""

    x: Value
    block: tuple[int, int]
    before: tuple[int, int]
    after: tuple[int, int]
    pending: Operator | None = None
    operands: tuple[Value | None, ...] = ()


def split(c: Context) -> Phases:
    """Read a SPACE_TO_BATCH_ND.

    Raises:
        Unsupported: Its input is no image.
    """
    x, (block, before, after) = c.x(0), _block(c)
    if x.type.rank != 4:
        raise Unsupported(f"splits a tensor of shape {list(x.shape)}", ADVICE)
    return Phases(x, block, before, after)


def work_on(phases: Phases, operator: Operator, operands: Sequence[Value | None]) -> Phases:
    """Take in the convolution.

    Raises:
        Unsupported: It is something else, or not the first.
    """
    attrs = operator.attrs
    plain = attrs.get("strides") == attrs.get("dilations") == (1, 1, 1, 1)
    if operator.kind not in _CONVS or phases.pending is not None or operands.count(None) > 2:
        raise Unsupported("works on the phases of a SPACE_TO_BATCH_ND", ADVICE)
    if not plain or attrs.get("padding") != "VALID" or operands[0] is not None:
        raise Unsupported("strides over or pads the phases of a SPACE_TO_BATCH_ND", ADVICE)
    return replace(phases, pending=operator, operands=tuple(operands))


def merge(importer: Importer, c: Context, phases: Phases | None) -> Value:
    """Emit the convolution that this BATCH_TO_SPACE_ND closes.

    Raises:
        Unsupported: It closes none.
    """
    block, *crops = _block(c)
    if phases is None or phases.pending is None or block != phases.block:
        raise Unsupported("does not close a dilated convolution", ADVICE)
    (top, left), (bottom, right) = (
        tuple(p - crop for p, crop in zip(side, cropped, strict=True))
        for side, cropped in zip((phases.before, phases.after), crops, strict=True)
    )
    if min(top, left, bottom, right) < 0:
        raise Unsupported("crops more than its SPACE_TO_BATCH_ND padded", ADVICE)
    explicit = (0, 0, top, bottom, left, right, 0, 0)
    attrs: dict[str, Attr] = {"padding": "EXPLICIT", "explicit_paddings": explicit}
    attrs["dilations"] = (1, *block, 1)
    operator = replace(phases.pending, attrs={**phases.pending.attrs, **attrs})
    made = importer.apply(operator, importer.context(operator, (phases.x, *phases.operands[1:])))
    return made if isinstance(made, Value) else made[0]


def _block(c: Context) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Block, and amounts before and after; one axis alone is the height."""
    block, amounts = c.integers(1), np.reshape(c.integers(2), (-1, 2))
    if len(block) not in (1, 2) or len(amounts) != len(block):
        raise Unsupported(f"has block_shape {list(block)} and {len(amounts)} paddings", ADVICE)
    pairs = np.zeros((2, 2), dtype=np.int64)
    pairs[: len(block)] = amounts
    height, width = (*block, 1)[:2]
    before, after = ((int(pairs[0, side]), int(pairs[1, side])) for side in (0, 1))
    return (height, width), before, after
