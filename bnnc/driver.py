# SPDX-License-Identifier: Apache-2.0
"""The driver: what ``import bnnc`` and the command line offer, put together from the parts.

The only place that sees frontends, passes and backends at once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from bnnc import arrays as batches
from bnnc.backends import (
    Manifest,
    Target,
    emit_project,
    find_target,
    lowering_pipeline,
    run_project,
)
from bnnc.frontends import ImportOptions
from bnnc.frontends import load as import_model
from bnnc.ir import interpreter
from bnnc.ir.diagnostics import PassError, Remark, UsageError
from bnnc.ir.module import Module, Stage
from bnnc.ir.text import parse_module, read_module
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

if TYPE_CHECKING:
    from bnnc.comparison import Tolerances
    from bnnc.explanation import Explanation
    from bnnc.verification import Verification

ModelLike: TypeAlias = "Module | str | PathLike[str]"
IR_SUFFIX = ".bnn"


def load(path: str | PathLike[str], **import_options: Any) -> Module:
    """Read a model file; its suffix chooses the frontend.

    Args:
        path: a model of a framework, or textual IR (``.bnn``), which resumes at its stage.
        **import_options: fields of `bnnc.frontends.ImportOptions`: ``batch``, ``input_shapes``,
            ``input_names``, ``output_names``, ``set_values``.

    Raises:
        UsageError: for an unreadable file, an unknown suffix or an option that does not apply.
        ImportFailure: when the model uses what is not supported.
        IRError: for faulty IR text.
    """
    file = Path(path)
    try:
        options = ImportOptions(**import_options)
    except TypeError as error:
        known = ", ".join(ImportOptions.__dataclass_fields__)
        raise UsageError(f"{error}", hint=f"import options are {known}") from None
    if file.suffix != IR_SUFFIX:
        return import_model(file, options)
    if options != ImportOptions():
        raise UsageError(
            f"{file} is IR text, import options do not apply to it",
            hint="give them where the model is first read, e.g. to `bnnc dump`",
        )
    if not file.is_file():
        raise UsageError(f"no such file: {file}")
    return read_module(file)


def parse(text: str, filename: str = "<string>") -> Module:
    """Parse textual IR; constants that the text does not hold inline cannot be read."""
    return parse_module(text, filename)


def as_module(model: ModelLike, **import_options: Any) -> Module:
    """A module as it is, or the model file that a path names."""
    return model if isinstance(model, Module) else load(model, **import_options)


def as_target(target: str | Target) -> Target:
    """A target as it is, or the one that a name or TOML file stands for."""
    return target if isinstance(target, Target) else find_target(target)


def interpret(
    module: Module,
    arrays: Mapping[str, np.ndarray],
    *,
    mapping: Mapping[str, str] | None = None,
    remarks: list[Remark] | None = None,
) -> dict[str, np.ndarray]:
    """Run the reference interpreter on N samples, in chunks of the module's batch.

    Args:
        module: a module of any stage.
        arrays: public input name (or key) to array [N, ...].
        mapping: input name to key of ``arrays``, where they differ.
        remarks: told when a key is taken although it bears another name.

    Returns:
        Public output name to array [N, ...], in graph order.
    """
    inputs = batches.prepare(module.inputs, arrays, mapping=mapping, remarks=remarks)
    return batches.run_in_batches(
        lambda chunk: interpreter.interpret(module, chunk), module.inputs, module.outputs, inputs
    )


def standard_passes(stage: Stage, target: Target, *, strict_sign: bool = False) -> list[Pass]:
    """The passes that take a module from a stage to planned for a target."""
    text = ",".join([standard(strict_sign=strict_sign), lowering_pipeline(target)])
    reached = Stage.IMPORTED
    rest: list[Pass] = []
    for pass_ in parse_pipeline(text):
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
    stage: Stage, target: Target, passes: str | None = None, *, strict_sign: bool = False
) -> list[Pass]:
    """The passes of a pipeline string, in which ``default`` is the standard one.

    ``default`` resumes at the stage that the passes before it lead to.
    """
    found: list[Pass] = []
    for name, options in split_pipeline("default" if passes is None else passes):
        if name == "default":
            found += standard_passes(stage, target, strict_sign=strict_sign)
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

    Raises:
        PassError: for a faulty pipeline, or when a pass fails.
    """
    pipeline = make_pipeline(module.stage, as_target(target), passes, strict_sign=strict_sign)
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
    """`lower` to stage planned; a pipeline that ends before it is a pass error."""
    planned = lower(module, target, **options)
    if planned.stage is not Stage.PLANNED:
        raise PassError(
            f"the pipeline ends at stage {planned.stage.value}, code needs stage planned",
            hint="end it with 'default'",
        )
    return planned


@dataclass(frozen=True)
class Compiled:
    """An emitted project.

    Attributes:
        module: the planned IR that the code was written from.
        target: what it was compiled for.
        out: the folder with the emitted files.
        manifest: sizes, layers and hashes, as in ``manifest.json``.
        remarks: what the passes had to say.
    """

    module: Module
    target: Target
    out: Path
    manifest: Manifest
    remarks: list[Remark] = field(default_factory=list[Remark])

    def run(
        self,
        arrays: Mapping[str, np.ndarray],
        *,
        mapping: Mapping[str, str] | None = None,
        remarks: list[Remark] | None = None,
    ) -> dict[str, np.ndarray]:
        """Build the project on first use and execute it on N samples.

        Arguments and result are those of `interpret`.

        Raises:
            TargetError: when the compiler or the emulator is missing.
        """
        inputs, outputs = self.module.inputs, self.module.outputs
        chosen = batches.prepare(inputs, arrays, mapping=mapping, remarks=remarks)
        padded, count = batches.pad_batches(inputs, chosen)
        found = run_project(self.out, self.module, padded, self.target)
        return batches.cut(found, outputs, batches.batch_of(inputs), count)


