# SPDX-License-Identifier: Apache-2.0
"""Normalizations."""

from __future__ import annotations

import numpy as np

from bnnc.ir import Resource, Value, nn

from ... import expressions
from ...failures import Unsupported
from ..context import Context
from ..convert import converts
from ..values import as_tuple


def _axes(c: Context, default: int) -> tuple[int, ...]:
    value = c.option("axis")
    values = as_tuple(default if value is None else value) or (default if value is None else value,)
    axes = [v for v in values if type(v) is int]
    if len(axes) != len(values):
        raise Unsupported(f"has axis={value}")
    return tuple(sorted(c.axis(v, c.x.type.rank) for v in axes))


@converts(
    "BatchNormalization", "BatchNormalizationV1", "BatchNormalizationV2", "SyncBatchNormalization"
)
def batch_norm(c: Context) -> Value:
    """With the moving averages; over any one axis, with or without scale and center."""
    x = c.x
    axes = _axes(c, -1)
    if len(axes) != 1:
        raise Unsupported(f"normalizes over the axes {list(axes)}")
    (axis,) = axes
    if c.flag("renorm", False):
        raise Unsupported("renormalizes (renorm=True)")
    size = (x.shape[axis],)
    names = ["gamma"] * c.flag("scale", True) + ["beta"] * c.flag("center", True)
    names += ["moving_mean", "moving_variance"]
    found = dict(zip(names, c.variables(*((n, size) for n in names)), strict=True))
    gamma = found.get("gamma") or c.constant(np.ones(size, np.float32), "gamma")
    beta = found.get("beta") or c.constant(np.zeros(size, np.float32), "beta")
    epsilon, var = c.number("epsilon", 1e-3), found["moving_variance"]
    if isinstance(var, Resource) and not np.all(var.array + np.float32(epsilon) > 0):
        raise Unsupported("has a negative variance", "the file is damaged; save the model again")

    def normalized(moved: Value) -> Value:
        return c.emit(nn.BatchNorm(moved, gamma, beta, found["moving_mean"], var, epsilon=epsilon))

    return c.along_last(x, axis, normalized)


@converts("Normalization")
def normalization(c: Context) -> Value:
    """(x - mean) / max(sqrt(variance), 1e-7) with what was adapted or given."""
    x = c.x
    kept = () if c.option("axis") is None else _axes(c, -1)
    if "mean" in c.node.layer.config and c.option("mean") is not None:
        given = [np.array(c.option(name), np.float32) for name in ("mean", "variance")]
    else:
        given = [a.astype(np.float32) for a in c.stored(3)[:2]]
    shape = tuple(d if i in kept else 1 for i, d in enumerate(x.shape))
    if any(a.size not in (1, int(np.prod(shape))) for a in given):
        raise Unsupported(f"has statistics of shape {list(given[0].shape)} for {list(x.shape)}")
    mean, variance = (np.broadcast_to(a.reshape(-1), (int(np.prod(shape)),)) for a in given)
    if not np.all(variance >= 0):
        raise Unsupported("has a negative variance", "the file is damaged; save the model again")
    deviation = np.maximum(np.sqrt(variance), np.float32(1e-7)).astype(np.float32)
    center = c.constant(mean.reshape(shape), "mean")
    spread = c.constant(deviation.reshape(shape), "deviation")
    if c.flag("invert", False):
        return c.emit(nn.Add(center, c.emit(nn.Mul(x, spread))))
    return c.emit(nn.Div(c.emit(nn.Sub(x, center)), spread))


@converts("LayerNormalization")
def layer_norm(c: Context) -> Value:
    """Mean and variance of each sample over the axes; with rms_scaling without the mean."""
    x, axes, epsilon = c.x, _axes(c, -1), c.number("epsilon", 1e-3)
    if c.flag("rms_scaling", False):
        y = expressions.root_mean_square_norm(c, x, axes, epsilon)
        return _affine(c, y, axes, ["gamma"])
    names = ["gamma"] * c.flag("scale", True) + ["beta"] * c.flag("center", True)
    return _affine(c, expressions.standardized(c, x, axes, epsilon), axes, names)


@converts("RMSNormalization")
def rms_norm(c: Context) -> Value:
    """X / sqrt(mean of x^2 + epsilon), times a scale."""
    axes = _axes(c, -1)
    y = expressions.root_mean_square_norm(c, c.x, axes, c.number("epsilon", 1e-6))
    return _affine(c, y, axes, ["gamma"])


@converts("UnitNormalization")
def unit_norm(c: Context) -> Value:
    """X / sqrt(max(sum of x^2, 1e-12)) over the axes."""
    return expressions.unit_norm(c, c.x, _axes(c, -1), 1e-12)


@converts("GroupNormalization")
def group_norm(c: Context) -> Value:
    """Mean and variance of each sample over all axes but that of the channels, group by group."""
    x = c.x
    axes = _axes(c, -1)
    if len(axes) != 1 or axes[0] == 0:
        raise Unsupported(f"has axis={c.option('axis')}")
    (axis,) = axes
    channels = x.shape[axis]
    groups = c.integer("groups", 32)
    groups = channels if groups == -1 else groups
    if groups < 1 or channels % groups:
        raise Unsupported(f"has {channels} channels in {groups} groups")
    cut = c.reshape(x, (*x.shape[:axis], groups, channels // groups, *x.shape[axis + 1 :]))
    over = [a for a in range(1, x.type.rank + 1) if a != axis]
    y = c.reshape(expressions.standardized(c, cut, over, c.number("epsilon", 1e-3)), x.shape)
    return _affine(
        c, y, axes, ["gamma"] * c.flag("scale", True) + ["beta"] * c.flag("center", True)
    )


def _affine(c: Context, x: Value, axes: tuple[int, ...], names: list[str]) -> Value:
    """X * gamma + beta, whichever of them there are; both have the axes."""
    size = tuple(x.shape[a] for a in axes)
    shape = tuple(d if a in axes else 1 for a, d in enumerate(x.shape))
    found = c.variables(*((name, size) for name in names)) if names else []
    for name, value in zip(names, found, strict=True):
        spread = c.reshape(value, shape)
        x = c.emit(nn.Mul(x, spread) if name == "gamma" else nn.Add(x, spread))
    return x


@converts("Rescaling")
def rescaling(c: Context) -> Value:
    """X * scale + offset."""
    scaled = c.emit(nn.Mul(c.x, _parameter(c, "scale", 1.0)))
    return c.emit(nn.Add(scaled, _parameter(c, "offset", 0.0)))


def _parameter(c: Context, name: str, default: float) -> Value:
    value = c.option(name)
    array = np.array(default if value is None else value)
    if array.dtype.kind not in "if" or array.ndim > 1:
        raise Unsupported(f"has {name}={str(value)[:60]}")
    return c.constant(array.astype(np.float32), name)
