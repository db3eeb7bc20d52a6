# SPDX-License-Identifier: Apache-2.0
"""Rewrites for the sake of the kernels: reductions, slices, divisions."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from bnnc.ir import BIT, Op, Resource, Stage, TensorType, Value, bin, nn
from bnnc.ir.diagnostics import TargetError
from bnnc.ir.shapes import normal_axis
from bnnc.passes import Pass, Rewriter, pattern

from ..params import sliced_axes


class Legalize(Pass):
    """Write what no kernel computes as operations that have one, bit for bit equal."""

    name: ClassVar[str] = "legalize"
    consumes: ClassVar[Stage | None] = Stage.BINARIZED

    @pattern
    def reduction(self, op: nn.Reduce, rw: Rewriter) -> None:
        """Reduce neighbouring axes by one window that covers them.

        The input is seen as [outer, count, 1, inner]; a window visits the reduced elements in
        row-major order, which is the order of nn.reduce. A sum is a convolution of each channel
        with weights of +1, which adds in the same order from +0.
        """
        axes = sorted({normal_axis(a, op.x.type.rank) for a in op.axes})
        if not axes:
            rw.replace(op, op.x)
            return
        if op.x.type.size == 0:
            raise TargetError(f"nn.reduce at '{op.loc.name}' reduces a tensor of no elements")
        if axes != list(range(axes[0], axes[-1] + 1)):
            self._moved_together(op, axes, rw)
            return
        if op.kind == "prod":
            return
        shape = op.x.shape
        outer, inner = math.prod(shape[: axes[0]]), math.prod(shape[axes[-1] + 1 :])
        count = math.prod(shape[axes[0] : axes[-1] + 1])
        block = _reshaped(op.x, (outer, count, 1, inner), op, rw)
        rw.replace(op, _reshaped(self._pooled(op, block, rw), op.result.shape, op, rw))

    def _moved_together(self, op: nn.Reduce, axes: list[int], rw: Rewriter) -> None:
        """Reduced axes in front, in their order, leave the order of what is reduced as it is."""
        perm = (*axes, *(a for a in range(op.x.type.rank) if a not in axes))
        moved = rw.insert(nn.Transpose(op.x, perm=perm, loc=op.loc)).result
        front = tuple(range(len(axes)))
        reduced = rw.insert(nn.Reduce(moved, kind=op.kind, axes=front, loc=op.loc)).result
        rw.replace(op, _reshaped(reduced, op.result.shape, op, rw))

    def _pooled(self, op: nn.Reduce, block: Value, rw: Rewriter) -> Value:
        _, count, _, inner = block.shape
        if op.kind == "sum":
            ones = np.ones((inner, count, 1, 1), np.int8)
            w = rw.resource("ones", ones, TensorType(ones.shape, BIT))
            return rw.insert(
                bin.Conv2DFB(block, w, stride=(1, 1), groups=inner, pad=(0, 0, 0, 0), pad_value=0.0)
            ).result
        if op.kind == "min":  # b < a ? b : a is -(-b > -a ? -b : -a), and negation is exact
            block = rw.insert(nn.Neg(block)).result
        cls = nn.AvgPool if op.kind == "mean" else nn.MaxPool
        pool = cls(block, kernel_size=(count, 1), stride=(count, 1), pad=(0, 0, 0, 0))
        pooled = rw.insert(pool).result
        return rw.insert(nn.Neg(pooled)).result if op.kind == "min" else pooled

    @pattern
    def batch_norm(self, op: nn.BatchNorm, rw: Rewriter) -> None:
        """Parameters that are known only at run time: the operations of which it consists."""
        epsilon = rw.resource("epsilon", np.array(op.epsilon, np.float32))
        one = rw.resource("one", np.array(1, np.float32))
        deviation = rw.insert(nn.Sqrt(rw.insert(nn.Add(op.var, epsilon)).result)).result
        inverse = rw.insert(nn.Div(one, deviation)).result
        scale = rw.insert(nn.Mul(op.gamma, inverse)).result
        shift = rw.insert(nn.Mul(op.mean, scale)).result
        offset = rw.insert(nn.Sub(op.beta, shift)).result
        scaled = rw.insert(nn.Mul(op.x, scale)).result
        rw.replace(op, nn.Add(scaled, offset))

    @pattern
    def slice_of_many_axes(self, op: nn.Slice, rw: Rewriter) -> None:
        """Cut one axis after the other, the outermost first: it shrinks what is left most."""
        axes = sliced_axes(op)
        if not axes:
            rw.replace(op, op.x)
        if len(axes) < 2:
            return
        value = op.x
        for axis in axes:
            begin, size, step = [0] * value.type.rank, list(value.shape), [1] * value.type.rank
            begin[axis], size[axis], step[axis] = op.begin[axis], op.size[axis], op.step[axis]
            value = rw.insert(
                nn.Slice(value, begin=tuple(begin), size=tuple(size), step=tuple(step))
            ).result
        rw.replace(op, value)

    @pattern
    def division_without_nan(self, op: nn.Div, rw: Rewriter) -> None:
        """Dividing by constants none of which is zero needs no care for zeros."""
        if op.no_nan and isinstance(op.b, Resource) and op.b.array.all():
            rw.replace(op, nn.Div(op.a, op.b))

    @pattern
    def cast(self, op: nn.Cast, rw: Rewriter) -> None:
        """A cast to the type that is there already is nothing."""
        if op.result.type == op.x.type:
            rw.replace(op, op.x)


def _reshaped(value: Value, shape: tuple[int, ...], op: Op, rw: Rewriter) -> Value:
    if value.shape == shape:
        return value
    return rw.insert(nn.Reshape(value, shape=shape, loc=op.loc)).result
