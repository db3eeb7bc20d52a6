# SPDX-License-Identifier: Apache-2.0
"""Bring the graph to one spelling, so that later passes need to know only that one."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from bnnc.ir import nn
from bnnc.ir.module import Stage
from bnnc.ir.value import Resource, Value

from .base import pattern
from .constants import channel_constant, constant, scalar_constant
from .move_transposes import MoveTransposes
from .registry import register_pass
from .rewriter import Rewriter

ChannelwiseUnary: TypeAlias = (
    nn.Sign | nn.Relu | nn.Clip | nn.LeakyRelu | nn.Neg | nn.Abs | nn.Round | nn.Tanh | nn.Sigmoid
)


@register_pass
class Canonicalize(MoveTransposes):
    """One spelling for clips, pads, reshapes and the place of constants; every rewrite is exact.

    Transposes around NCHW images cancel.
    """

    name = "canonicalize"
    consumes = Stage.IMPORTED
    produces = Stage.CANONICAL

    @pattern
    def constant_last(self, op: nn.Add | nn.Mul, rw: Rewriter) -> None:
        """Sums and products commute bit for bit: constants go second."""
        if isinstance(op.a, Resource) and not isinstance(op.b, Resource):
            rw.update(op, a=op.b, b=op.a)

    @pattern
    def negated_difference(self, op: nn.Sub, rw: Rewriter) -> None:
        """X - c is x + (-c), bit for bit."""
        c = constant(op.b)
        if c is not None and c.dtype == np.float32:
            rw.replace(op, nn.Add(op.a, rw.resource(op.b.name, -c)))

    @pattern
    def bounds_to_clip(self, op: nn.Minimum | nn.Maximum, rw: Rewriter) -> None:
        """A minimum or maximum with one number is a clip (or a relu).

        Where both operands are equal the first is the result, which shows for zeros only:
        maximum(0, -0) is 0, but relu(-0) is -0. There the sum x + 0 turns -0 into 0 before.
        """
        for bound, x in ((op.b, op.a), (op.a, op.b)):
            number = scalar_constant(bound)
            if number is None or isinstance(x, Resource) or x.shape != op.result.shape:
                continue
            negative = np.signbit(np.float32(number))
            if number == 0.0 and bound is op.a:
                if negative:
                    return
                x = rw.insert(nn.Add(x, rw.resource(bound.name, np.zeros(1, np.float32)))).result
            if isinstance(op, nn.Minimum):
                rw.replace(op, nn.Clip(x, lo=float("-inf"), hi=number))
            elif number == 0.0 and not negative:
                rw.replace(op, nn.Relu(x))
            else:
                rw.replace(op, nn.Clip(x, lo=number, hi=float("inf")))
            return

    @pattern
    def clip_of_clip(self, op: nn.Clip, rw: Rewriter) -> None:
        """Merge clip(clip(x)) where the intervals meet."""
        inner = op.x.owner
        if isinstance(inner, nn.Clip) and inner.lo <= op.hi and op.lo <= inner.hi:
            lo, hi = max(op.lo, inner.lo), min(op.hi, inner.hi)
            rw.replace(op, nn.Clip(inner.x, lo=lo, hi=hi, loc=op.loc.fuse([inner.loc])))

    @pattern
    def empty_pad(self, op: nn.Pad, rw: Rewriter) -> None:
        """A pad of nothing is nothing."""
        if not any(op.before) and not any(op.after):
            rw.replace(op, op.x)

    @pattern
    def pad_into_conv(self, op: nn.Conv2D, rw: Rewriter) -> None:
        """A spatial pad joins the convolution's own pad when both pad with the same value."""
        pad = op.x.owner
        if not isinstance(pad, nn.Pad) or any(pad.before[i] or pad.after[i] for i in (0, 3)):
            return
        if any(op.pad) and pad.value != op.pad_value:
            return
        outer = (*pad.before[1:3], *pad.after[1:3])
        top, left, bottom, right = (a + b for a, b in zip(outer, op.pad, strict=True))
        rw.update(op, x=pad.x, pad=(top, left, bottom, right), pad_value=pad.value)

    @pattern
    def reshape_of_reshape(self, op: nn.Reshape, rw: Rewriter) -> None:
        """Only the last of several reshapes counts; one to the same shape is nothing."""
        if op.shape == op.x.shape:
            rw.replace(op, op.x)
        elif isinstance(op.x.owner, nn.Reshape):
            rw.update(op, x=op.x.owner.x)

    @pattern
    def unary_before_reshape(self, op: ChannelwiseUnary, rw: Rewriter) -> None:
        """An elementwise operation does not care about the shape: apply it before the reshape."""
        inner = op.x.owner
        if isinstance(inner, nn.Reshape) and inner.result.use_count == 1:
            first = op.rebuilt(lambda _: inner.x)
            rw.insert(first)
            rw.replace(op, nn.Reshape(first.result, shape=inner.shape, loc=inner.loc))

    @pattern
    def binary_before_reshape(self, op: nn.Add | nn.Mul | nn.Div, rw: Rewriter) -> None:
        """The same for a constant operand, per channel if the reshape keeps the channels."""
        inner = op.a.owner
        if not isinstance(inner, nn.Reshape) or inner.result.use_count != 1:
            return
        values = channel_constant(op.b, op.a)
        if values is None or op.result.shape != op.a.shape or inner.x.type.rank == 0:
            return
        uniform = scalar_constant(op.b) is not None
        if not uniform and inner.x.shape[-1] != inner.shape[-1]:
            return
        param: Value = rw.resource(op.b.name, values[:1] if uniform else values)
        first = type(op)(inner.x, param, loc=op.loc)
        rw.insert(first)
        rw.replace(op, nn.Reshape(first.result, shape=inner.shape, loc=inner.loc))

    @pattern
    def batch_norm_before_reshape(self, op: nn.BatchNorm, rw: Rewriter) -> None:
        """Batch normalization moves up when the reshape keeps the channels."""
        inner = op.x.owner
        if not isinstance(inner, nn.Reshape) or inner.result.use_count != 1:
            return
        if inner.x.type.rank and inner.x.shape[-1] == inner.shape[-1]:
            first = op.rebuilt(lambda v: inner.x if v is op.x else v)
            rw.insert(first)
            rw.replace(op, nn.Reshape(first.result, shape=inner.shape, loc=inner.loc))
