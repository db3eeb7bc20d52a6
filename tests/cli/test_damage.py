# SPDX-License-Identifier: Apache-2.0
"""``bnnc verify`` names the layer, channel and index of damage: to kernels, thresholds, weights."""

from __future__ import annotations

import json
import re
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bnnc import arrays, driver
from bnnc.backends.emit import runtime_files
from bnnc.backends.weights import reader
from bnnc.ir import Module
from bnnc.ir import bin as bits
from bnnc.ir.interpreter import trace
from bnnc.ir.layouts import layout_of
from bnnc.ir.text import read_module, write_module
from bnnc.ir.value import Resource
from bnnc.runtime import runtime_dir

from .conftest import Command, Outcome
from .networks import BATCH, network


@pytest.fixture
def project(bnnc: Command, net: Path, tmp_path: Path) -> Path:
    """The small network, compiled."""
    out = tmp_path / "out"
    assert bnnc("compile", net, "-o", out).code == 0
    return out


def _first(outcome: Outcome) -> str:
    """What the error says of the first difference."""
    assert outcome.code == 1
    found = re.search(r"error: layer (.*)", outcome.err)
    assert found is not None, outcome.err
    return found[1]


def test_a_sound_project_verifies(bnnc: Command, net: Path, project: Path) -> None:
    before = sorted(project.rglob("*"))
    done = bnnc("verify", net, "--project", project)
    assert done.code == 0, done.err
    assert "weight file against planned" in done.out
    assert "not as bnnc wrote it" not in done.err
    assert sorted(project.rglob("*")) == before  # nothing is built there


def _damage_kernel(source: Path, kernel: str, statement: str) -> None:
    """Let a kernel do its work, then spoil the result ``y``."""
    text = source.read_text()
    head = re.search(rf"void BNNC_SYM\({kernel}\)\(([^)]*)\) {{", text)
    assert head is not None, text
    renamed = text.replace(f"BNNC_SYM({kernel})", f"BNNC_SYM(honest_{kernel})")
    names = ", ".join(re.findall(r"(\w+)(?:,|$)", head[1]))
    source.write_text(
        f"{renamed}\nvoid BNNC_SYM({kernel})({head[1]}) {{\n"
        f"    BNNC_SYM(honest_{kernel})({names});\n    {statement}\n}}\n"
    )


def _kernel(module: Module, layer: str) -> str:
    return next(str(op.kernel) for op in module.func.ops if op.loc.name == layer and op.kernel)


def _sources(folder: Path, kernel: str) -> list[Path]:
    return [f for f in folder.rglob("*.c") if f"void BNNC_SYM({kernel})(" in f.read_text()]


DAMAGES = [
    ("conv2", "y[0] ^= 0x04;", r"\[0, 0, 0, 2\] \(channel 2\): "),
    ("conv3", "y[0] ^= 0x80;", r"\[0, 0, 0, 7\] \(channel 7\): "),
    ("fc5", "y[2] += 0.5f;", r"\[0, 2\] \(channel 2\): "),
    ("pool2", "y[1] ^= 0x01;", r"\[0, 0, 0, 8\] \(channel 8\): "),
]


@pytest.mark.parametrize(("layer", "statement", "where"), DAMAGES)
def test_a_damaged_kernel_in_a_project(
    bnnc: Command, net: Path, project: Path, layer: str, statement: str, where: str
) -> None:
    kernel = _kernel(driver.plan(network()), layer)
    (source,) = _sources(project, kernel)
    _damage_kernel(source, kernel, statement)
    failed = bnnc("verify", net, "--project", project)
    assert re.match(rf"'{layer}' differs \(code against interpreter\): {where}", _first(failed))
    assert f"remark: {source}: not as bnnc wrote it" in failed.err
    assert bnnc("verify", net).code == 0  # fresh code is sound


@pytest.mark.parametrize(("layer", "statement", "where"), DAMAGES[:1])
def test_a_damaged_kernel_in_the_runtime(
    bnnc: Command,
    net: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    layer: str,
    statement: str,
    where: str,
) -> None:
    runtime = tmp_path / "runtime"
    shutil.copytree(runtime_dir(), runtime)
    kernel = _kernel(driver.plan(network()), layer)
    for source in _sources(runtime, kernel):
        _damage_kernel(source, kernel, statement)
    monkeypatch.setattr(runtime_files, "runtime_dir", lambda: runtime)
    failed = bnnc("verify", net)
    assert re.match(rf"'{layer}' differs \(code against interpreter\): {where}", _first(failed))


def _repaired(data: bytearray) -> bytes:
    """A weight file whose checksums hold again (docs/weight_file.md)."""
    (header_bytes,) = struct.unpack_from("<I", data, 12)
    struct.pack_into("<I", data, 28, zlib.crc32(data[header_bytes:]))
    struct.pack_into("<I", data, 24, 0)
    struct.pack_into("<I", data, 24, zlib.crc32(data[:header_bytes]))
    return bytes(data)


def _layer(module: Module, name: str) -> bits.Layer:
    (layer,) = [op for op in module.func.ops if isinstance(op, bits.Layer) and op.loc.name == name]
    return layer


