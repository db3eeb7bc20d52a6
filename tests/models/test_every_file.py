# SPDX-License-Identifier: Apache-2.0
"""Every model file beside the checkout: imported, compiled, and compared with its own engine.

A file that the table does not know fails. What TensorFlow, Larq's engine, PyTorch or QONNX computed
lies beside most files; the others are run by ONNX Runtime, by ONNX's reference where they hold
operations of QONNX's or FINN's, or have the outputs that record_golden.py kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bnnc
from bnnc import arrays as batches
from bnnc.comparison import Tolerances
from bnnc.driver import plan
from bnnc.ir import Module
from bnnc.ir.diagnostics import BnncError
from bnnc.verification import verify_module

from ..fuzz.native import Native
from . import made
from .engines import onnx_outputs
from .feeds import GOLDEN, feed, read_npz, stored
from .table import TABLE, Row

SUFFIXES = (".pb", ".onnx", ".onnx.gz", ".h5", ".keras", ".tflite")


def _models(root: Path) -> Iterator[str]:
    """Files with a suffix of a model's, and folders of SavedModels."""
    for path in root.rglob("*"):
        inside = (path.parent / "saved_model.pb").exists()
        if (path / "saved_model.pb").exists() or (path.name.endswith(SUFFIXES) and not inside):
            yield path.relative_to(root).as_posix()


def test_no_file_is_left_out(shared: Path) -> None:
    assert sorted(_models(shared / "models")) == sorted(TABLE)


def _expected(shared: Path, file: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    inputs, outputs = stored(shared, file)
    if outputs:
        return inputs, outputs
    x = feed(shared, file)
    golden = read_npz(GOLDEN)
    return [x], [golden[file]] if file in golden else onnx_outputs(shared / "models" / file, x)


def _load(shared: Path, file: str) -> Module:
    return bnnc.load(shared / "models" / file, **made.import_options(file.removesuffix(".pb")))


def load_inputs(shared: Path, file: str) -> tuple[Module, dict[str, np.ndarray]]:
    """A file as imported, and the inputs that its outputs are known for."""
    module = _load(shared, file)
    inputs, _ = _expected(shared, file)
    return module, dict(zip(module.inputs, inputs, strict=True))


def _check_code(native: Native, planned: Module, feeds: dict[str, np.ndarray]) -> None:
    """Generated code under sanitizers against the interpreter, every tensor in every bit."""
    padded, _ = batches.pad_batches(planned.inputs, feeds)
    library = native.build({"net": planned})
    calls = list(batches.chunks(planned.inputs, padded))
    assert native.check(library, "net", planned, calls) >= len(planned.outputs)
    native.clean("net")


def check(shared: Path, native: Native, file: str, row: Row) -> None:
    """Kinds of layers, code against interpreter, planned against imported, and the outputs."""
    module = _load(shared, file)
    planned = plan(module)
    lines = bnnc.explain(module).layers
    assert " ".join(line.kind for line in lines) == row.kinds
    inputs, outputs = _expected(shared, file)
    feeds = dict(zip(module.inputs, inputs, strict=True))
    _check_code(native, planned, feeds)
    names = {f"y{i}": y for i, y in enumerate(outputs)}
    layers = made.layer_tensors(shared, file.removeprefix("made/").removesuffix(".pb"))
    if row.same_class:
        (y,) = bnnc.interpret(planned, feeds).values()
        assert (y.argmax(axis=1) == outputs[0].argmax(axis=1)).mean() >= 0.85
        return
    found = verify_module(
        module,
        planned,
        None,
        feeds,
        reference={**names, **layers},
        map_output=dict(zip(module.outputs, names, strict=True)),
        tolerances=Tolerances(rtol=0.0) if "ii" in row.kinds else Tolerances(),
    )
    assert found.ok, found.first_difference
    checks = {c.check for c in found.comparisons}
    assert "outputs against reference" in checks
    assert not layers or {"reference against imported", "reference against planned"} <= checks


SAVED = [file for file in TABLE if "." not in file.rsplit("/", 1)[1]]


@pytest.mark.parametrize("file", [f for f in TABLE if f not in SAVED and not TABLE[f].refused])
def test_agrees(shared: Path, native: Native, file: str) -> None:
    check(shared, native, file, TABLE[file])


@pytest.mark.tensorflow
@pytest.mark.parametrize("file", SAVED)
def test_saved_model_agrees(shared: Path, tf: Any, native: Native, file: str) -> None:
    assert tf is not None
    check(shared, native, file, TABLE[file])


@pytest.mark.parametrize("file", [f for f in TABLE if TABLE[f].refused])
def test_is_refused(shared: Path, file: str) -> None:
    with pytest.raises(BnncError) as caught:
        _load(shared, file)
    assert TABLE[file].refused in str(caught.value)
