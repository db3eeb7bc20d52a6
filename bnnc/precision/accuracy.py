# SPDX-License-Identifier: Apache-2.0
"""Accuracy of mixtures on data: of the classes that it names, or of those that float finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bnnc import arrays as batches
from bnnc.ir.diagnostics import UsageError
from bnnc.ir.interpreter import interpret
from bnnc.ir.module import Module
from bnnc.ir.types import Quant, TensorType
from bnnc.passes.calibration import AffineLevels

from .noise import Progress

LABELS = ("labels", "label", "y")
Measure = Literal["top-1", "agreement with float"]


@dataclass(frozen=True)
class Evaluation:
    """Samples to measure accuracy on.

    Attributes:
        arrays: inputs [N, ...] by public name, of the network's own dtypes.
        classes: int64 [N], the right ones; those of the float network where no labels are given.
        measure: what the share of samples with this class is called.
        float_correct: percent of samples for which float gives it.
    """

    arrays: Mapping[str, np.ndarray]
    classes: np.ndarray
    measure: Measure
    float_correct: float

    @classmethod
    def of(
        cls,
        module: Module,
        given: Mapping[str, np.ndarray],
        labels: str | None = None,
        mapping: Mapping[str, str] | None = None,
        progress: Progress = lambda text: None,
    ) -> Evaluation:
        """Pick inputs and labels out of arrays, and run the float network.

        Args:
            module: the float network.
            given: arrays by key.
            labels: the key of the classes; None for the first of `LABELS` that is there.
            mapping: input name to key, where they differ.
            progress: told what is being done.

        Raises:
            UsageError: an array is missing or does not fit, or the labels are no classes.
        """
        types = module.inputs
        arrays = batches.prepare(types, given, mapping=mapping)
        count = batches.count_samples(types, arrays)
        for name, array in arrays.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise UsageError(
                    f"data to evaluate with: input '{name}' has a value that is not finite"
                )
        taken = {public for key in (mapping or {}).values() if (public := batches.public_name(key))}
        taken |= {batches.public_name(name) for name in types}
        key = labels or next((k for k in LABELS if k in given and k not in taken), None)
        wanted = None if key is None else _labels(key, given, count)
        own = _classes(module, arrays, lambda done: progress(f"float: {done} of {count} samples"))
        if wanted is None:
            return cls(arrays, own, "agreement with float", 100.0)
        return cls(arrays, wanted, "top-1", _percent(own, wanted))

    def accuracy(self, module: Module, name: str, progress: Progress = lambda text: None) -> float:
        """Percent of the samples for which a mixture gives the right class."""
        count = len(self.classes)
        found = _classes(
            module, self.arrays, lambda done: progress(f"{name}: {done} of {count} samples")
        )
        return _percent(found, self.classes)


def _labels(key: str, given: Mapping[str, np.ndarray], count: int) -> np.ndarray:
    if key not in given:
        raise UsageError(
            f"no array '{key}' with labels", hint=f"the arrays are {', '.join(given) or 'none'}"
        )
    labels = given[key]
    if labels.size != count or labels.dtype.kind not in "iu":
        raise UsageError(
            f"labels '{key}' are {labels.dtype}{list(labels.shape)}, "
            f"{count} samples need as many integers",
            hint="name the array of classes: --labels KEY",
        )
    return labels.reshape(-1).astype(np.int64)


def _percent(found: np.ndarray, wanted: np.ndarray) -> float:
    return 100 * float((found == wanted).mean())


def _classes(
    module: Module, arrays: Mapping[str, np.ndarray], progress: Callable[[int], None]
) -> np.ndarray:
    """The strongest of each sample's numbers in the first output; the number itself if one."""
    types = module.inputs
    cast = {n: _as_bytes(a, types[n]) for n, a in arrays.items()}
    outputs = batches.run_in_batches(
        lambda chunk: interpret(module, chunk), types, module.outputs, cast,
        lambda done, count: progress(done),
    )  # fmt: skip
    first = next(iter(outputs.values()))
    rows = first.reshape(len(next(iter(arrays.values()))), -1)
    if rows.shape[1] == 1 and first.dtype.kind in "iu":
        return rows[:, 0].astype(np.int64)
    return np.asarray(rows.argmax(axis=1))


def _as_bytes(array: np.ndarray, type_: TensorType) -> np.ndarray:
    """Floats as the bytes that the input of a network with 8-bit inputs takes."""
    match type_.quant:
        case Quant(scale=float() as scale, zero=int() as zero) if array.dtype.kind == "f":
            return array if type_.scalar.is_float else AffineLevels(scale, zero).quantize(array)
        case _:
            return array
