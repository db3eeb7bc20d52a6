# SPDX-License-Identifier: Apache-2.0
"""The table of converters: one function for each class of module."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from bnnc.ir import Value

from ..table import ConverterTable

if TYPE_CHECKING:
    from .context import Context

Converter: TypeAlias = "Callable[[Context], Value]"

MODULES: ConverterTable[Converter] = ConverterTable("bnnc.frontends.torch7")
converts = MODULES.converts
