# SPDX-License-Identifier: Apache-2.0
"""The named constraints that rows of the kernel table may put under ``when``."""

from __future__ import annotations

import math
from collections.abc import Callable

from bnnc.ir import bin, nn, q
from bnnc.ir.diagnostics import TargetError
from bnnc.ir.layouts import BitPlane, BitTiles
from bnnc.ir.operation import Op
from bnnc.ir.value import Resource

_BYTE_CONVOLUTIONS = (q.Conv2D, q.DynamicConv2D)
_BYTE_LAYERS = (q.Layer, q.DynamicLayer)


def _groups(op: Op) -> int:
    return op.groups if isinstance(op, (bin.ConvLayer, *_BYTE_CONVOLUTIONS)) else 1


def _ungrouped(op: Op) -> bool:
    return _groups(op) == 1


def _byte_groups(op: Op) -> bool:
    """The channels of each group begin on a byte of the packed input."""
    if _ungrouped(op):
        return True
    return isinstance(op, bin.ConvLayer) and op.x.shape[-1] // op.groups % 8 == 0


def _group_tiles(op: Op) -> bool:
    """Groups begin on a byte of the packed input, and on a tile of 8 output channels."""
    if _ungrouped(op):
        return True
    return _byte_groups(op) and op.result.type.shape[-1] // _groups(op) % 8 == 0


def _tiles_fit(op: Op) -> bool:
    """Weights in tiles of 8 output channels take no more bytes than in rows of input channels."""
    if not isinstance(op, bin.ConvLayer | bin.DenseLayer):
        return False
    return BitTiles().nbytes(op.w.type) <= BitPlane().nbytes(op.w.type)


def _short_window(op: Op) -> bool:
    """A window of bits or levels fits into the room that kernels have for copies of windows."""
    if not isinstance(op, bin.ConvLayer | bin.DenseLayer):
        return False
    *outer, channels = op.w.shape[1:]
    planes = op.x.type.scalar.level_bits or 1
    return planes * math.prod(outer) * ((channels + 7) // 8) <= 4096


def _byte_window(op: Op) -> bool:
    """A window of bytes, in steps of 16, fits into the room for copies of windows."""
    return isinstance(op, _BYTE_LAYERS) and (math.prod(op.w.shape[1:]) + 15) // 16 * 16 <= 36864


def _eight_of_group(op: Op) -> bool:
    return _ungrouped(op) or (
        isinstance(op, _BYTE_CONVOLUTIONS) and op.w.shape[0] // op.groups % 8 == 0
    )


def _above_lowest(op: Op) -> bool:
    """No weight is -128, so that two products of bytes fit into 16 bits."""
    if not isinstance(op, _BYTE_LAYERS) or not isinstance(op.w, Resource) or not op.w.at_hand:
        return False
    return op.w.array.size > 0 and int(op.w.array.min()) > -128


def _sign_window(op: Op) -> bool:
    """A window of bytes whose bit weights fit, as bytes, into the room for those of a tile."""
    return isinstance(op, q.Layer) and (math.prod(op.w.shape[1:]) + 15) // 16 * 16 <= 2304


def _eight_windows(op: Op) -> bool:
    return isinstance(op, q.Layer) and math.prod(op.result.shape[:-1]) >= 8


def _shared_tables(op: Op) -> bool:
    """Output channels enough that tables of sums of a window's inputs pay."""
    if not isinstance(op, bin.ConvLayer | bin.DenseLayer):
        return False
    *pixels, channels = op.result.shape
    return channels >= (16 if math.prod(pixels) > 1 else 64)


def _depthwise(op: Op) -> bool:
    if not isinstance(op, (bin.ConvLayer, *_BYTE_CONVOLUTIONS)):
        return False
    return op.groups == op.x.shape[-1] == op.w.shape[0]


def _few_taps(op: Op) -> bool:
    if not isinstance(op, (bin.ConvLayer, *_BYTE_CONVOLUTIONS)):
        return False
    return op.w.shape[1] * op.w.shape[2] <= 64


def _same_shapes(op: Op) -> bool:
    return isinstance(op, q.Sum) and op.a.shape == op.b.shape


def _right_shifts(op: Op) -> bool:
    return isinstance(op, q.Sum) and max(op.a_shift, op.b_shift, op.y_shift) <= 0


def _product(op: Op) -> bool:
    return isinstance(op, nn.Reduce) and op.kind == "prod"


def _no_nan(op: Op) -> bool:
    return isinstance(op, nn.Div) and op.no_nan


def _ieee_division(op: Op) -> bool:
    return isinstance(op, nn.Div) and not op.no_nan


def _to_packed(op: Op) -> bool:
    return op.result.type.layout is not None


def _to_plain(op: Op) -> bool:
    return op.result.type.layout is None


CONSTRAINTS: dict[str, Callable[[Op], bool]] = {
    "ungrouped": _ungrouped,
    "byte_groups": _byte_groups,
    "group_tiles": _group_tiles,
    "tiles_fit": _tiles_fit,
    "short_window": _short_window,
    "byte_window": _byte_window,
    "eight_of_group": _eight_of_group,
    "above_lowest": _above_lowest,
    "sign_window": _sign_window,
    "eight_windows": _eight_windows,
    "shared_tables": _shared_tables,
    "depthwise": _depthwise,
    "few_taps": _few_taps,
    "same_shapes": _same_shapes,
    "right_shifts": _right_shifts,
    "product": _product,
    "no_nan": _no_nan,
    "ieee_division": _ieee_division,
    "to_packed": _to_packed,
    "to_plain": _to_plain,
}


def holds(name: str, op: Op) -> bool:
    """Whether a named constraint holds; a name that nobody defines is a target error."""
    check = CONSTRAINTS.get(name)
    if check is None:
        raise TargetError(
            f"the kernel table uses the constraint '{name}', which is not defined",
            hint=f"defined: {', '.join(CONSTRAINTS)}",
        )
    return check(op)
