# SPDX-License-Identifier: Apache-2.0
"""manifest.json: what was generated, and the mark by which bnnc knows its own folders."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bnnc.ir.types import TensorType

FILE = "manifest.json"


@dataclass(frozen=True)
class Layer:
    """One operation of the program; `kernel` is None for an alias."""

    index: int
    name: str
    op: str
    kernel: str | None
    weight_bytes: int


@dataclass(frozen=True)
class Tensor:
    """An input or output; bytes with a scale stand for (q - zero) * scale."""

    name: str
    shape: tuple[int, ...]
    scalar: str
    scale: float | None = None
    zero: int | None = None

    @classmethod
    def of(cls, name: str, type_: TensorType) -> Tensor:
        """A tensor of a type."""
        quant = type_.quant
        if quant is None or isinstance(quant.scale, str) or isinstance(quant.zero, str):
            return cls(name, type_.shape, str(type_.scalar))
        return cls(name, type_.shape, str(type_.scalar), quant.scale, quant.zero)

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Tensor:
        """A tensor as the file has it."""
        fields: dict[str, Any] = {**data, "shape": tuple(data["shape"])}
        return cls(**fields)


@dataclass(frozen=True)
class Manifest:
    """Sizes in bytes, layers in order of execution, SHA-256 of every other file, versions.

    `stack_bytes` is an upper bound of what ``NAME_run`` needs below its caller.
    """

    name: str
    target: str
    weights_bytes: int
    arena_bytes: int
    stack_bytes: int
    layers: tuple[Layer, ...]
    sha256: dict[str, str]
    versions: dict[str, str | int]
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()

    def to_json(self) -> str:
        """The text of manifest.json."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a folder that bnnc made; None for any other."""
    try:
        data: Any = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return Manifest(
            name=str(data["name"]),
            target=str(data["target"]),
            weights_bytes=int(data["weights_bytes"]),
            arena_bytes=int(data["arena_bytes"]),
            stack_bytes=int(data.get("stack_bytes", 0)),  # not in the folders of older versions
            layers=tuple(Layer(**layer) for layer in data["layers"]),
            sha256=dict(data["sha256"]),
            versions={"bnnc": data["versions"]["bnnc"], **data["versions"]},
            inputs=tuple(Tensor.read(t) for t in data.get("inputs", ())),
            outputs=tuple(Tensor.read(t) for t in data.get("outputs", ())),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
