# SPDX-License-Identifier: Apache-2.0
"""kernels.toml, kernels.h and the sources say the same."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from bnnc.ir import BIT, F32, TERN, Scalar, TensorType, registered_operations
from bnnc.ir.layouts import layout_of, layouts
from bnnc.runtime import runtime_dir

from . import naive
from .library import struct_types

HEADER = (runtime_dir() / "include" / "bnnc" / "kernels.h").read_text()
TABLE: dict[str, Any] = tomllib.loads((runtime_dir() / "kernels.toml").read_text())
ROWS: list[dict[str, Any]] = TABLE["kernel"]
C_TYPES = {
    "f32": "float",
    "i32": "int32_t",
    "i8": "uint8_t",
    "i16": "int16_t",
    "any": "void",
    **dict.fromkeys(("bit", "tern", "level", "byte", "q8"), "uint8_t"),
}
SIGNATURE = r"void BNNC_SYM\((\w+)\)\(([^)]*)\)"


def signatures(text: str) -> dict[str, str]:
    """Symbol to parameter list, white space made one."""
    return {name: " ".join(rest.split()) for name, rest in re.findall(SIGNATURE, text)}


PROTOTYPES = signatures(HEADER)


def symbol_of(row: dict[str, Any]) -> str:
    return str(row["symbol"])


def test_kernels_that_are_declared_are_those_in_the_table() -> None:
    assert set(PROTOTYPES) == {row["symbol"] for row in ROWS}


def test_every_kernel_is_defined_as_declared_where_the_table_says() -> None:
    defined = {row["symbol"]: row["source"] for row in ROWS}
    every = sorted((runtime_dir() / "src").glob("*/*.c"))
    assert len({path.name for path in every}) == len(every)
    found: dict[str, str] = {}
    for path in every:
        text = path.read_text()
        if '#include "bnnc/kernels.h"' not in text:
            continue
        for symbol, signature in signatures(text).items():
            assert signature == PROTOTYPES[symbol]
            found[symbol] = path.relative_to(runtime_dir()).as_posix()
    assert found == defined


@pytest.mark.parametrize("row", ROWS, ids=symbol_of)
def test_row(row: dict[str, Any]) -> None:
    known = {"symbol", "op", "isa", "source", "params", "operands", "types", "layouts", "when"}
    assert set(row) <= known | {"also", "order", "inplace", "cost", "stack"}
    assert row["isa"] == row["source"].split("/")[1]
    slots = [*row["operands"], "y"]
    assert sorted(row["types"]) == sorted(slots)
    assert set(row.get("when", [])) <= set(TABLE["constraints"])
    assert row.get("stack", 1024) > 0
    assert set(row.get("inplace", [])) <= set(row["operands"])
    for slot, layout in row.get("layouts", {}).items():
        assert slot in slots
        assert layout in {known.name for known in layouts()}
    for slot, scalar in row["types"].items():
        assert scalar in C_TYPES
        packed = {"bit": ["bp8"], "tern": ["tp8", "ts8"], "level": ["lp8"]}.get(scalar)
        if scalar == "bit" and slot == "w":
            packed = ["bp8", "bt8", "bs8", "be8", "n16", "b8x4", "b8x8"]
        assert packed is None or row["layouts"][slot] in packed
    assert row["params"] in struct_types()
    name = row["symbol"]
    if name.startswith("conv2d_fb_eights"):
        order: str | list[str] | dict[str, Any] | None = "eights"
    elif name.startswith(("conv2d_fb", "conv2d_ft", "depthwise_fb")):  # products are exact
        order = ["muladd", "fma"]
    elif name.startswith(("conv2d_ff", "depthwise_ff")):
        order = "fma" if row["isa"] == "neon" else "muladd"
    else:
        order = None
    if order is not None and "armv7-neon" in row.get("also", []):
        order = {"neon": order, "armv7-neon": "muladd.ftz"}
    assert row.get("order") == order


@pytest.mark.parametrize("row", ROWS, ids=symbol_of)
def test_prototype_has_the_operands_of_the_row(row: dict[str, Any]) -> None:
    parameters = PROTOTYPES[row["symbol"]].split(", ")
    want = [f"const bnnc_{row['params']} *p"]
    for slot in [*row["operands"], "y"]:
        kind = C_TYPES[row["types"][slot]]
        want.append(
            f"{kind} *y" if slot == "y" else f"const {kind} *{'x' if slot == 'xs' else slot}"
        )
    assert parameters == want


@pytest.mark.parametrize("row", ROWS, ids=symbol_of)
def test_operands_exist_in_the_ir(row: dict[str, Any]) -> None:
    operations = registered_operations()
    for name in [row["op"]] if isinstance(row["op"], str) else row["op"]:
        declared = [spec.name for spec in operations[name].OPERANDS]
        assert [slot for slot in row["operands"] if slot not in declared] == []


@pytest.mark.parametrize(
    ("layout", "scalar", "plainly"),
    [
        ("bp8", BIT, naive.pack),
        ("tp8", TERN, naive.pack_ternary),
        ("lp8", Scalar("u3"), partial(naive.pack_levels, 3)),
        ("t8", F32, naive.tile8),
        ("bt8", BIT, naive.tile_bits),
        ("bs8", BIT, naive.in_steps),
        ("be8", BIT, naive.in_eights),
        ("ts8", TERN, naive.ternary_in_steps),
        ("n16", BIT, naive.nibbles),
        ("b8x4", BIT, partial(naive.sign_tiles, lanes=8, depth=4)),
        ("b8x8", BIT, partial(naive.sign_tiles, lanes=8, depth=8)),
        ("d16", Scalar("i8"), naive.tap_bytes),
        ("w4x16", Scalar("i8"), partial(naive.byte_tiles, lanes=4, depth=16)),
        ("w8x4", Scalar("i8"), partial(naive.byte_tiles, lanes=8, depth=4)),
        ("w8x8", Scalar("i8"), partial(naive.byte_tiles, lanes=8, depth=8)),
    ],
)
@pytest.mark.parametrize("shape", [(3, 2, 3, 5), (9, 1, 1, 17), (16, 3, 3, 8), (9, 2, 1, 100)])
def test_layouts_of_the_ir_are_those_that_kernels_read(
    layout: str,
    scalar: Scalar,
    plainly: Callable[[np.ndarray], np.ndarray],
    shape: tuple[int, ...],
) -> None:
    rng = np.random.default_rng(4)
    bits = [-1, 1]
    choices = {
        "bp8": bits,
        "bt8": bits,
        "bs8": bits,
        **dict.fromkeys(("be8", "n16", "b8x4", "b8x8"), bits),
        **dict.fromkeys(("tp8", "ts8"), range(-1, 2)),
        "lp8": range(8),
        **dict.fromkeys(("d16", "w4x16", "w8x4", "w8x8"), range(-128, 128)),
        "t8": [0.5, -2.0, 3.25],
    }
    tensor = TensorType(shape, scalar, layout)
    logical = rng.choice(np.array(choices[layout]), shape).astype(tensor.dtype)
    packed = layout_of(tensor).pack(logical, tensor)
    assert packed.tobytes() == plainly(logical).tobytes()
