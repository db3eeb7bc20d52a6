# SPDX-License-Identifier: Apache-2.0
"""Steps that choose elements, or multiply what is known at run time only."""

from __future__ import annotations

import numpy as np

from bnnc.ir import Resource, Value, nn

from .builder import Builder


def gather(net: Builder, x: Value) -> Value:
    """Elements of an axis in any order, some of them twice."""
    axis = net.below(1, x.type.rank)
    places = net.rng.integers(0, x.shape[axis], net.below(1, 9)).astype(np.int32)
    indices: Resource = net.module.add_resource("places", places)
    return net.add(nn.Gather(x, indices, axis=axis - net.pick(0, x.type.rank)))


def largest(net: Builder, x: Value) -> Value:
    """The largest elements of each row, or the place of the largest of an axis as a number."""
    if net.chance(0.5):
        places = net.add(nn.TopK(x, k=net.below(1, x.shape[-1] + 1)))
        return net.add(nn.TakeAlong(x, places))
    axis = net.below(1, x.type.rank)
    place = net.add(nn.ArgMax(x, axis=axis, last=net.chance(0.3)))
    return net.add(nn.Cast(place, to="f32"))


def select(net: Builder, x: Value) -> Value:
    """One of two values, as a comparison says."""
    relation = nn.Compare(
        x, net.channel_numbers(x), predicate=net.pick("lt", "le", "gt", "ge", "eq", "ne")
    )
    condition = net.add(relation)
    if net.chance(0.3):
        return net.add(nn.Cast(condition, to="f32"))
    other = net.add(nn.Neg(x)) if net.chance(0.5) else net.scalar(net.pick(0.0, 1.0, -1.0))
    a, b = (x, other) if net.chance(0.5) else (other, x)
    return net.add(nn.Select(condition, a, b))


def product(net: Builder, x: Value) -> Value:
    """A stack of matrices times the same turned around, kept small."""
    rows, columns = x.shape[1], x.type.size // (x.shape[0] * x.shape[1])
    a = net.add(nn.Reshape(x, shape=(x.shape[0], rows, columns)))
    turned = net.add(nn.Transpose(a, perm=(0, 2, 1)))
    inside = net.add(nn.Clip(turned, lo=-1.0, hi=1.0))
    return net.add(nn.MatMul(a, inside))
