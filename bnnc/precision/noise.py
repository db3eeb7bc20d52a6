# SPDX-License-Identifier: Apache-2.0
"""How far 8-bit layers are from float: signal-to-noise of each layer, alone and with all others."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import numpy as np

from bnnc import arrays as batches
from bnnc.ir.interpreter import interpret
from bnnc.ir.module import Module

from .mixtures import Mixtures, Probed

SAMPLES = 128
Progress = Callable[[str], None]


@dataclass
class Power:
    """Sums of squares of a float tensor and of what another one differs from it."""

    signal: float = 0.0
    noise: float = 0.0

    def add(self, want: np.ndarray, got: np.ndarray) -> None:
        """Add tensors of one shape."""
        expected = want.astype(np.float64)
        self.signal += float((expected**2).sum())
        self.noise += float(((got.astype(np.float64) - expected) ** 2).sum())

    @property
    def ratio(self) -> float:
        """Noise over signal: 0 where nothing differs, infinite where only noise is."""
        if self.noise == 0:
            return 0.0
        return self.noise / self.signal if self.signal else math.inf


def decibels(ratio: float) -> float:
    """Signal over noise in dB; infinite without noise."""
    if ratio == 0:
        return math.inf
    return -10 * math.log10(ratio) if math.isfinite(ratio) else -math.inf


@dataclass
class NoiseFigures:
    """Noise over signal, as ratios of powers.

    Attributes:
        samples: how many were taken.
        together: by layer, of its result with all layers in bytes.
        alone: by layer, of its result with this layer alone in bytes.
        share: by layer, of the network's outputs with this layer alone in bytes; the mean over the
            outputs where there are several.
        measured: of the network's outputs with all layers in bytes.
    """

    samples: int = 0
    together: dict[str, float] = field(default_factory=dict[str, float])
    alone: dict[str, float] = field(default_factory=dict[str, float])
    share: dict[str, float] = field(default_factory=dict[str, float])
    measured: float = 0.0

    def predicted(self, keep: Collection[str] = ()) -> float:
        """Of the outputs with some layers in float: errors of different layers just add up."""
        return sum(ratio for name, ratio in self.share.items() if name not in keep)


def measure_noise(
    mixtures: Mixtures,
    arrays: Mapping[str, np.ndarray],
    progress: Progress = lambda text: None,
) -> NoiseFigures:
    """Run float, all layers in bytes, and each layer alone in bytes on the same samples.

    Args:
        mixtures: the network.
        arrays: inputs [N, ...] by public name, already of the network's dtypes. At most `SAMPLES`
            of them are taken, at equal distances.
        progress: told what is being done.
    """
    probed = mixtures.probed()
    all_layers = list(probed.layers.values())
    watched = {"": _Watched(mixtures.mixture_of(probed.module, ()), [*probed.ends, *all_layers])}
    for name in mixtures.names:
        own = [probed.layers[name]] if name in probed.layers else []
        module = mixtures.mixture_of(probed.module, mixtures.others(name))
        watched[name] = _Watched(module, [*probed.ends, *own])
    found = NoiseFigures(samples=_run(probed, watched.values(), arrays, progress))
    for name in mixtures.names:
        if name in probed.layers:
            output = probed.layers[name]
            found.together[name] = watched[""].powers[output].ratio
            found.alone[name] = watched[name].powers[output].ratio
        found.share[name] = watched[name].ratio(probed)
    found.measured = watched[""].ratio(probed)
    return found


def noise_of(
    mixtures: Mixtures,
    keep: Collection[str],
    arrays: Mapping[str, np.ndarray],
    progress: Progress = lambda text: None,
) -> float:
    """Noise over signal of the network's outputs with some layers in float."""
    probed = mixtures.probed()
    watched = _Watched(mixtures.mixture_of(probed.module, keep), probed.ends)
    _run(probed, [watched], arrays, progress)
    return watched.ratio(probed)


class _Watched:
    """A mixture, and the powers of its outputs beside those of float."""

    def __init__(self, module: Module, outputs: Collection[str]) -> None:
        self.module = module
        self.powers = {name: Power() for name in outputs}

    def ratio(self, probed: Probed) -> float:
        """Noise over signal of the network's outputs."""
        return float(np.mean([self.powers[end].ratio for end in probed.ends]))


def _run(
    probed: Probed,
    watched: Collection[_Watched],
    arrays: Mapping[str, np.ndarray],
    progress: Progress,
) -> int:
    """Run all on samples of the data, and say how many these were."""
    count = len(next(iter(arrays.values())))
    places = np.unique(np.linspace(0, count - 1, min(count, SAMPLES)).astype(int))
    types = probed.module.inputs
    padded, count = batches.pad_batches(types, {n: a[places] for n, a in arrays.items()})
    for i, chunk in enumerate(batches.chunks(types, padded)):
        progress(f"measuring noise: {i * batches.batch_of(types)} of {count} samples")
        want = interpret(probed.module, chunk)
        for one in watched:
            got = interpret(one.module, chunk)
            for output, power in one.powers.items():
                power.add(want[output], got[output])
    return count
