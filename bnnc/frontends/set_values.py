# SPDX-License-Identifier: Apache-2.0
"""Constants that the user puts in the place of inputs."""

from __future__ import annotations

import json

import numpy as np

from bnnc.ir.diagnostics import UsageError

from .options import SetValue


def set_array(
    name: str, value: SetValue, dtype: np.dtype[np.generic], shape: tuple[int, ...] | None
) -> np.ndarray:
    """Return the user's value as an array.

    Args:
        name: The input's public name.
        value: A number, a bool, a nested list, or the text of one.
        dtype: The dtype that the IR holds the input as.
        shape: What the model declares, -1 for open axes; None for an unknown rank. A single number
            fills a static shape.

    Raises:
        UsageError: The value does not fit type or shape.
    """
    wants_bool = dtype == np.bool_
    try:
        array = np.array(_parse(value) if isinstance(value, str) else value)
    except ValueError:
        array = np.array(None)
    if array.dtype.kind not in "biuf" or wants_bool != (array.dtype.kind == "b"):
        if wants_bool and array.dtype.kind in "iu" and np.isin(array, (0, 1)).all():
            array = array.astype(np.bool_)
        else:
            example = "true or false" if wants_bool else "a number or a list, e.g. 0.5"
            raise UsageError(f"--set {name}={value}: expected {example}")
    if array.ndim == 0 and shape is not None and -1 not in shape:
        array = np.broadcast_to(array, shape)
    fits = shape is None or (
        len(shape) == array.ndim
        and all(s in (-1, d) for s, d in zip(shape, array.shape, strict=True))
    )
    if not fits:
        raise UsageError(f"--set {name}: shape {list(array.shape)} is not {list(shape or ())}")
    return array.astype(dtype)


def _parse(text: str) -> object:
    """Read a number, true/false, or a list with or without brackets."""
    lowered = text.strip().lower()
    for candidate in (lowered, f"[{lowered}]"):
        try:
            return json.loads(candidate)
        except json.JSONDecodeError:
            continue
    return float(lowered)  # inf, nan, .5
