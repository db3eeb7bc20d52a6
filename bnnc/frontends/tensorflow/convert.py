# SPDX-License-Identifier: Apache-2.0
"""The table of converters: one function for each operation type of TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from bnnc.ir import Value

from ..table import ConverterTable

if TYPE_CHECKING:
    from .context import Context

Converter: TypeAlias = "Callable[[Context], Value | Sequence[Value]]"

OPERATIONS: ConverterTable[Converter] = ConverterTable("bnnc.frontends.tensorflow")
converts = OPERATIONS.converts
