# SPDX-License-Identifier: Apache-2.0
"""TensorFlow and Keras 3, or one clear message where they are not installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any, TypeVar

T = TypeVar("T")


def _imported(module: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        # A TensorFlow that is there but lacks one of its own parts must say so itself.
        if error.name != module:
            raise
        raise ImportError(
            'bnnc.train needs TensorFlow 2.16 or newer: pip install "bnnc[tensorflow]"'
        ) from None


# TensorFlow ships no complete type information: to the type checkers it is Any, said once, here.
tf: Any = _imported("tensorflow")
keras: Any = _imported("keras")


def registered(thing: T) -> T:
    """Let Keras know a class or function as ``bnnc>NAME`` when it reads a file."""
    known: T = keras.saving.register_keras_serializable(package="bnnc")(thing)
    return known
