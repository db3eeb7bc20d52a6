# SPDX-License-Identifier: Apache-2.0
"""Random valid networks, by seed and number."""

from __future__ import annotations

from bnnc.ir import Module, nn

from . import choice_steps, layer_steps, shape_steps
from .binarized import Grower
from .builder import Builder
from .byte_steps import quantized
from .quantizer_idioms import activation, sign

LARGEST = 20_000
STEPS = {
    layer_steps.block: 10,
    layer_steps.layer: 1,
    layer_steps.pool: 1,
    layer_steps.affine: 1,
    activation: 1,
    sign: 0.5,
    shape_steps.residual: 3,
    shape_steps.concat: 0.7,
    shape_steps.split: 0.5,
    shape_steps.slice_: 0.6,
    shape_steps.pad: 0.5,
    shape_steps.flatten: 0.5,
    shape_steps.transpose: 0.4,
    shape_steps.reduce_: 0.7,
    shape_steps.elementwise: 0.7,
    shape_steps.softmax: 0.2,
    choice_steps.gather: 0.3,
    choice_steps.largest: 0.3,
    choice_steps.select: 0.4,
    choice_steps.product: 0.2,
    quantized: 0.8,
}
_IMAGES_ONLY = (layer_steps.pool,)


def grow(seed: int, index: int) -> Module:
    """The network of this number in the sequence of a seed.

    One in eight is of stage binarized, the others are of stage imported. Each step reads one of
    the latest values; the values that nobody reads in the end, and now and then others too, are
    the outputs.
    """
    net = Builder("net", [seed, index])
    if index % 8 == 7:
        return Grower("net", [seed, index]).grow(net.below(4, 24))
    batch = net.weighted({1: 8, 2: 2, 3: 0.5})
    for _ in range(net.weighted({1: 8, 2: 1, 3: 0.3})):
        net.values.append(net.input(batch, *_sample_shape(net)))
    for _ in range(net.weighted({1: 1, 2: 2, 4: 3, 8: 2, 14: 0.5})):
        step = net.weighted(STEPS)
        x = net.pick(*net.values[-3:])
        if step in _IMAGES_ONLY and x.type.rank != 4:
            continue
        y = step(net, x)
        if 0 < y.type.size <= LARGEST:
            net.values.append(y)
    return _finished(net)


def _sample_shape(net: Builder) -> tuple[int, ...]:
    channels = net.pick(*layer_steps.CHANNELS)
    if net.chance(0.85):
        return (net.below(1, 11), net.below(1, 11), channels)
    return (channels,) if net.chance(0.7) else (net.below(1, 5), channels)


def _finished(net: Builder) -> Module:
    computed = [v for v in net.values if v.owner is not None]
    ends = [v for v in dict.fromkeys(computed) if not v.uses]
    ends += [v for v in dict.fromkeys(computed) if v.uses and net.chance(0.05)]
    if not ends:
        ends = [net.add(nn.Relu(net.values[-1]))]
    return net.results(*ends[-8:])
