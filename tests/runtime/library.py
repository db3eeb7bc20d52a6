# SPDX-License-Identifier: Apache-2.0
"""Build the kernels into a shared library and call them through ctypes."""

from __future__ import annotations

import ctypes
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from bnnc.runtime import runtime_dir

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror")
FLAGS = ("-std=c99", "-O2", "-ffp-contract=off", *WARNINGS)
SANITIZE = ("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
PREFIX = "bnnc_"
Field: TypeAlias = int | float | Sequence[int]


def sources() -> list[Path]:
    """Every C file of the portable runtime."""
    return sorted((runtime_dir() / "src" / "ref").glob("*.c"))


def struct_types() -> dict[str, type[ctypes.Structure]]:
    """The parameter structs, read from params.h."""
    text = (runtime_dir() / "include" / "bnnc" / "params.h").read_text()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    scalars: dict[str, Any] = {"int32_t": ctypes.c_int32, "float": ctypes.c_float}
    found: dict[str, type[ctypes.Structure]] = {}
    for body, name in re.findall(r"typedef struct \{(.*?)\} bnnc_(\w+);", text, re.DOTALL):
        fields: list[tuple[str, Any]] = []
        for kind, names in re.findall(r"(int32_t|float)\s+([^;]+);", body):
            for field in names.split(","):
                label, array, _ = field.strip().partition("[")
                fields.append((label, scalars[kind] * 6 if array else scalars[kind]))
        found[name] = type(name, (ctypes.Structure,), {"_fields_": fields})
    return found


class Kernels:
    """Kernels that can be called; how is up to `invoke`."""

    def __init__(self) -> None:
        self.structs = struct_types()

    def invoke(
        self, symbol: str, params: ctypes.Structure, arrays: Sequence[np.ndarray | None]
    ) -> None:
        """Call a kernel, which writes the last array."""
        raise NotImplementedError

    def params(self, struct: str, fields: dict[str, Field]) -> ctypes.Structure:
        """A parameter struct; fields that are not given are zero."""
        made = self.structs[struct]()
        for name, value in fields.items():
            if isinstance(value, int | float):
                setattr(made, name, value)
            else:
                getattr(made, name)[:] = list(value)
        return made

    def call(
        self,
        symbol: str,
        struct: str,
        fields: dict[str, Field],
        *arrays: np.ndarray | None,
    ) -> np.ndarray:
        """Call a kernel; the last array is the result, and is returned."""
        for array in arrays:
            if array is not None and not array.flags.c_contiguous:
                raise ValueError("kernels take contiguous arrays")
        self.invoke(symbol, self.params(struct, fields), arrays)
        result = arrays[-1]
        if result is None:
            raise ValueError("a kernel needs a result")
        return result


class NativeKernels(Kernels):
    """A loaded library of kernels."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.library = ctypes.CDLL(str(path))

    def invoke(
        self, symbol: str, params: ctypes.Structure, arrays: Sequence[np.ndarray | None]
    ) -> None:
        """Call the function of the library."""
        function = getattr(self.library, PREFIX + symbol)
        function.restype = None
        pointers = [ctypes.c_void_p(None if a is None else a.ctypes.data) for a in arrays]
        function(ctypes.byref(params), *pointers)


def build(cc: str, folder: Path, *extra: str, only: Sequence[Path] = ()) -> Path:
    """Compile every source, or only those given, into a shared library."""
    library = folder / "libkernels.so"
    include = runtime_dir() / "include"
    command = [cc, *FLAGS, *extra, "-shared", "-fPIC", f"-I{include}"]
    subprocess.run([*command, *map(str, only or sources()), "-o", str(library)], check=True)
    return library