def _edit_section(
    file: Path, value: Resource, change: Callable[[np.ndarray], object], repair: bool = True
) -> None:
    """Change the logical array of a constant in a weight file."""
    sections = {section.name: section for section in reader.read_weight_file(file).sections}
    section = sections[value.symbol]
    array = layout_of(value.type).unpack(section.data, value.type).copy()
    change(array)
    packed = layout_of(value.type).pack(array, value.type)
    data = bytearray(file.read_bytes())
    data[section.offset : section.offset + section.data.size] = packed.tobytes()
    file.write_bytes(_repaired(data) if repair else bytes(data))


@pytest.mark.parametrize(
    ("layer", "slot", "index"),
    [
        ("conv1", "w", (4, 2, 0, 1)),
        ("conv2", "w", (9, 1, 2, 8)),
        ("conv3", "w", (7, 0, 0, 3)),
        ("fc5", "w", (1, 11)),
        ("conv1", "thr", (6,)),
        ("conv2", "thr", (3,)),
    ],
)
def test_a_damaged_weight_file(
    bnnc: Command, net: Path, project: Path, layer: str, slot: str, index: tuple[int, ...]
) -> None:
    value = dict(_layer(driver.plan(network()), layer).operand_slots())[slot]
    assert isinstance(value, Resource)

    def change(array: np.ndarray) -> None:
        if value.type.scalar.name in ("bit", "tern"):
            array[index] = -array[index] if array[index] else 1
        else:
            array[index] += 1

    _edit_section(project / "small.bnnw", value, change)
    failed = bnnc("verify", net, "--project", project, "--json")
    shown = re.escape(f"{slot} {list(index)} (channel {index[0]}): ")
    assert re.match(rf"'{layer}' differs \(weight file against planned\): {shown}", _first(failed))
    wrong = [row["name"] for row in json.loads(failed.out)["layers"] if row["bits_differ"]]
    assert wrong[0] == layer
    assert f"remark: {project / 'small.bnnw'}: not as bnnc wrote it" in failed.err


def test_a_weight_file_whose_checksum_is_wrong(bnnc: Command, net: Path, project: Path) -> None:
    weights = _layer(driver.plan(network()), "conv2").w
    assert isinstance(weights, Resource)
    _edit_section(project / "small.bnnw", weights, np.negative, repair=False)
    assert bnnc("verify", net, "--project", project).code == 0  # nothing was changed
    file = project / "small.bnnw"
    file.write_bytes(file.read_bytes()[:-1] + b"\1")
    failed = bnnc("verify", net, "--project", project)
    assert failed.code == 7
    assert "checksum differs" in failed.err


def test_projects_of_something_else(
    bnnc: Command, net: Path, project: Path, digits: Path, tmp_path: Path
) -> None:
    failed = bnnc("verify", digits, "--project", project)
    assert failed.code == 2
    assert "from another model, or by other passes" in failed.err
    failed = bnnc("verify", net, "--project", tmp_path)
    assert failed.code == 2
    assert "is no folder that bnnc made" in failed.err
    failed = bnnc("verify", net, "--project", project, "--target", "interp")
    assert failed.code == 2
    (tmp_path / "board.toml").write_text('inherits = "c"\nname = "board"\n')
    failed = bnnc("verify", net, "--project", project, "--target", tmp_path / "board.toml")
    assert failed.code == 2
    assert "give --target c" in failed.err
    (project / "small.h").unlink()
    failed = bnnc("verify", net, "--project", project)
    assert failed.code == 2
    assert "small.h is missing" in failed.err


def test_embedded_weights(bnnc: Command, net: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert bnnc("compile", net, "--embed", "-o", out).code == 0
    assert bnnc("verify", net, "--project", out).code == 0
    source = out / "small_weights.c"
    text = source.read_text()
    words = re.findall(r"0x[0-9a-f]{16}", text)
    assert len(words) > 50
    source.write_text(text.replace(words[60], f"0x{int(words[60], 16) ^ 1:016x}", 1))
    failed = bnnc("verify", net, "--project", out)
    assert failed.code == 7  # init refuses weights whose checksum is wrong


@pytest.mark.parametrize("after", ["", "binarize", "fold-linear", "plan-memory"])
def test_a_damaged_weight_in_a_dump(
    bnnc: Command, net: Path, inputs: Path, tmp_path: Path, after: str
) -> None:
    text = tmp_path / "dump.bnn"
    assert bnnc("dump", net, *(["--after", after] if after else []), "-o", text).code == 0
    reference = tmp_path / "reference.npz"
    x = arrays.load_arrays(inputs)["x"][:BATCH]
    tensors = {
        f"{op.loc.op}|{op.loc.name}": result.astype(np.int8) if op.loc.op == "Sign" else result
        for op, (result,) in trace(network(), {"x": x})
    }
    arrays.save_arrays(reference, tensors)
    arguments = ["verify", text, "--inputs", inputs, "--reference", reference, "--target", "interp"]
    assert bnnc(*arguments).code == 0, bnnc(*arguments).err
    module = read_module(text)
    (layer,) = [
        op for op in module.func.ops if op.loc.name == "conv2" and "w" in dict(op.operand_slots())
    ]
    value = dict(layer.operand_slots())["w"]
    assert isinstance(value, Resource)
    array = value.array.copy()
    array[5] = -array[5]  # every weight of one channel
    layer.replace_operand(value, module.add_resource("damaged", array, value.type))
    module.drop_unused_resources()
    write_module(module, text)
    failed = bnnc(*arguments)
    first = _first(failed)
    assert re.match(r"'(conv2|pool2|bn2|sign2)' differs \(reference against ", first), first
    assert "(channel 5)" in first
