# SPDX-License-Identifier: Apache-2.0
"""A trained network of other people: binary weights, 2-bit activations, quantizers as functions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bnnc

INPUT, OUTPUT = "images_placeholder", "output"


@pytest.fixture(scope="module")
def compiled(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> bnnc.Compiled:
    graph = shared / "models" / "real" / "blueoil_cifar10" / "minimal_graph_with_shape.pb"
    return bnnc.compile(graph, out=tmp_path_factory.mktemp("blueoil") / "out")


@pytest.fixture(scope="module")
def golden(shared: Path) -> dict[str, np.ndarray]:
    with np.load(shared / "models" / "real" / "blueoil_cifar10" / "golden32.npz") as data:
        return {k: data[k] for k in data.files}


def test_levels_stay_levels(compiled: bnnc.Compiled) -> None:
    """One bit a weight in every quantized layer; activations of two bits between them."""
    lines = bnnc.explain(compiled.module, target="c").layers
    assert [line.kind for line in lines] == ["fb", *["fewbit"] * 5, "ff"]
    quantized = [line for line in lines if line.kind == "fewbit"]
    assert sum(line.weight_bytes for line in quantized) == 89_344
    types = [str(op.results[0].type) for op in compiled.module.func.ops]
    assert sum("xu2" in t for t in types) >= 5
    assert compiled.manifest.weights_bytes < 102_000


def test_code_equals_interpreter_and_tensorflow_chooses_the_same(
    compiled: bnnc.Compiled, golden: dict[str, np.ndarray]
) -> None:
    """Same strongest class on all 32; equal to 1e-4 but for values at a boundary between levels."""
    images = golden["image"].astype(np.float32) / np.float32(255)
    code = compiled.run({INPUT: images})[OUTPUT]
    own = bnnc.interpret(compiled.module, {INPUT: images[:8]})[OUTPUT]
    assert (code[:8].view(np.uint32) == own.view(np.uint32)).all()
    expected = golden["output"]
    assert (code.argmax(axis=1) == expected.argmax(axis=1)).all()
    apart = np.abs(code - expected).max(axis=1) > 1e-4
    assert apart.sum() <= 9  # images with a value within 1e-5 of a boundary
