# SPDX-License-Identifier: Apache-2.0
"""Tables of converters: complete in any order of imports, one converter for a name."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from bnnc.frontends.keras.convert import LAYERS
from bnnc.frontends.onnx.convert import OPERATIONS as ONNX
from bnnc.frontends.table import ConverterTable
from bnnc.frontends.tensorflow.convert import OPERATIONS as TENSORFLOW
from bnnc.frontends.tflite.convert import ON_BYTES, ON_FLOATS

_TABLES: list[ConverterTable[Any]] = [LAYERS, ONNX, TENSORFLOW, ON_BYTES, ON_FLOATS]


@pytest.mark.parametrize("table", _TABLES)
def test_names_are_sorted_and_have_converters(table: ConverterTable[Any]) -> None:
    names = table.names()
    assert len(names) > 10
    assert names == sorted(set(names))
    assert all(callable(table.find(name)) for name in names)
    assert table.find("NoSuchOperation") is None


def test_a_name_has_one_converter() -> None:
    with pytest.raises(ValueError, match="two converters for Dense"):
        LAYERS.converts("Dense")(LAYERS.find("Dense"))  # type: ignore[arg-type]


def test_every_converter_says_what_it_does() -> None:
    converters: set[Any] = {t.find(n) for t in _TABLES for n in t.names()}
    assert [c for c in converters if not c.__doc__] == []


def test_the_table_is_complete_though_one_module_was_imported_before() -> None:
    code = """
import bnnc.frontends.onnx.converters.pool
from bnnc.frontends.onnx.convert import OPERATIONS
print(*OPERATIONS.names())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ONNX.names()
