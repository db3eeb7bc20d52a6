# SPDX-License-Identifier: Apache-2.0
"""The tables of converters: one function for each operator of TensorFlow Lite.

An operator that reads or writes quantized bytes is looked up in a table of its own: there is no
float meaning that it could fall back to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from bnnc.ir import Value

from ..table import ConverterTable

if TYPE_CHECKING:
    from .context import Context

Converter: TypeAlias = "Callable[[Context], Value | Sequence[Value]]"

ON_FLOATS: ConverterTable[Converter] = ConverterTable("bnnc.frontends.tflite")
ON_BYTES: ConverterTable[Converter] = ConverterTable("bnnc.frontends.tflite")
converts = ON_FLOATS.converts
converts_bytes = ON_BYTES.converts
