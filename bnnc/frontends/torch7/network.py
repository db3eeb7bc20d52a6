# SPDX-License-Identifier: Apache-2.0
"""A network as a list of layers: containers that run one after the other are taken apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bnnc.ir.diagnostics import ImportFailure

from .objects import Key, LuaValue, Object, Table

_MOST_MODULES = 10_000
_DEEPEST = 50
_SEQUENTIAL = "Sequential"
_REPLICATED = ("DataParallelTable", "DataParallel")
_KEPT = ("model", "net", "network", "module")
# What the releases of nn and its companions call the same layer.
_PREFIXES = ("nn.", "cudnn.", "cunn.", "inn.", "fbnn.", "fbcunn.", "mkldnn.")


@dataclass(frozen=True)
class Layer:
    """A module that computes something.

    Attributes:
        name: Its place, as Torch prints it: ``5.3`` is the third module of the fifth.
        kind: Its class without the package: ``SpatialConvolution`` of nn or cudnn.
        fields: What Torch saved of it.
    """

    name: str
    kind: str
    fields: Mapping[Key, LuaValue]


def read_layers(saved: LuaValue, file: str) -> list[Layer]:
    """Return the layers of what a file holds: a module, or a table with one under a usual name.

    Raises:
        ImportFailure: There is no module, or it holds itself.
    """
    if isinstance(saved, Table):
        saved = next((v for k in _KEPT if isinstance(v := saved.entries.get(k), Object)), saved)
    if not isinstance(saved, Object):
        raise ImportFailure(
            f"{file} holds no network", hint="save the model itself: torch.save(path, model)"
        )
    layers: list[Layer] = []
    visited = 0
    stack: list[tuple[Object, tuple[int, ...]]] = [(saved, ())]
    while stack:
        module, place = stack.pop()
        visited += 1
        if visited > _MOST_MODULES or len(place) > _DEEPEST:
            raise ImportFailure(
                f"{file}: the network holds itself, or more than {_MOST_MODULES} modules"
            )
        name, kind = ".".join(map(str, place)) or "1", _kind(module)
        if kind not in (_SEQUENTIAL, *_REPLICATED):
            layers.append(Layer(name, kind, module.fields))
            continue
        inner = module.fields.get("modules")
        modules = inner.sequence() if isinstance(inner, Table) else []
        if kind in _REPLICATED:
            modules = modules[:1]  # the others are copies for other processors
        for i, one in reversed(list(enumerate(modules, 1))):
            if not isinstance(one, Object):
                raise ImportFailure(f"{file}: module {i} of {kind} '{name}' is no module")
            stack.append((one, (*place, i)))
    if not layers:
        raise ImportFailure(f"{file}: the network has no layers")
    return layers


def _kind(module: Object) -> str:
    """The class without its package."""
    found = (p for p in _PREFIXES if module.kind.startswith(p))
    return module.kind.removeprefix(next(found, ""))
