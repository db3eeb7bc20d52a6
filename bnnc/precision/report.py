# SPDX-License-Identifier: Apache-2.0
"""What 8-bit layers cost and save, layer by layer and in total."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import asdict, dataclass

from .accuracy import Evaluation
from .mixtures import Mixtures
from .noise import NoiseFigures, Progress, decibels, measure_noise, noise_of


@dataclass(frozen=True)
class LayerRow:
    """One layer before and after; signal-to-noise ratios in dB, infinite where nothing differs.

    Attributes:
        name: the layer.
        before: its kind in float, as `bnnc explain` names it.
        after: its kind in the mixture.
        sqnr: of its result with all layers in bytes; None for layers that 8 bits do not change.
        alone: of its result with this layer alone in bytes.
        output: of the network's outputs with this layer alone in bytes.
        bytes_before: packed weights in float.
        bytes_after: packed weights in the mixture.
    """

    name: str
    before: str
    after: str
    sqnr: float | None
    alone: float | None
    output: float | None
    bytes_before: int
    bytes_after: int


@dataclass(frozen=True)
class Totals:
    """One mixture as a whole.

    Attributes:
        name: ``float``, ``mixed`` or ``int8``.
        weights: bytes of the weight file.
        accuracy: percent of the samples.
        predicted: signal-to-noise ratio of the outputs by the layers' own shares, in dB.
        measured: the same as it was measured.
    """

    name: str
    weights: int
    accuracy: float
    predicted: float | None = None
    measured: float | None = None


@dataclass(frozen=True)
class QuantizationReport:
    """Layers in order, and the totals of float, what was chosen, and all layers in bytes."""

    layers: tuple[LayerRow, ...]
    totals: tuple[Totals, ...]
    measure: str
    samples: int
    noise_samples: int
    keep_float: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """The fields; infinite ratios are null."""
        return {
            **asdict(self),
            "layers": [_finite(asdict(row)) for row in self.layers],
            "totals": [_finite(asdict(row)) for row in self.totals],
        }


def _finite(fields: dict[str, object]) -> dict[str, object]:
    return {
        k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in fields.items()
    }


def report_on(
    mixtures: Mixtures,
    data: Evaluation,
    keep: Collection[str] = (),
    noise: NoiseFigures | None = None,
    progress: Progress = lambda text: None,
) -> QuantizationReport:
    """Measure float, a mixture and all layers in bytes.

    Args:
        mixtures: the network.
        data: what accuracy is measured on.
        keep: layers that stay in float, beside those of the options.
        noise: if it was measured before.
        progress: told what is being done.
    """
    found = noise or measure_noise(mixtures, data.arrays, progress)
    mixed, whole = mixtures.chosen(keep), mixtures.network(())
    progress("laying out weights")
    before, after = mixtures.sizes(mixtures.unquantized()), mixtures.sizes(mixed)
    kept = mixtures.in_float(keep)
    rows = tuple(
        LayerRow(
            name,
            line.kind,
            after.layers[name].kind if name in after.layers else "",
            _ratio(found.together, name),
            _ratio(found.alone, name),
            _ratio(found.share, name),
            line.weight_bytes,
            after.layers[name].weight_bytes if name in after.layers else 0,
        )
        for name, line in before.layers.items()
    )
    predicted, measured = decibels(found.predicted()), decibels(found.measured)
    totals = [Totals("float", before.weights, data.float_correct)]
    if kept:
        totals.append(
            Totals(
                "mixed",
                after.weights,
                data.accuracy(mixed, "mixed", progress),
                decibels(found.predicted(kept)),
                decibels(noise_of(mixtures, kept, data.arrays, progress)),
            )
        )
    weights = mixtures.sizes(whole).weights if kept else after.weights
    accuracy = data.accuracy(whole if kept else mixed, "int8", progress)
    totals.append(Totals("int8", weights, accuracy, predicted, measured))
    return QuantizationReport(
        rows, tuple(totals), data.measure, len(data.classes), found.samples, kept
    )


def _ratio(ratios: dict[str, float], name: str) -> float | None:
    return decibels(ratios[name]) if name in ratios else None