def compile(  # the public name; nothing here needs Python's own
    model: ModelLike,
    target: str | Target = "c",
    out: str | PathLike[str] | None = None,
    *,
    name: str | None = None,
    embed: bool = False,
    import_options: Mapping[str, Any] | None = None,
    **lowering: Any,
) -> Compiled:
    """Compile a model to C and packed weights.

    Args:
        model: a module, or the path of a model file.
        target: name or TOML file of the target.
        out: the folder to write, by default ``./NAME``; one that bnnc made is replaced whole.
        name: a C identifier for files and symbols, by default the module's name.
        embed: put the weights into a C file instead of ``NAME.bnnw``.
        import_options: how to read the model file, see `load`.
        **lowering: options of `lower`: ``passes``, ``strict_sign``, ``verify_each`` and so on.
    """
    module = as_module(model, **(import_options or {}))
    chosen = as_target(target)
    remarks: list[Remark] = lowering.setdefault("remarks", [])
    planned = plan(module, chosen, **lowering)
    if name is not None:
        planned.name = name
    folder = Path(out) if out is not None else Path(planned.name)
    manifest = emit_project(planned, folder, embed=embed)
    return Compiled(planned, chosen, folder, manifest, remarks)


def split_target(target: str | Target) -> tuple[Target, bool]:
    """A target, and whether it means the interpreter: ``interp`` is ``interp:c``."""
    if isinstance(target, Target):
        return target, False
    head, colon, rest = target.partition(":")
    if head == "interp":
        return find_target(rest if colon else "c"), True
    return find_target(target), False


def run(
    model: ModelLike,
    target: str | Target = "c",
    arrays: Mapping[str, np.ndarray] | None = None,
    *,
    mapping: Mapping[str, str] | None = None,
    import_options: Mapping[str, Any] | None = None,
    **lowering: Any,
) -> dict[str, np.ndarray]:
    """Execute a model on a target or, for ``interp:T``, interpret T's planned IR.

    Without arrays one batch of seeded random inputs is used.
    """
    chosen, interpreted = split_target(target)
    module = as_module(model, **(import_options or {}))
    remarks: list[Remark] = lowering.setdefault("remarks", [])
    planned = plan(module, chosen, **lowering)
    if arrays is None:
        arrays = batches.random_arrays(planned.inputs, batches.batch_of(planned.inputs))
        remarks.append(Remark("", "no inputs given, seeded random ones are used"))
    if interpreted:
        return interpret(planned, arrays, mapping=mapping, remarks=remarks)
    batches.prepare(planned.inputs, arrays, mapping=mapping)  # complain before building
    with tempfile.TemporaryDirectory(prefix="bnnc-run-") as folder:
        compiled = compile(planned, chosen, Path(folder) / planned.name)
        return compiled.run(arrays, mapping=mapping, remarks=remarks)


def verify(
    model: ModelLike,
    target: str | Target = "c",
    arrays: Mapping[str, np.ndarray] | None = None,
    *,
    reference: Mapping[str, np.ndarray] | None = None,
    mapping: Mapping[str, str] | None = None,
    map_output: Mapping[str, str] | None = None,
    tolerances: Tolerances | None = None,
    import_options: Mapping[str, Any] | None = None,
    progress: Callable[[str], None] | None = None,
    **lowering: Any,
) -> Verification:
    """Compare reference, interpreter and generated code layer by layer.

    Args:
        model: a module, or the path of a model file.
        target: as for `run`; ``interp:T`` leaves the generated code out.
        arrays: inputs [N, ...]; None for two calls of seeded random ones.
        reference: outputs by public name, or intermediate tensors with keys ``Op|node~name``.
        mapping: input name to key of ``arrays``.
        map_output: output name to key of ``reference``.
        tolerances: for floats and ties.
        import_options: how to read the model file, see `load`.
        progress: called with what is being done.
        **lowering: options of `lower`.
    """
    from bnnc.verification import verify_module

    chosen, interpreted = split_target(target)
    given = as_module(model, **(import_options or {}))
    options: dict[str, Any] = {"map_output": map_output or {}}
    options |= {"tolerances": tolerances} if tolerances else {}
    options |= {"progress": progress} if progress else {}
    return verify_module(
        given,
        plan(given, chosen, **lowering),
        None if interpreted else chosen,
        arrays,
        reference=reference,
        mapping=mapping,
        **options,
    )


def explain(
    model: ModelLike,
    target: str | Target = "c",
    *,
    import_options: Mapping[str, Any] | None = None,
    **lowering: Any,
) -> Explanation:
    """Say of every layer which kind it is, why it is not binary, and what it costs."""
    from bnnc.explanation import explain_module

    chosen, _ = split_target(target)
    given = as_module(model, **(import_options or {}))
    return explain_module(given, plan(given, chosen, **lowering))
