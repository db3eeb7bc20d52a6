# SPDX-License-Identifier: Apache-2.0
"""Choosing the layers that stay in float so that little enough is lost, or used."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bnnc.ir.diagnostics import UsageError

from .accuracy import Evaluation
from .mixtures import Mixtures
from .noise import NoiseFigures, Progress

_FACTORS = {"": 1, "K": 1024, "M": 1024**2}
_FORM = "accuracy=0.5% or weights=200K"


@dataclass(frozen=True)
class Budget:
    """What may be lost or used.

    Attributes:
        kind: ``accuracy``: percent of the samples, which are points of accuracy, that a mixture
            may lose against float; ``weights``: bytes of the weight file.
        most: the largest amount.
    """

    kind: Literal["accuracy", "weights"]
    most: float


def parse_budget(text: str) -> Budget:
    """``accuracy=P%`` or ``weights=N`` with K or M for 1024 or 1024^2 bytes.

    Raises:
        UsageError: the text is of another form.
    """
    accuracy = re.fullmatch(r"accuracy=(\d+(?:\.\d*)?|\.\d+)\s*%", text.strip())
    if accuracy:
        return Budget("accuracy", float(accuracy[1]))
    weights = re.fullmatch(r"weights=(\d+(?:\.\d*)?|\.\d+)\s*([KM]?)B?", text.strip())
    if weights:
        return Budget("weights", float(weights[1]) * _FACTORS[weights[2]])
    raise UsageError(f"--budget '{text}' is not understood", hint=f"say {_FORM}")


def choose(
    mixtures: Mixtures,
    budget: Budget,
    noise: NoiseFigures,
    data: Evaluation,
    progress: Progress = lambda text: None,
) -> tuple[str, ...]:
    """The layers that are to stay in float beside those that the user keeps there.

    Layers are ranked by the noise that they add to the outputs for each byte that they save.

    Args:
        mixtures: the network.
        budget: what may be lost or used.
        noise: of each layer.
        data: what accuracy is measured on.
        progress: told what is being done.

    Raises:
        UsageError: not even all layers in bytes are small enough, or in float right enough.
    """
    kept = mixtures.in_float()
    free = [name for name in mixtures.names if name not in kept]
    ranked = sorted(free, key=lambda name: noise.share[name] / _saved(mixtures, name))
    if budget.kind == "accuracy":
        chosen = _by_accuracy(mixtures, budget.most, data, ranked, progress)
    else:
        chosen = _by_weights(mixtures, budget.most, noise, ranked, progress)
    return tuple(name for name in mixtures.names if name in chosen)


def _saved(mixtures: Mixtures, name: str) -> int:
    """Bytes that a layer saves, roughly: three quarters of its floats."""
    return mixtures.weight_counts[name] * 3


def _by_accuracy(
    mixtures: Mixtures,
    most: float,
    data: Evaluation,
    ranked: Sequence[str],
    progress: Progress,
) -> list[str]:
    """Float from the noisiest on until little enough is lost, then back what was not needed.

    Each step is measured.
    """
    rest, chosen = list(ranked), list[str]()

    def fits(keep: Sequence[str]) -> bool:
        what = f"{len(keep)} of {len(ranked)} layers in float"
        return data.float_correct - data.accuracy(mixtures.chosen(keep), what, progress) <= most

    while not fits(chosen):
        if not rest:
            raise UsageError(
                f"more than {most:g} % are lost even with all layers in float",
                hint="leave out --io int8",
            )
        chosen.append(rest.pop())
    for name in chosen[-2::-1]:
        without = [other for other in chosen if other != name]
        if fits(without):
            chosen = without
    return chosen


def _by_weights(
    mixtures: Mixtures,
    most: float,
    noise: NoiseFigures,
    ranked: Sequence[str],
    progress: Progress,
) -> list[str]:
    """Bytes from the least noise for a saved byte on until it fits, then back what was not needed.

    The bytes are those of the weight file, laid out at each step.
    """

    def weights(keep: Sequence[str]) -> int:
        progress(f"laying out weights: {len(keep)} of {len(ranked)} layers in float")
        return mixtures.sizes(mixtures.chosen(keep)).weights

    least = weights(())
    if least > most:
        raise UsageError(
            f"the weights cannot have {most:,.0f} bytes: with all layers that can be 8-bit in 8 "
            f"bits they have {least:,}",
            hint=f"the smallest possible is --budget weights={least}"
            + (", or fewer --keep-float" if mixtures.kept else ""),
        )
    chosen = list(ranked)
    for name in ranked:
        if weights(chosen) <= most:
            break
        chosen.remove(name)
    for name in sorted(set(ranked) - set(chosen), key=lambda n: -noise.share[n]):
        if weights([*chosen, name]) <= most:
            chosen.append(name)
    return chosen
