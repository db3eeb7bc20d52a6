# SPDX-License-Identifier: Apache-2.0
"""A planned module as a flat list of kernel calls over named pointers."""

from __future__ import annotations

from dataclasses import dataclass

from bnnc.ir import Module, Op, Resource, Stage, Value, bin
from bnnc.ir.diagnostics import PassError, TargetError

from ..kernel_table import kernel_slots, kernel_table
from ..lowering.check_plan import check_plan
from ..params import Call, calls_of, nbytes_of
from ..storage import alias_root, caller_buffers, output_copies
from ..target import Target, find_target

_ACCESS = {"f32": "F32", "i32": "I32", "i16": "I16"}
_C_TYPES = {"f32": "float", "i32": "int32_t", "i16": "int16_t"}


@dataclass(frozen=True)
class Step:
    """One operation: its index in the function and its kernel calls (none for an alias)."""

    index: int
    op: Op
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class Program:
    """What is emitted: steps, the constants in the order of their first use, final copies."""

    module: Module
    target: Target
    steps: tuple[Step, ...]
    resources: tuple[Resource, ...]
    copies: tuple[tuple[int, Value], ...]

    @property
    def flushes(self) -> bool:
        """Whether some kernel sums in vectors that flush denormals."""
        layers = [s.op for s in self.steps if isinstance(s.op, bin.Layer)]
        return any(op.order == "muladd.ftz" for op in layers)

    @property
    def arena_bytes(self) -> int:
        """Size of the arena."""
        return int(str(self.module.attrs["arena_bytes"]))

    @property
    def arena_align(self) -> int:
        """What the planner aligned tensors to, within the arena."""
        return int(str(self.module.attrs["arena_align"]))

    def weight_bytes(self, op: Op) -> int:
        """Packed bytes of the constants that an operation's kernel reads."""
        found = {v for _, v in kernel_slots(op) if isinstance(v, Resource)}
        return sum(nbytes_of(r.type) for r in found)


def program_of(module: Module) -> Program:
    """Read the calls off a planned module; the memory plan is checked again.

    Raises:
        PassError: the module is not planned.
        IRError: the memory plan is wrong.
        TargetError: its target is not known, or it has no inputs or outputs.
    """
    if module.stage != Stage.PLANNED:
        raise PassError(
            f"C is emitted from stage planned, the module is {module.stage.value}",
            hint="run the target's lowering pipeline first",
        )
    func = module.func
    if not func.args or not func.results:
        raise TargetError(f"model '{module.name}' needs at least one input and one output")
    check_plan(module)
    table = kernel_table()
    steps: list[Step] = []
    resources: dict[Resource, None] = {}
    for index, op in enumerate(func.ops):
        kernel = table.of(op)
        calls = tuple(calls_of(op, kernel)) if kernel else ()
        steps.append(Step(index, op, calls))
        for call in calls:
            resources |= dict.fromkeys(
                r for r in map(_root, call.operands) if isinstance(r, Resource)
            )
    copies = output_copies(func)
    resources |= dict.fromkeys(r for _, r in copies if isinstance(r, Resource))
    target = find_target(str(module.attrs["target"]))
    return Program(module, target, tuple(steps), tuple(resources), tuple(copies))


def _root(value: Value | None) -> Value | None:
    return None if value is None else alias_root(value)


@dataclass(frozen=True)
class Pointers:
    """C expressions for the bytes of values: caller's buffers, arena ``a``, weights ``w``."""

    program: Program
    offsets: dict[Resource, int]

    def of(self, value: Value | None) -> str:
        """The typed pointer to a value; NULL for an operand that is not there."""
        if value is None:
            return "NULL"
        root = alias_root(value)
        kind = _ACCESS.get(value.type.scalar.name, "U8")
        if isinstance(root, Resource):
            return f"W_{kind}({self.offsets[root]})"
        buffer = caller_buffers(self.program.module.func).get(root)
        if buffer is not None:
            return f"{buffer.kind}{buffer.index}"
        if root.owner is None or root.owner.at is None:
            raise PassError(f"{root} has no place in memory")
        return f"A_{kind}({root.owner.at[root.index]})"


def c_type(value: Value) -> str:
    """The C type of a tensor's elements in memory."""
    return _C_TYPES.get(value.type.scalar.name, "uint8_t")
