# SPDX-License-Identifier: Apache-2.0
"""An emitted folder as it lies there: whether it belongs to a module, and its weights.

Code and weights of a folder can be edited or damaged after `bnnc compile`. Weights are compared
with the module's, byte by byte, since not every wrong bit shows in the outputs of some samples;
the code is then run, see `bnnc.generated_code`.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bnnc.backends import Manifest, Section, read_manifest, read_weight_file
from bnnc.backends.kernel_table import kernel_slots
from bnnc.ir.diagnostics import Remark, UsageError
from bnnc.ir.layouts import layout_of
from bnnc.ir.module import Module
from bnnc.ir.operation import Op
from bnnc.ir.value import Resource

from .comparison import Comparison

CHECK = "weight file against planned"


def manifest_for(project: Path, planned: Module) -> Manifest:
    """The manifest of a folder that was compiled from just this module.

    Raises:
        UsageError: bnnc did not make the folder, or from another module or for another target.
    """
    manifest = read_manifest(project)
    if manifest is None:
        raise UsageError(
            f"{project} is no folder that bnnc made", hint="give the folder of `bnnc compile -o`"
        )
    if manifest.target != planned.attrs.get("target"):
        raise UsageError(
            f"{project} was compiled for target '{manifest.target}'",
            hint=f"give --target {manifest.target}",
        )
    ours = [(op.loc.name, op.NAME, op.kernel) for op in planned.func.ops]
    theirs = [(layer.name, layer.op, layer.kernel) for layer in manifest.layers]
    if ours != theirs:
        raise UsageError(
            f"{project} was compiled from another model, or by other passes",
            hint="give the model and the options that it was compiled with",
        )
    return manifest


def copy_sources(project: Path, manifest: Manifest, out: Path) -> list[Remark]:
    """Copy what `bnnc compile` wrote, without anything built; say which files have changed.

    Raises:
        UsageError: a file is missing.
    """
    remarks: list[Remark] = []
    for name, digest in [*manifest.sha256.items(), ("manifest.json", "")]:
        source, copy = project / name, out / name
        if not source.is_file():
            raise UsageError(f"{source} is missing", hint="compile the model again")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
        if digest and hashlib.sha256(source.read_bytes()).hexdigest() != digest:
            remarks.append(Remark(str(source), "not as bnnc wrote it"))
    return remarks


def check_weights(project: Path, manifest: Manifest, planned: Module) -> list[Comparison]:
    """Compare the sections of the weight file with the module's constants, layer by layer.

    A folder with embedded weights has none to compare.

    Raises:
        WeightFileError: the file is damaged so that its checksums do not hold.
    """
    path = project / f"{manifest.name}.bnnw"
    if not path.is_file():
        return []
    sections = {section.name: section for section in read_weight_file(path).sections}
    found: list[Comparison] = []
    for op in planned.func.ops:
        rows = [_compare(slot, value, sections) for slot, value in _constants(op)]
        if rows:
            differ = sum(count for count, _ in rows)
            where = next((text for count, text in rows if count), "")
            elements = sum(value.type.size for _, value in _constants(op))
            row = Comparison(CHECK, op.loc.name, differ=differ, where=where, elements=elements)
            found.append(row)
    return found


def _constants(op: Op) -> list[tuple[str, Resource]]:
    slots = kernel_slots(op) if op.kernel is not None else []
    return [(slot, value) for slot, value in slots if isinstance(value, Resource)]


def _compare(slot: str, value: Resource, sections: Mapping[str, Section]) -> tuple[int, str]:
    """How many elements differ, and the first one in words."""
    section = sections.get(value.symbol)
    if section is None:
        return value.type.size, f"{slot}: the file has no section '{value.symbol}'"
    if section.type != str(value.type) or section.data.size != value.packed.size:
        return value.type.size, f"{slot}: the file has {section.type}, not {value.type}"
    wrong_bytes = np.flatnonzero(section.data != value.packed)
    if not wrong_bytes.size:
        return 0, ""
    expected, actual = value.array, layout_of(value.type).unpack(section.data, value.type)
    wrong = np.argwhere(expected != actual)
    if not len(wrong):
        return int(wrong_bytes.size), f"{slot}: padding of byte {wrong_bytes[0]}"
    index = tuple(int(i) for i in wrong[0])
    channel = f" (channel {index[0]})" if index else ""
    text = f"{slot} {list(index)}{channel}: {actual[index]:.9g} instead of {expected[index]:.9g}"
    return len(wrong), text
