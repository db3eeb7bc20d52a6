# SPDX-License-Identifier: Apache-2.0
"""The table of converters: one function for each class of layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from bnnc.ir import Value

from ..table import ConverterTable

if TYPE_CHECKING:
    from .context import Context

Converter: TypeAlias = "Callable[[Context], Value]"

LAYERS: ConverterTable[Converter] = ConverterTable("bnnc.frontends.keras")
converts = LAYERS.converts
