# SPDX-License-Identifier: Apache-2.0
"""Convolutions, linear layers, batch normalization."""

from __future__ import annotations

import numpy as np

from bnnc.ir import Resource, Value, nn

from ...failures import Unsupported
from ..context import Context
from ..convert import converts


def _binarized(c: Context, w: Value) -> Value:
    """sign(w) times the mean of |w| of each filter; the sign of zero is zero, as in Torch.

    Source: Rastegari et al., XNOR-Net, 2016, arXiv:1603.05279, equation 6; binarizeConvParms of its
    code.
    """
    signs = c.emit(nn.Sign(w, zero="keep", nan="propagate"))
    axes = tuple(range(1, w.type.rank))
    return c.emit(
        nn.Mul(
            signs,
            c.emit(nn.Reduce(c.emit(nn.Abs(w)), kind="mean", axes=axes, keep_dims=True)),
        )
    )


@converts("SpatialConvolution", "SpatialConvolutionMM")
def convolution(c: Context) -> Value:
    """Stride, padding, groups; weights stored as they are, or binary with a scale per filter."""
    x = c.image()
    kh, kw = c.pair("kH", "kW")
    planes, filters = c.integer("nInputPlane"), c.integer("nOutputPlane")
    groups = c.integer("groups", 1)
    if groups < 1 or planes % groups or x.shape[3] != planes or min(kh, kw, planes, filters) < 1:
        raise Unsupported(
            f"takes {planes} channels in {groups} groups, and reads {list(x.shape)} (NHWC)"
        )
    oihw = c.weight("weight", (filters, planes // groups, kh, kw))
    ohwi = c.emit(nn.Transpose(oihw, perm=(0, 2, 3, 1)))
    top, left = c.pair("padH", "padW", 0)
    return c.emit(
        nn.Conv2D(
            x,
            _binarized(c, ohwi) if c.is_binary else ohwi,
            c.bias(filters),
            stride=c.pair("dH", "dW", 1),
            groups=groups,
            pad=(top, left, top, left),
            pad_value=0.0,
        )
    )


@converts("Linear")
def linear(c: Context) -> Value:
    """Over the features of each sample."""
    if c.x.type.rank != 2:
        raise Unsupported(f"reads a tensor of shape {list(c.x.shape)} and not [n, features]")
    weight = c.array("weight")
    outputs = 0 if weight is None else weight.shape[0]
    return c.emit(nn.Dense(c.x, c.weight("weight", (outputs, c.x.shape[1])), c.bias(outputs)))


@converts("BatchNormalization", "SpatialBatchNormalization")
def batch_norm(c: Context) -> Value:
    """With the running averages; of old files that keep 1 / sqrt(variance + eps) too."""
    channels = c.x.shape[-1]
    epsilon = c.number("eps", 1e-5)
    inverse = c.array("running_std")
    if inverse is not None and c.array("running_var") is None:
        with np.errstate(all="ignore"):  # as nn.BatchNormalization reads such files
            variance = (inverse**-2.0 - np.float32(epsilon)).astype(np.float32)
        if variance.shape != (channels,):
            raise Unsupported(f"has {variance.size} deviations for {channels} channels")
        var: Value = c.constant(variance, "running_var")
    else:
        var = c.weight("running_var", (channels,))
    if isinstance(var, Resource) and not np.all(var.array + np.float32(epsilon) > 0):
        raise Unsupported("has a negative variance", "the file is damaged; save the model again")
    one, zero = np.ones(channels, np.float32), np.zeros(channels, np.float32)
    is_affine = c.array("weight") is not None
    gamma = c.weight("weight", (channels,)) if is_affine else c.constant(one, "weight")
    beta = c.bias(channels) or c.constant(zero, "bias")
    mean = c.weight("running_mean", (channels,))
    return c.emit(nn.BatchNorm(c.x, gamma, beta, mean, var, epsilon=epsilon))
