# SPDX-License-Identifier: Apache-2.0
"""Damaged files: what is damaged, how, and what must hold for whatever comes out.

Only documented errors may appear, within bounds of time and memory, and where one does, nothing
is left behind.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bnnc import arrays as batches
from bnnc.backends import emit_project, read_weight_file
from bnnc.driver import interpret, load, lower, plan
from bnnc.ir import Module
from bnnc.ir.text import parse_module, print_module, write_module
from bnnc.ir.text.keys import side_file_keys
from bnnc.lowering import without_kernels

from .fault import Fault
from .graph_seeds import graph_files
from .grower import grow
from .keras_damage import damage_h5, damage_keras
from .keras_seeds import h5_files, keras_files
from .mutators import (
    below,
    damage_archive,
    damage_bytes,
    damage_text,
    damage_weights,
    spliced,
)
from .onnx_seeds import onnx_files
from .tflite_seeds import tflite_files

# A damaged file may say something large that is in order, and take its time.
_MOST_NUMBERS = 200_000
_MOST_WORK = 20_000_000

# Numbers of the networks of seed 0 whose weight files are damaged; a small one comes first.
WEIGHT_NETWORKS = (2, 0, 1)

Files = dict[str, bytes]


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        name: how the command line calls it.
        seeds: whole files to begin from; each is a main file and what lies beside it.
        main: the file that is given to the program.
        damage: damages one of the files.
        check: what the program is asked to do in a folder with the files.
    """

    name: str
    seeds: Callable[[], Sequence[Files]]
    main: str
    damage: Callable[[Files, np.random.Generator], Files]
    check: Callable[[Path], None]


def case(kind: Kind, seed: int, index: int) -> Files:
    """The damaged files of this number in the sequence of a seed."""
    rng = np.random.default_rng([seed, index])
    seeds = kind.seeds()
    files = dict(seeds[int(rng.integers(len(seeds)))])
    if rng.random() < 0.05:
        others = [s[kind.main] for s in seeds]
        files[kind.main] = spliced(files[kind.main], others, rng)
    return kind.damage(files, rng)


def task(kind: Kind, seed: int, index: int) -> Callable[[], None]:
    """The check of this number in the sequence of a seed."""
    return lambda: run(kind, case(kind, seed, index))


def run(kind: Kind, files: Files) -> None:
    """Check damaged files in a folder of their own.

    Raises:
        Fault: something is left behind beside an error.
        BnncError: the answer to a damaged file.
    """
    with tempfile.TemporaryDirectory(prefix="bnnc-fuzz-") as name:
        folder = Path(name)
        for file, data in files.items():
            (folder / file).write_bytes(data)
        try:
            kind.check(folder)
        except BaseException:
            left = sorted({p.name for p in folder.iterdir()} - set(files))
            if left:
                raise Fault("left behind", ", ".join(left)) from None
            raise


def compile_into(module: Module, folder: Path) -> None:
    """Lower and emit, unless the module is in order but large."""
    numbers = sum(r.type.size for r in module.resources.values())
    if numbers > _MOST_NUMBERS or _work(module) > _MOST_WORK:
        return
    emit_project(plan(module), folder / "out")


