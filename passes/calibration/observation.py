# SPDX-License-Identifier: Apache-2.0
"""Running a network on calibration data and keeping the statistics of its float tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from bnnc.ir.diagnostics import UsageError
from bnnc.ir.interpreter import trace
from bnnc.ir.module import Module
from bnnc.ir.value import Value

from .statistics import Statistics


def observe(
    module: Module,
    batches: Iterable[Mapping[str, np.ndarray]],
    wanted: Callable[[Value], bool] = lambda value: value.type.scalar.name == "f32",
    progress: Callable[[int], None] = lambda done: None,
) -> dict[Value, Statistics]:
    """Interpret a module on batches of inputs.

    Args:
        module: the network, of any stage.
        batches: inputs by public name, each of the network's own shapes.
        wanted: which arguments and results to look at; all float32 ones by default.
        progress: is told the number of batches that are done.

    Returns:
        Statistics of each wanted argument and result, in the order of execution.

    Raises:
        UsageError: there is no batch, or a value that is not finite, with its place.
    """
    found: dict[Value, Statistics] = {}
    done = 0

    def add(value: Value, array: np.ndarray, place: str) -> None:
        if not wanted(value):
            return
        try:
            found.setdefault(value, Statistics()).add(array)
        except ValueError as error:
            raise UsageError(
                f"calibration batch {done}: {place} has {error}",
                hint="calibrate with data as the network will see it, without NaN and infinity",
            ) from None

    for inputs in batches:
        for name, value in zip(module.func.input_names, module.func.args, strict=True):
            if name in inputs:
                add(value, np.asarray(inputs[name]), f"input '{name}'")
        for op, results in trace(module, inputs):
            for value, array in zip(op.results, results, strict=True):
                add(value, array, f"layer '{op.loc.name}'")
        done += 1
        progress(done)
    if done == 0:
        raise UsageError("there is no calibration data", hint="give at least one sample")
    return found
