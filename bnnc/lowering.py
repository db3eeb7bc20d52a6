# SPDX-License-Identifier: Apache-2.0
"""Lowering: the standard pipeline from any stage to planned, and pipelines of the user's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from bnnc.backends import Target, find_target, kernel_table, lowering_pipeline
from bnnc.ir.diagnostics import PassError, Remark, UsageError
from bnnc.ir.module import Module, Stage
from bnnc.ir.operation import Op
from bnnc.passes import (
    Pass,
    find_pass,
    load_pass_file,
    parse_pipeline,
    registered_passes,
)
from bnnc.passes.manager import Observer, PassManager
from bnnc.passes.pipeline import make_pass, split_pipeline
from bnnc.passes.pipelines import standard

from .quantization import Quantization, quantization_of

QUANTIZATION_OPTIONS = (
    *("quantize", "calibrate", "calibrator", "keep_float", "io"),
    *("calibrate_map", "calibrate_progress", "equalize", "bias_correction"),
)


def as_target(target: str | Target) -> Target:
    """A target as it is, or the one that a name or TOML file stands for."""
    return target if isinstance(target, Target) else find_target(target)


def split_target(target: str | Target) -> tuple[Target, bool]:
    """A target, and whether it means the interpreter: ``interp`` is ``interp:c``."""
    if isinstance(target, Target):
        return target, False
    head, colon, rest = target.partition(":")
    if head == "interp":
        return find_target(rest if colon else "c"), True
    return find_target(target), False


def standard_passes(
    stage: Stage,
    target: Target,
    *,
    strict_sign: bool = False,
    quantization: Quantization | None = None,
) -> list[Pass]:
    """The passes that take a module from a stage to planned for a target."""
    passes = parse_pipeline(standard(strict_sign=strict_sign))
    passes += quantization.passes() if quantization else []
    reached = Stage.IMPORTED
    rest: list[Pass] = []
    for pass_ in [*passes, *parse_pipeline(lowering_pipeline(target))]:
        if reached.rank >= stage.rank:
            rest.append(pass_)
        reached = pass_.produces or reached
    return rest


def known_passes(files: Iterable[str | PathLike[str]] = ()) -> list[type[Pass]]:
    """All passes by name, those of the backends too, after those of Python files were loaded."""
    for file in files:
        load_pass_file(Path(file))
    return list(registered_passes().values())


def make_pipeline(
    stage: Stage,
    target: Target,
    passes: str | None = None,
    *,
    strict_sign: bool = False,
    quantization: Quantization | None = None,
) -> list[Pass]:
    """The passes of a pipeline string, in which ``default`` is the standard one.

    ``default`` resumes at the stage that the passes before it lead to.
    """
    found: list[Pass] = []
    for name, options in split_pipeline("default" if passes is None else passes):
        if name == "default":
            found += standard_passes(
                stage, target, strict_sign=strict_sign, quantization=quantization
            )
        else:
            found.append(make_pass(find_pass(name), options))
        stage = next((p.produces for p in reversed(found) if p.produces), stage)
    return found


def lower(
    module: Module,
    target: str | Target = "c",
    *,
    passes: str | None = None,
    after: str | None = None,
    strict_sign: bool = False,
    verify_each: bool = True,
    check_each: bool = False,
    observers: Sequence[Observer] = (),
    remarks: list[Remark] | None = None,
    **quantization: Any,
) -> Module:
    """Run a pipeline on a copy of a module, from the stage it is in.

    Args:
        module: a module of any stage; it stays as it is.
        target: name or TOML file of the target.
        passes: the whole pipeline, ``default`` in it is the standard one; None for that alone.
        after: stop after the last pass of this name.
        strict_sign: refuse a sign that gives 0 where that can happen.
        verify_each: verify the module after every pass.
        check_each: interpret before and after every pass and compare.
        observers: called around every pass.
        remarks: what the passes have to say is added here.
        **quantization: ``quantize``, ``calibrate``, ``calibrator``, ``keep_float``, ``io``,
            ``equalize``, ``bias_correction``, see `quantization_of`; they are part of the standard
            pipeline.

    Raises:
        PassError: for a faulty pipeline, or when a pass fails.
        UsageError: for an option of quantization that does not fit, or calibration data.
    """
    quantized = _quantization(module, passes, quantization)
    pipeline = make_pipeline(
        module.stage, as_target(target), passes, strict_sign=strict_sign, quantization=quantized
    )
    if after is not None:
        pipeline = _until(pipeline, after)
    manager = PassManager(verify_each=verify_each, check_each=check_each, observers=observers)
    copy = module.clone()
    try:
        manager.run(copy, pipeline)
    finally:
        if remarks is not None:
            remarks += manager.remarks
    return copy


def _quantization(
    module: Module, passes: str | None, options: dict[str, Any]
) -> Quantization | None:
    found = quantization_of(**options)
    if found is None:
        return None
    if module.stage.rank > Stage.BINARIZED.rank:
        raise UsageError(
            f"a module of stage {module.stage.value} is not quantized any more",
            hint="start from the model, or from text of stage binarized or before",
        )
    if passes is not None and "default" not in (name for name, _ in split_pipeline(passes)):
        raise UsageError("--quantize belongs to the pipeline 'default', --passes has no such word")
    return found


def quantized(module: Module, target: str | Target = "c", **options: Any) -> Module:
    """A module as it is, or with options of quantization its integers, at stage binarized.

    The integers are what the quantized network means: what compares it with what it is lowered
    to must start from them.
    """
    found = quantization_of(
        **{name: options[name] for name in QUANTIZATION_OPTIONS if name in options}
    )
    if found is None:
        return module
    return lower(module, target, after=found.last_pass, **options)


def _until(pipeline: Sequence[Pass], name: str) -> list[Pass]:
    find_pass(name)
    positions = [i for i, pass_ in enumerate(pipeline) if pass_.name == name]
    if not positions:
        raise PassError(
            f"pass '{name}' is not in the pipeline",
            hint=f"it runs {', '.join(dict.fromkeys(p.name for p in pipeline)) or 'nothing'}",
        )
    return list(pipeline[: positions[-1] + 1])


def plan(module: Module, target: str | Target = "c", **options: Any) -> Module:
    """`lower` to stage planned.

    Raises:
        PassError: when the pipeline ends before that stage.
        UsageError: when the module was lowered for another target before.
    """
    chosen = as_target(target)
    planned = lower(module, chosen, **options)
    if planned.stage is not Stage.PLANNED:
        raise PassError(
            f"the pipeline ends at stage {planned.stage.value}, code needs stage planned",
            hint="end it with 'default'",
        )
    lowered_for = planned.attrs.get("target")
    if lowered_for != chosen.name:
        raise UsageError(
            f"the module is lowered for target '{lowered_for}', not '{chosen.name}'",
            hint=f"give --target {lowered_for}, or start from an earlier stage",
        )
    return planned


def plan_to_interpret(module: Module, target: str | Target = "c", **options: Any) -> Module:
    """`plan`, but a network of quantized bytes that no kernel computes stays at stage binarized.

    Its arithmetic is in integers, so that what it computes does not depend on a target.
    """
    if options.get("passes") is not None or module.stage.rank > Stage.BINARIZED.rank:
        return plan(module, target, **options)
    if not any(without_kernels(op) for op in module.func.ops):
        return plan(module, target, **options)
    strict_sign = bool(options.get("strict_sign"))
    options["passes"] = standard(module.stage, strict_sign=strict_sign)
    return lower(module, target, **options)


def without_kernels(op: Op) -> bool:
    """Whether an operation works on quantized bytes, and no kernel of any target computes that."""
    if op.NAME.startswith("q."):
        return op.NAME not in kernel_table().by_op
    return any(
        v.type.scalar.name == "i8" or (v.type.quant is not None and not v.type.scalar.is_float)
        for v in op.operands
    )
