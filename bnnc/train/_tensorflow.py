# SPDX-License-Identifier: Apache-2.0
"""TensorFlow, or one clear message where it is not installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def _import_tensorflow() -> Any:
    try:
        return import_module("tensorflow")
    except ModuleNotFoundError as error:
        # A TensorFlow that is there but lacks one of its own parts must say so itself.
        if error.name != "tensorflow":
            raise
        raise ImportError(
            'bnnc.train needs TensorFlow 2.15 or newer: pip install "bnnc[tensorflow]"'
        ) from None


# TensorFlow ships no complete type information: to the type checkers it is Any, said once, here.
tf: Any = _import_tensorflow()
