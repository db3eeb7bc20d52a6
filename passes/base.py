# SPDX-License-Identifier: Apache-2.0
"""What a pass is: a frozen dataclass whose fields are its options."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar, dataclass_transform

from bnnc.ir.diagnostics import PassError
from bnnc.ir.module import Module, Stage
from bnnc.ir.operation import Op

from .rewriter import Rewriter

Exactness: TypeAlias = Literal["exact", "rounding", "approximate"]
FuncT = TypeVar("FuncT", bound=Callable[..., None])
MAX_SWEEPS = 64
_MARK = "__bnnc_pattern__"


def pattern(func: FuncT) -> FuncT:
    """Mark a method ``(self, op: SomeOp, rw: Rewriter) -> None`` as a rewrite pattern.

    The annotation of its second parameter (one operation class or a union) selects the
    operations it is called with.
    """
    setattr(func, _MARK, True)
    return func


@dataclass_transform(frozen_default=True)
class Pass:
    """Base of all passes; subclasses become frozen dataclasses by themselves.

    Attributes:
        name: how pipelines spell the pass.
        consumes: the stage the module must be in, None for any.
        produces: the stage the module is in afterwards, None for unchanged.
        exactness: ``exact`` (bit-equal), ``rounding`` or ``approximate``; `--check-each` tests it.
    """

    name: ClassVar[str] = ""
    consumes: ClassVar[Stage | None] = None
    produces: ClassVar[Stage | None] = None
    exactness: ClassVar[Exactness] = "exact"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclass(frozen=True)(cls)

    def run(self, module: Module, rw: Rewriter) -> None:
        """Transform the module in place; by default apply the patterns until nothing changes."""
        patterns = patterns_of(type(self))
        if not patterns:
            raise PassError(f"pass '{self.name}' has neither patterns nor a run method")
        for _ in range(MAX_SWEEPS):
            before = rw.change_count
            for op in rw.walk():
                for kinds, method in patterns:
                    if isinstance(op, kinds):
                        method(self, op, rw)
                        if not op.linked:
                            break
            rw.prune()
            if rw.change_count == before:
                return
        raise PassError(
            f"pass '{self.name}' still changes the module after {MAX_SWEEPS} sweeps",
            hint="two of its patterns undo each other",
        )

    def spec(self) -> str:
        """The pipeline string that makes this pass again, options that differ from the default."""
        options = [
            f"{f.name}={_option_text(getattr(self, f.name))}"
            for f in dataclasses.fields(self)  # type: ignore[arg-type]
            if getattr(self, f.name) != f.default
        ]
        return f"{self.name}{{{','.join(options)}}}" if options else self.name


def _option_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def patterns_of(
    cls: type[Pass],
) -> list[tuple[tuple[type[Op], ...], Callable[[Pass, Op, Rewriter], None]]]:
    """The patterns of a pass class in the order of definition, with the classes they match."""
    found: list[tuple[tuple[type[Op], ...], Callable[[Pass, Op, Rewriter], None]]] = []
    seen: set[str] = set()
    for klass in cls.__mro__:
        for name, func in vars(klass).items():
            if getattr(func, _MARK, False) and name not in seen:
                seen.add(name)
                found.append((_matched(func), func))
    return found


def _matched(func: Callable[..., None]) -> tuple[type[Op], ...]:
    parameter = list(inspect.signature(func).parameters)[1]
    try:
        hint = typing.get_type_hints(func)[parameter]
    except (NameError, KeyError) as error:
        raise PassError(
            f"pattern {func.__qualname__}: cannot resolve the annotation of '{parameter}': {error}",
            hint="annotate it with an operation class, e.g. op: nn.Relu",
        ) from error
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return typing.get_args(hint)
    return (hint,)
