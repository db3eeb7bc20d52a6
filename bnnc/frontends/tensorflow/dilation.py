# SPDX-License-Identifier: Apache-2.0
"""Dilated convolutions that TensorFlow writes as SpaceToBatchND, Conv2D, BatchToSpaceND.

SpaceToBatchND pads an axis by (p0, p1) and deals it out to b phases, one image each: x[b i + r] for
r = 0 ... b - 1. A VALID convolution of every phase with stride 1 sees taps b apart; BatchToSpaceND
puts the phases together again and crops (c0, c1). The whole is one convolution with dilation b:

    y[i] = sum_j w[j] x_padded[i + c0 + b j],    padded by (p0 - c0, p1 - c1)

Nothing is emitted before BatchToSpaceND is met, since only there the crops are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bnnc.ir import Loc, Value

from ..failures import Unsupported
from .context import Context
from .control import WIRES
from .convert import OPERATIONS
from .graphdef import Attr, Node

SPLITS = ("SpaceToBatchND", "SpaceToBatch")
MERGES = ("BatchToSpaceND", "BatchToSpace")

ADVICE = "only dilated convolutions are read in this form; export it as one Conv2D with dilations"

_CONVS = ("Conv2D", "DepthwiseConv2dNative", "_FusedConv2D", "_FusedDepthwiseConv2dNative")
# These treat every pixel alike, so they may stand between the convolution and BatchToSpaceND.
_POINTWISE = frozenset(
    (*WIRES, "BiasAdd", "BiasAddV1", "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
) | {"Elu", "LeakyRelu", "Relu", "Relu6", "Sigmoid", "Sign", "Tanh"}
_POINTWISE_WITH_SCALAR = ("Add", "AddV2", "Maximum", "Minimum", "Mul", "RealDiv", "Sub")


@dataclass(frozen=True)
class Phases:
    """An image dealt out to phases, and the nodes that work on these.

    Attributes:
        x: The image, rank 4.
        block: Phases along each axis, 1 where the axis is whole.
        before: Zeros in front of each axis.
        after: Zeros behind each axis.
        pending: Nodes with their operands; None stands for the phases.
        convolved: Whether a convolution is among them.
    """

    x: Value
    block: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    pending: tuple[tuple[Node, tuple[Value | None, ...]], ...] = ()
    convolved: bool = False


def split(c: Context) -> Phases:
    """Read a SpaceToBatchND node.

    Raises:
        Unsupported: Its input is no image, or does not divide into the block.
    """
    x = c.x(0)
    if x.type.rank != 4:
        raise Unsupported(f"splits a tensor of shape {list(x.shape)}", ADVICE)
    block, before, after = _block(c)
    for d, b, p, q in zip(x.shape, block, before, after, strict=True):
        if b < 1 or min(p, q) < 0 or (d + p + q) % b:
            raise Unsupported(f"does not divide {list(x.shape)} into blocks", ADVICE)
    return Phases(x, block, before, after)


def work_on(phases: Phases, node: Node, operands: Sequence[Value | None]) -> Phases:
    """Add a node that works on phases; it must be one that may as well work on the whole image.

    Raises:
        Unsupported: It is another one.
    """
    wire = node.op in WIRES
    if node.op in _CONVS:
        _check_convolution(node)
    elif not (wire or (phases.convolved and _is_pointwise(node, operands, phases.block))):
        raise Unsupported("works on the phases of a SpaceToBatchND", ADVICE)
    if operands.count(None) != 1 or (operands[0] is not None and node.op in _CONVS):
        raise Unsupported("works on the phases of a SpaceToBatchND", ADVICE)
    return replace(
        phases,
        pending=(*phases.pending, (node, tuple(operands))),
        convolved=phases.convolved or node.op in _CONVS,
    )


def merge(c: Context, phases: Phases | None) -> Value:
    """Emit what stands between the SpaceToBatchND and this BatchToSpaceND.

    Raises:
        Unsupported: The two do not belong together.
    """
    block, *crops = _block(c)
    if phases is None or block != phases.block or not phases.convolved:
        raise Unsupported("does not close a dilated convolution", ADVICE)
    pads = [
        p - crop
        for side, cropped in zip((phases.before, phases.after), crops, strict=True)
        for p, crop in zip(side, cropped, strict=True)
    ]
    if min(pads) < 0:
        raise Unsupported("crops more than its SpaceToBatchND padded", ADVICE)
    rank = len(block)
    by_axis = tuple(p for axis in range(rank) for p in (pads[axis], pads[axis + rank]))
    value = phases.x
    for node, operands in phases.pending:
        if node.op in _CONVS:
            attrs: dict[str, Attr] = {"padding": "EXPLICIT", "explicit_paddings": by_axis}
            attrs["dilations"] = block
            node = replace(node, attrs={**node.attrs, **attrs})
            by_axis = (0,) * (2 * rank)  # the first convolution has read the padding
        convert = OPERATIONS.find(node.op)
        if convert is None:
            raise Unsupported(f"closes over a {node.op}, which is not supported", ADVICE)
        made = convert(c.of(node, [value if v is None else v for v in operands]))
        value = made if isinstance(made, Value) else made[0]
        if value.owner is not None:
            value.name = value.name or node.name
    if value.owner is not None:
        value.owner.loc = value.owner.loc.fuse([Loc((c.node.name,))])
    return value


def _block(c: Context) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Block, and amounts before and after, for four axes; the node lists those behind the batch."""
    if c.node.op in ("SpaceToBatch", "BatchToSpace"):
        block: tuple[int, ...] = (c.integer("block_size"),) * 2
        amounts = c.integers(1)
    else:
        block, amounts = c.integers(1), c.integers(2)
    if len(block) > 3 or len(amounts) != 2 * len(block):
        raise Unsupported(f"has block_shape {list(block)} and {len(amounts)} paddings", ADVICE)
    pairs = np.zeros((4, 2), dtype=np.int64)
    pairs[1 : 1 + len(block)] = np.reshape(amounts, (-1, 2))
    before, after = (tuple(int(p) for p in pairs[:, side]) for side in (0, 1))
    return (1, *block, *(1,) * (3 - len(block))), before, after


def _check_convolution(node: Node) -> None:
    ones = all(
        isinstance(values := node.attrs.get(name, ()), tuple) and all(v == 1 for v in values)
        for name in ("strides", "dilations")
    )
    if node.attrs.get("padding") != "VALID" or not ones:
        raise Unsupported("strides over or pads the phases of a SpaceToBatchND", ADVICE)


def _is_pointwise(node: Node, operands: Sequence[Value | None], block: tuple[int, ...]) -> bool:
    if node.op in _POINTWISE:
        return operands[0] is None
    if node.op not in _POINTWISE_WITH_SCALAR:
        return False
    others = [v for v in operands if v is not None]
    # A vector goes along the last axis, which must not be one that is dealt out.
    return all(v.type.size == 1 or (v.type.rank == 1 and block[3] == 1) for v in others)
