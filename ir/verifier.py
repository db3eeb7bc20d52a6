# SPDX-License-Identifier: Apache-2.0
"""Verification: what must hold for every module, and what each stage asks for besides.

Each rule is a small generator of findings; `bnnc.ir.stage_rules` has those of the stages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias, cast

from .diagnostics import Diagnostic, IRError, Span
from .finding import Finding
from .layouts import layout_of
from .module import Module, Stage
from .operation import Op
from .stage_rules import STAGE_RULES
from .text.attributes import declared, describe, fits, is_name, spell
from .text.printer import PrintedModule, print_lines
from .types import TensorType
from .value import Resource, Value

Rule: TypeAlias = Callable[[Module], Iterable[Finding]]


def verify(module: Module, stage: Stage | None = None) -> None:
    """Check a module against all rules.

    Args:
        module: what to check; of the data of its constants only that of quantized layers is
            looked at.
        stage: the stage whose rules apply, by default the module's own.

    Raises:
        IRError: with all findings, each shown in the text that the operation was parsed from, or
            in the printed module.
    """
    wanted = module.stage if stage is None else stage
    found = [f for rule in GENERAL_RULES for f in rule(module)]
    # Stage rules may rely on what holds for every module.
    found = found or [f for rule in STAGE_RULES[wanted] for f in rule(module, wanted)]
    if found:
        raise IRError(f"module @{module.name} does not verify", diagnostics=_shown(module, found))


def _shown(module: Module, found: list[Finding]) -> list[Diagnostic]:
    printed = print_lines(module)
    return [Diagnostic(f.message, _place(f.where, module, printed), f.hint) for f in found]


def _place(where: Op | Resource | None, module: Module, printed: PrintedModule) -> Span | None:
    """The place in the text that was parsed if it still shows the operation, else in the print."""
    if isinstance(where, Op):
        span = where.loc.span
        if span is not None and span.source.find(f"{where.NAME}(") == span.column - 1:
            return span
    line = printed.line_of.get(where) if where is not None else None
    if line is None:
        return None
    text = printed.lines[line]
    marked = where.NAME if isinstance(where, Op) else text.split()[1]
    return Span(f"<{module.name}>", line + 1, text.find(marked) + 1, text, len(marked))


def public_names(module: Module) -> Iterator[Finding]:
    """Inputs and outputs have one distinct public name each."""
    func = module.func
    for what, names, values in (
        ("input", func.input_names, func.args),
        ("output", func.output_names, func.results),
    ):
        if len(names) != len(values):
            yield Finding(f"{len(values)} {what}s but {len(names)} public names")
        for name, count in Counter(names).items():
            if count > 1:
                yield Finding(f"the {what} name '{name}' is used {count} times")


def module_attributes(module: Module) -> Iterator[Finding]:
    """Attribute names can be spelled; values are numbers, strings, flags and tuples of them."""
    for name, value in module.attrs.items():
        if not is_name(name) or name == "stage":
            yield Finding(f"'{name}' cannot be the name of a module attribute")
        if not _is_attribute_value(value):
            yield Finding(f"module attribute '{name}' is a {type(value).__name__}")


def _is_attribute_value(value: object) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_attribute_value, cast("tuple[object, ...]", value)))
    return isinstance(value, bool | int | float | str)


def definitions(module: Module) -> Iterator[Finding]:
    """Every value is defined once, before its uses; constants are the module's own."""
    defined: set[Value] = set(module.func.args)
    if len(defined) != len(module.func.args):
        yield Finding("an argument is listed twice")
    for op in module.func.walk():
        for name, value in op.operand_slots():
            if isinstance(value, Resource):
                if module.resources.get(value.symbol) is not value:
                    yield Finding(f"operand {name}: @{value.symbol} is not in the module", op)
            elif value is not None and value not in defined:
                yield Finding(f"operand {name} is not defined before its use", op)
        for index, result in enumerate(op.results):
            if result in defined or result.owner is not op or result.index != index:
                yield Finding(f"result {index} belongs to another operation", op)
            defined.add(result)


def use_lists(module: Module) -> Iterator[Finding]:
    """Use lists say exactly who uses a value."""
    expected: dict[Value, Counter[Op]] = {}
    values: list[Value] = [*module.func.args, *module.resources.values()]
    for op in module.func.walk():
        for value in op.operands:
            expected.setdefault(value, Counter())[op] += 1
        values += op.results
        if not op.linked and op.operands:
            yield Finding("the operation is not linked to its operands", op)
    for value in values:
        if dict(expected.get(value, {})) != value.uses:
            where = value.owner if value.owner else value if isinstance(value, Resource) else None
            yield Finding(f"the use list of {value!r} is wrong", where)


def attribute_values(module: Module) -> Iterator[Finding]:
    """Attributes are what is declared."""
    for op in module.func.walk():
        yield from _misfits(op)


def _misfits(op: Op) -> Iterator[Finding]:
    for name, spec in declared(type(op)).items():
        value: object = getattr(op, name)
        if value is spec.default:
            continue
        if not fits(value, spec.annotation):
            wanted = describe(spec.annotation)
            yield Finding(f"attribute '{name}' is {spell(value)}, expected {wanted}", op)


def types(module: Module) -> Iterator[Finding]:
    """Result types are what the operation infers, and their layouts can hold them."""
    for op in module.func.walk():
        if next(_misfits(op), None):
            continue  # `infer` may rely on the declared kinds
        try:
            inferred = op.infer()
        except IRError as error:
            yield Finding(error.message, op, error.hint)
            continue
        if len(inferred) != len(op.results):
            yield Finding(f"{len(op.results)} results, the operation gives {len(inferred)}", op)
        for want, result in zip(inferred, op.results, strict=False):
            if not want.same_elements(result.type):
                yield Finding(f"the result is {result.type}, the operation gives {want}", op)
            yield from _storable(result.type, module, op)
    for arg in module.func.args:
        yield from _storable(arg.type, module, None)


def resources(module: Module) -> Iterator[Finding]:
    """Constants are listed under their own symbol, with types that can be stored."""
    for symbol, resource in module.resources.items():
        if symbol != resource.symbol or not symbol:
            yield Finding(f"@{resource.symbol} is listed as '{symbol}'", resource)
        yield from _storable(resource.type, module, resource)


def _storable(type_: TensorType, module: Module, where: Op | Resource | None) -> Iterator[Finding]:
    try:
        layout_of(type_)
    except IRError as error:
        yield Finding(error.message, where, error.hint)
    if type_.quant is None:
        return
    for part in (type_.quant.scale, type_.quant.zero):
        if isinstance(part, str) and part not in module.resources:
            yield Finding(f"the quantization names @{part}, which is not in the module", where)


GENERAL_RULES: tuple[Rule, ...] = (
    public_names,
    module_attributes,
    definitions,
    use_lists,
    attribute_values,
    types,
    resources,
)
