# SPDX-License-Identifier: Apache-2.0
"""`calibrate`: run a network on data, and let the types of its floats say their 8-bit levels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np

from bnnc import arrays as batches
from bnnc.ir import nn
from bnnc.ir.diagnostics import UsageError
from bnnc.ir.module import Module, Stage
from bnnc.ir.types import F32
from bnnc.ir.value import Value
from bnnc.passes import Rewriter, register_pass
from bnnc.passes.calibration import (
    AffineLevels,
    Statistics,
    find_calibrator,
    levels_of,
    observe,
)
from bnnc.passes.quantized import annotate, annotated_levels

from .data_pass import DataPass, Progress

# What the integer softmax gives: probabilities in steps of 1 / 256.
_PROBABILITIES = AffineLevels(1 / 256, -128)


@register_pass
class Calibrate(DataPass):
    """Write the 8-bit levels that each float tensor needs on given data into its type.

    ``data`` is an .npz with arrays [N, ...] by input name. Without data the types must say levels
    already. ``calibrator`` chooses the range: everything (minmax), all but outliers (percentile),
    the least squared error (mse), moving averages (average).
    """

    name = "calibrate"
    consumes = Stage.BINARIZED
    calibrator: Literal["minmax", "percentile", "mse", "average"] = "minmax"

    def run(self, module: Module, rw: Rewriter) -> None:
        """Interpret all samples, batch by batch."""
        arrays = self.arrays()
        if arrays is None:
            _require_levels(module)
            return
        for value, found in statistics_of(module, arrays, self._mapping, self._listeners).items():
            if isinstance(value.owner, nn.Softmax):
                annotate(rw, value, _PROBABILITIES)
            elif not found.empty:
                annotate(rw, value, levels_of(*find_calibrator(self.calibrator)(found)))


def statistics_of(
    module: Module,
    arrays: Mapping[str, np.ndarray],
    mapping: Mapping[str, str] | None = None,
    listeners: Iterable[Progress] = (),
) -> dict[Value, Statistics]:
    """Statistics of every float tensor of a module on N samples.

    Args:
        module: the network.
        arrays: input arrays [N, ...] by public name.
        mapping: input name to key of ``arrays``, where they differ.
        listeners: called with the samples done and N.

    Raises:
        UsageError: an input is missing, has another shape or dtype, holds no samples, or a value
            that is not finite arises.
    """
    inputs = module.inputs
    for name, type_ in inputs.items():
        if not type_.scalar.is_float:
            raise UsageError(
                f"input '{name}' is {type_.scalar}: only networks of floats are calibrated",
                hint="this one is quantized already",
            )
    padded, count = batches.pad_batches(inputs, batches.prepare(inputs, arrays, mapping=mapping))
    batch = batches.batch_of(inputs)

    def tell(done: int) -> None:
        for listener in listeners:
            listener(min(done * batch, count), count)

    return observe(module, batches.chunks(inputs, padded), progress=tell)


def _require_levels(module: Module) -> None:
    values = [*module.func.args, *(v for op in module.func.ops for v in op.results)]
    if not any(v.type.scalar == F32 and annotated_levels(v) for v in values):
        raise UsageError(
            "8-bit quantization needs calibration data",
            hint="give --calibrate DATA.npz with inputs as the network will see them",
        )
