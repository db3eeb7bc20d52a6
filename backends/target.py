# SPDX-License-Identifier: Apache-2.0
"""Targets: TOML files that say which kernels, float order, alignment and compiler to use."""

from __future__ import annotations

import dataclasses
import platform
import tomllib
import typing
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from bnnc.ir import bin
from bnnc.ir.diagnostics import TargetError, did_you_mean
from bnnc.ir.plugins import describe, load_entry_point

_BUILT_IN = Path(__file__).resolve().parent / "targets"
_TYPES: dict[str, type] = {
    "str": str,
    "int": int,
    "tuple[str, ...]": list,
    "tuple[bin.Order, ...]": list,
}
_KINDS: dict[type, str] = {str: "a string", int: "a whole number", list: "a list of strings"}


@dataclass(frozen=True)
class Target:
    """What code is generated for.

    Attributes:
        name: what ``--target`` says and what modules remember.
        description: one line for ``bnnc targets``.
        isas: kernel families that may be used, as in the kernel table.
        orders: in which float accumulators may sum, the one for all but some kernels first; the
            interpreter follows the one that a kernel has.
        align: bytes to which weights and arena must be aligned when the code runs.
        arena_align: bytes to which the planner aligns tensors; a multiple of ``align``.
        compilers: commands to look for, the better ones first; Makefiles do it, too.
        cflags: flags that the kernels need to be exact, and the default optimisation.
        emulator: command put before the program to run it on another machine; empty for native.
        machines: names (``uname -m``) of those that run it themselves: there the emulator is left
            out, and the machine's own compilers are taken.
    """

    name: str
    description: str
    isas: tuple[str, ...]
    orders: tuple[bin.Order, ...]
    align: int = 8
    arena_align: int = 16
    compilers: tuple[str, ...] = ("cc",)
    cflags: tuple[str, ...] = ("-std=c99", "-O2", "-ffp-contract=off")
    emulator: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()

    @property
    def native(self) -> bool:
        """Whether this machine is one of those that the target names."""
        return platform.machine() in self.machines

    @property
    def order(self) -> bin.Order:
        """The order of sums where a kernel has no other."""
        return self.orders[0]

    def __post_init__(self) -> None:
        for order in self.orders:
            if order not in typing.get_args(bin.Order):
                raise TargetError(
                    f"target '{self.name}': unknown float order '{order}'",
                    hint=f"one of {', '.join(typing.get_args(bin.Order))}",
                )
        if not (self.isas and self.orders and self.compilers):
            raise TargetError(f"target '{self.name}' needs at least one isa, order and compiler")
        if self.align < 1 or self.arena_align % self.align:
            raise TargetError(f"target '{self.name}': arena_align must be a multiple of align")


_FROM_FILES: dict[str, Target] = {}


@cache
def _known() -> dict[str, Target]:
    """Built-in targets and those of plug-ins (a Target or the path of a TOML file), by name."""
    found = {t.name: t for t in map(_read, sorted(_BUILT_IN.glob("*.toml")))}
    for point in entry_points(group="bnnc.targets"):
        loaded = load_entry_point(point, TargetError)
        target = loaded if isinstance(loaded, Target) else _read(Path(str(loaded)))
        if target.name in found:
            raise TargetError(
                f"two targets are called '{target.name}', one of them by {describe(point)}",
                hint="uninstall one of the packages",
            )
        found[target.name] = target
    return found


def targets() -> list[Target]:
    """All targets that can be named, sorted by name."""
    return sorted(_known().values(), key=lambda t: t.name)


def find_target(name: str) -> Target:
    """Return a target by its name or by the path of a TOML file.

    A target read from a file is known by its own name from then on, so that a module lowered for
    it can be emitted. Unknown names are target errors with a suggestion.
    """
    if name.endswith(".toml") or "/" in name:
        target = _read(Path(name))
        if target.name in _known():
            raise TargetError(
                f"{name} is called '{target.name}' like a target that ships with bnnc",
                hint="give it a name of its own",
            )
        _FROM_FILES[target.name] = target
        return target
    found = _known().get(name) or _FROM_FILES.get(name)
    if found is None:
        names = [*_known(), *_FROM_FILES]
        raise TargetError(
            f"unknown target '{name}'",
            hint=did_you_mean(name, names)
            or f"known: {', '.join(sorted(names))}; a file is written as ./{name}.toml",
        )
    return found


def _read(path: Path) -> Target:
    values = _inherited(path, ())
    fields = {f.name: f for f in dataclasses.fields(Target)}
    checked: dict[str, Any] = {}
    for key, value in values.items():
        if key not in fields:
            raise TargetError(f"{path}: unknown key '{key}'", hint=did_you_mean(key, fields))
        checked[key] = _typed(value, _TYPES[str(fields[key].type)])
        if checked[key] is None:
            kind = _KINDS[_TYPES[str(fields[key].type)]]
            raise TargetError(f"{path}: {key} must be {kind}, not {value!r}")
    missing = [f.name for f in fields.values() if _required(f) and f.name not in checked]
    if missing:
        raise TargetError(f"{path} does not say '{missing[0]}'", hint='or write inherits = "c"')
    return Target(**checked)


def _typed(value: object, want: type) -> object:
    """The value as its field takes it; None when it is of another type."""
    if want is list and isinstance(value, list):
        items = typing.cast("list[object]", value)
        return tuple(items) if all(isinstance(i, str) for i in items) else None
    return value if type(value) is want else None


def _required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING


def _inherited(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    """The keys of a target file over those of the file that it inherits from."""
    if path in seen:
        raise TargetError(f"{path} inherits from itself")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TargetError(f"cannot read target file {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TargetError(f"{path} is not valid TOML: {error}") from error
    parent = values.pop("inherits", None)
    if parent is None:
        return values
    if not isinstance(parent, str):
        raise TargetError(f"{path}: inherits must be the name of a target or the path of a file")
    if parent.endswith(".toml"):
        base = path.parent / parent
    else:
        base = _BUILT_IN / f"{parent}.toml"
        if not base.is_file():
            names = [p.stem for p in _BUILT_IN.glob("*.toml")]
            raise TargetError(
                f"{path} inherits from unknown target '{parent}'",
                hint=did_you_mean(parent, names) or f"known: {', '.join(names)}",
            )
    return _inherited(base, (*seen, path)) | values