def _work(module: Module) -> int:
    """Products and sums of the layers, and the numbers that anything else computes."""
    total = 0
    for op in module.func.ops:
        operands = {n: v for n, v in op.operand_slots() if v is not None}
        size = sum(r.type.size for r in op.results)
        weights = operands.get("w")
        total += size * (weights.type.size // max(1, weights.shape[0]) if weights else 1)
    return total


def _check_model(name: str) -> Callable[[Path], None]:
    def check(folder: Path) -> None:
        module = load(folder / name)
        if not any(map(without_kernels, module.func.ops)):
            compile_into(module, folder)

    return check


def _check_text(folder: Path) -> None:
    module = load(folder / "net.bnn")
    keys = side_file_keys(module)
    stored = {keys[s]: r.stored for s, r in module.resources.items()}
    text = print_module(module)
    again = parse_module(text, resources=stored)
    if again != module or print_module(again) != text:
        raise Fault("text", "parse(print(m)) is another module")
    compile_into(module, folder)


def _check_inputs(folder: Path) -> None:
    module = tiny_module()
    arrays = batches.load_arrays(folder / "x.npz")
    if sum(a.size for a in arrays.values()) <= _MOST_NUMBERS:
        interpret(module, arrays)


def _check_weights(folder: Path) -> None:
    read_weight_file(folder / "net.bnnw")


@cache
def tiny_module() -> Module:
    """A network with two inputs."""
    text = """module @tiny {stage = "imported"} {
      func @main(%a: tensor<2x3xf32>, %b: tensor<2x2x2x1xf32>)
          -> (tensor<2x3xf32>, tensor<2x2x2x1xf32>)
          {inputs = ["a/in:0", "b"], outputs = ["y", "z"]} {
        %y = nn.relu(%a) : tensor<2x3xf32>
        %z = nn.neg(%b) : tensor<2x2x2x1xf32>
        func.return(%y, %z)
      }
    }"""
    return parse_module(text)


@cache
def _texts() -> Sequence[Files]:
    """Networks at all stages, as `dump` writes them."""
    found: list[Files] = []
    stops = [None, "canonicalize", "binarize", "fold-linear", "assign-layouts", "plan-memory"]
    for index in range(18):
        module = grow(0, index)
        after = stops[index % len(stops)]
        if module.stage.rank == 0 and after is not None:
            module = lower(module, after=after)
        with tempfile.TemporaryDirectory() as folder:
            write_module(module, Path(folder) / "net.bnn")
            found.append({p.name: p.read_bytes() for p in sorted(Path(folder).iterdir())})
    return found


@cache
def _inputs() -> Sequence[Files]:
    rng = np.random.default_rng(9)
    arrays: dict[str, Any] = {
        "a/in": rng.normal(size=(4, 3)).astype(np.float32),
        "b": rng.integers(0, 9, (4, 2, 2, 1)),
        "other": np.arange(3.0),
    }
    found: list[Files] = []
    for save in (np.savez, np.savez_compressed):
        buffer = io.BytesIO()
        save(buffer, **arrays)
        found.append({"x.npz": buffer.getvalue()})
    return found


@cache
def weight_files() -> Sequence[Files]:
    """The weight files of a few networks."""
    found: list[Files] = []
    for index in WEIGHT_NETWORKS:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out"
            emit_project(plan(grow(0, index)), out)
            found.append({"net.bnnw": (out / "net.bnnw").read_bytes()})
    return found


def _damage_main(
    name: str, damage: Callable[[bytes, np.random.Generator], bytes]
) -> Callable[[Files, np.random.Generator], Files]:
    """Mostly the main file, else one that lies beside it, which may also be missing."""

    def damaged(files: Files, rng: np.random.Generator) -> Files:
        others = sorted(set(files) - {name})
        if others and rng.random() < 0.3:
            other = others[below(rng, len(others))]
            if rng.random() < 0.1:
                return {key: data for key, data in files.items() if key != other}
            return files | {other: damage_bytes(files[other], rng)}
        return files | {name: damage(files[name], rng)}

    return damaged


def _damage_text(files: Files, rng: np.random.Generator) -> Files:
    """Mostly the text, else the side file where there is one."""
    side = files.get("net.bnn.npz")
    if side is not None and rng.random() < 0.2:
        if rng.random() < 0.05:
            return {"net.bnn": files["net.bnn"]}
        return files | {"net.bnn.npz": damage_archive(side, rng)}
    return files | {"net.bnn": damage_text(files["net.bnn"], rng)}


def _kind(
    name: str,
    main: str,
    seeds: Callable[[], Sequence[Files]],
    damage: Callable[[bytes, np.random.Generator], bytes],
    check: Callable[[Path], None],
) -> Kind:
    return Kind(name, seeds, main, _damage_main(main, damage), check)


def _models(
    suffix: str,
    make: Callable[[], Sequence[bytes | Files]],
    damage: Callable[[bytes, np.random.Generator], bytes] = damage_bytes,
) -> Kind:
    """Model files; seeds are files, or a file and what lies beside it."""
    main = f"net.{suffix}"

    @cache
    def seeds() -> Sequence[Files]:
        return [{main: one} if isinstance(one, bytes) else one for one in make()]

    return _kind(suffix, main, seeds, damage, _check_model(main))


KINDS = {
    kind.name: kind
    for kind in (
        _models("pb", graph_files),
        _models("onnx", onnx_files),
        _models("tflite", tflite_files),
        _models("h5", h5_files, damage_h5),
        _models("keras", keras_files, damage_keras),
        Kind("text", _texts, "net.bnn", _damage_text, _check_text),
        _kind("npz", "x.npz", _inputs, damage_archive, _check_inputs),
        _kind("bnnw", "net.bnnw", weight_files, damage_weights, _check_weights),
    )
}
