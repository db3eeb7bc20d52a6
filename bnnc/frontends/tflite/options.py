# SPDX-License-Identifier: Apache-2.0
"""Options of TensorFlow Lite's operators, in the form that TensorFlow's attributes have.

So one converter can serve both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from ..tensorflow.graphdef import Attr
from ..tensorflow.tensors import DType
from .flatbuffer import Table

Attrs: TypeAlias = "dict[str, Attr]"
Reader: TypeAlias = Callable[[Table], Attrs]

_PADDINGS = ("SAME", "VALID")
_ACTIVATIONS = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")
DTYPES: Mapping[int, DType] = {
    0: DType.FLOAT,
    1: DType.HALF,
    2: DType.INT32,
    3: DType.UINT8,
    4: DType.INT64,
    5: DType.STRING,
    6: DType.BOOL,
    7: DType.INT16,
    9: DType.INT8,
    10: DType.DOUBLE,
    12: DType.UINT64,
    15: DType.UINT32,
    16: DType.UINT16,
    18: DType.BFLOAT16,
}


def _name(names: tuple[str, ...], number: int) -> str:
    return names[number] if 0 <= number < len(names) else f"number {number}"


def _fused(slot: int) -> Reader:
    return lambda t: {"activation": _name(_ACTIVATIONS, t.integer(slot, "b"))}


def _ints(**slots: int) -> Reader:
    return lambda t: {name: t.integer(slot) for name, slot in slots.items()}


def _flags(**slots: int) -> Reader:
    return lambda t: {name: bool(t.scalar(slot, "?", False)) for name, slot in slots.items()}


def _floats(**slots: int) -> Reader:
    return lambda t: {name: float(t.scalar(slot, "f", 0.0)) for name, slot in slots.items()}


def _lists(**slots: int) -> Reader:
    return lambda t: {name: _list(t, slot) for name, slot in slots.items()}


def _list(t: Table, slot: int) -> tuple[int, ...]:
    return tuple(int(v) for v in t.array(slot, np.int32)[:64])


def _types(**slots: int) -> Reader:
    return lambda t: {n: DTYPES.get(t.integer(s, "b"), DType.OTHER) for n, s in slots.items()}


def _window(dilation: int | None = None) -> Reader:
    """Padding, strides and dilations; each of these two has its width first."""

    def read(t: Table) -> Attrs:
        found: Attrs = {
            "padding": _name(_PADDINGS, t.integer(0, "b")),
            "strides": (1, t.integer(2), t.integer(1), 1),
        }
        if dilation is not None:
            width, height = (t.integer(dilation + i, "i", 1) for i in (0, 1))
            found["dilations"] = (1, height, width, 1)
        return found

    return read


def _kernel(t: Table) -> Attrs:
    return {"ksize": (1, t.integer(4), t.integer(3), 1)}


def _mode(t: Table) -> Attrs:
    return {"mode": _name(("REFLECT", "SYMMETRIC"), t.integer(0, "b"))}


def _weights_format(t: Table) -> Attrs:
    return {"weights_format": t.integer(1, "b")}


_POOL = (_window(), _kernel, _fused(5))
_REDUCE = (_flags(keep_dims=0),)
_READERS: Mapping[str, tuple[Reader, ...]] = {
    "CONV_2D": (_window(4), _fused(3)),
    "DEPTHWISE_CONV_2D": (_window(5), _fused(4)),
    "TRANSPOSE_CONV": (_window(), _fused(3)),
    "MAX_POOL_2D": _POOL,
    "AVERAGE_POOL_2D": _POOL,
    "FULLY_CONNECTED": (_fused(0), _weights_format, _flags(keep_num_dims=2)),
    **dict.fromkeys(("ADD", "SUB", "MUL", "DIV"), (_fused(0),)),
    "CONCATENATION": (_ints(axis=0), _fused(1)),
    "SOFTMAX": (_floats(beta=0),),
    "RESHAPE": (_lists(new_shape=0),),
    **dict.fromkeys(("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"), _REDUCE),
    "SQUEEZE": (_lists(squeeze_dims=0),),
    "STRIDED_SLICE": (
        _ints(begin_mask=0, end_mask=1, ellipsis_mask=2, new_axis_mask=3, shrink_axis_mask=4),
        _flags(offset=5),
    ),
    "SPLIT": (_ints(num_split=0),),
    "SPLIT_V": (_ints(num_split=0),),
    "PACK": (_ints(axis=1),),
    "UNPACK": (_ints(axis=1),),
    "LEAKY_RELU": (_floats(alpha=0),),
    "CAST": (_types(SrcT=0, DstT=1),),
    "RESIZE_NEAREST_NEIGHBOR": (_flags(align_corners=0, half_pixel_centers=1),),
    "L2_NORMALIZATION": (_fused(0),),
    "BATCH_MATMUL": (_flags(adj_x=0, adj_y=1),),
    "GATHER": (_ints(axis=0, batch_dims=1),),
    "SPACE_TO_DEPTH": (_ints(block_size=0),),
    "DEPTH_TO_SPACE": (_ints(block_size=0),),
    "MIRROR_PAD": (_mode,),
    "GELU": (_flags(approximate=0),),
}


def read_options(operator: str, table: Table | None) -> Attrs:
    """The attributes of an operator; what stands in the file as default is among them.

    Raises:
        Damaged: The options are not readable.
    """
    found: Attrs = {}
    if table is not None:
        for read in _READERS.get(operator, ()):
            found |= read(table)
    return found
