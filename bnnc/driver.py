# SPDX-License-Identifier: Apache-2.0
"""The driver: what ``import bnnc`` and the command line offer, put together from the parts.

The only place that sees frontends, passes and backends at once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from bnnc import arrays as batches
from bnnc.backends import Manifest, Target, emit_project, read_manifest, run_project
from bnnc.backends.measure import Measurement, measure_folder
from bnnc.frontends import ImportOptions
from bnnc.frontends import load as import_model
from bnnc.ir import interpreter
from bnnc.ir.diagnostics import Remark, UsageError, did_you_mean
from bnnc.ir.module import Module
from bnnc.ir.text import parse_module, read_module

from .keras_model import KerasModel, model_file
from .lowering import (
    QUANTIZATION_OPTIONS,
    as_target,
    lower,
    plan,
    plan_to_interpret,
    quantized,
    split_target,
)

if TYPE_CHECKING:
    from bnnc.comparison import Tolerances
    from bnnc.explanation import Explanation
    from bnnc.verification import Verification

__all__ = [
    "Compiled",
    "ModelLike",
    "bench",
    "compile",
    "explain",
    "interpret",
    "load",
    "lower",
    "parse",
    "plan",
    "run",
    "verify",
]

ModelLike: TypeAlias = "Module | str | PathLike[str] | KerasModel"
IR_SUFFIX = ".bnn"


def load(path: str | PathLike[str], **import_options: Any) -> Module:
    """Read a model file; its suffix chooses the frontend.

    Args:
        path: a model of a framework, or textual IR (``.bnn``), which resumes at its stage.
        **import_options: fields of `bnnc.frontends.ImportOptions`: ``batch``, ``input_shapes``,
            ``input_names``, ``output_names``, ``set_values``, ``signature``.

    Raises:
        UsageError: for an unreadable file, an unknown suffix or an option that does not apply.
        ImportFailure: when the model uses what is not supported.
        IRError: for faulty IR text.
    """
    file = Path(path)
    known = ImportOptions.__dataclass_fields__
    for name in import_options:
        if name not in known:
            hint = did_you_mean(name, known) or f"import options are {', '.join(known)}"
            raise UsageError(f"there is no import option '{name}'", hint=hint)
    options = ImportOptions(**import_options)
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
    """A module as it is, the model file that a path names, or a Keras model in memory."""
    if isinstance(model, Module):
        return model
    if isinstance(model, str | PathLike):
        return load(model, **import_options)
    with model_file(model) as path:
        return load(path, **import_options)


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
    threads: bool = False,
    import_options: Mapping[str, Any] | None = None,
    **lowering: Any,
) -> Compiled:
    """Compile a model to C and packed weights.

    Args:
        model: a module, the path of a model file, or a Keras model.
        target: name or TOML file of the target.
        out: the folder to write, by default ``./NAME``; one that bnnc made is replaced whole.
        name: a C identifier for files and symbols, by default the module's name.
        embed: put the weights into a C file instead of ``NAME.bnnw``.
        threads: let layers be run in parts, and write a pool of POSIX threads that does it.
        import_options: how to read the model file, see `load`.
        **lowering: options of `lower`: ``passes``, ``strict_sign``, ``verify_each`` and so on, and
            those of quantization: ``quantize`` (``int8`` or ``dynamic``), ``calibrate`` (an
            ``.npz`` file or arrays by input name), ``calibrator``, ``keep_float``, ``io``.
    """
    module = as_module(model, **(import_options or {}))
    chosen = as_target(target)
    remarks: list[Remark] = lowering.setdefault("remarks", [])
    planned = plan(module, chosen, **lowering)
    if name is not None:
        planned.name = name
    folder = Path(out) if out is not None else Path(planned.name)
    manifest = emit_project(planned, folder, embed=embed, threads=threads)
    return Compiled(planned, chosen, folder, manifest, remarks)


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
    planned = (plan_to_interpret if interpreted else plan)(module, chosen, **lowering)
    if arrays is None:
        arrays = batches.random_arrays(planned.inputs, batches.batch_of(planned.inputs))
        remarks.append(Remark("", "no inputs given, seeded random ones are used"))
    if interpreted:
        return interpret(planned, arrays, mapping=mapping, remarks=remarks)
    batches.prepare(planned.inputs, arrays, mapping=mapping)  # complain before building
    with tempfile.TemporaryDirectory(prefix="bnnc-run-") as folder:
        compiled = compile(planned, chosen, Path(folder) / planned.name)
        return compiled.run(arrays, mapping=mapping, remarks=remarks)


def bench(
    model: ModelLike,
    target: str | Target | None = None,
    *,
    layers: bool = False,
    compiler: str | None = None,
    threads: int = 0,
    import_options: Mapping[str, Any] | None = None,
    **lowering: Any,
) -> Measurement:
    """Time a network, or count the instructions that it executes where the target is emulated.

    Args:
        model: a module, the path of a model file, a Keras model, or a folder that `compile` wrote.
        target: name or TOML file, by default that of the folder, ``c`` for a model.
        layers: measure every layer too.
        compiler: this C compiler instead of the target's.
        threads: run in parts by so many threads, timed by wall time; 0 for code without threads.
        import_options: how to read the model file, see `load`.
        **lowering: options of `lower`, as `compile` takes them.
    """
    manifest = None
    if isinstance(model, str | PathLike):
        manifest = read_manifest(Path(model))
    if isinstance(model, str | PathLike) and manifest is not None:
        chosen = as_target(target or manifest.target)
        return measure_folder(
            Path(model), chosen, layers=layers, compiler=compiler, threads=threads
        )
    with tempfile.TemporaryDirectory(prefix="bnnc-bench-") as folder:
        module = as_module(model, **(import_options or {}))
        out = Path(folder) / module.name
        compiled = compile(module, target or "c", out, threads=threads > 0, **lowering)
        return measure_folder(
            out, compiled.target, layers=layers, compiler=compiler, threads=threads
        )


def verify(
    model: ModelLike,
    target: str | Target = "c",
    arrays: Mapping[str, np.ndarray] | None = None,
    *,
    reference: Mapping[str, np.ndarray] | None = None,
    mapping: Mapping[str, str] | None = None,
    map_output: Mapping[str, str] | None = None,
    tolerances: Tolerances | None = None,
    project: str | PathLike[str] | None = None,
    import_options: Mapping[str, Any] | None = None,
    progress: Callable[[str], None] | None = None,
    **lowering: Any,
) -> Verification:
    """Compare reference, interpreter and generated code layer by layer.

    Args:
        model: a module, the path of a model file, or a Keras model.
        target: as for `run`; ``interp:T`` leaves the generated code out.
        arrays: inputs [N, ...]; None for two calls of seeded random ones.
        reference: outputs by public name, or intermediate tensors with keys ``Op|node~name``.
        mapping: input name to key of ``arrays``.
        map_output: output name to key of ``reference``.
        tolerances: for floats and ties.
        project: a folder that the model was compiled to, to be verified instead of fresh code.
        import_options: how to read the model file, see `load`.
        progress: called with what is being done.
        **lowering: options of `lower`.
    """
    from bnnc.verification import verify_module

    chosen, interpreted = split_target(target)
    remarks: list[Remark] = lowering.setdefault("remarks", [])
    given = quantized(as_module(model, **(import_options or {})), chosen, **lowering)
    lowering = {k: v for k, v in lowering.items() if k not in QUANTIZATION_OPTIONS}
    options: dict[str, Any] = {"map_output": map_output or {}, "lowering_remarks": remarks}
    options |= {"tolerances": tolerances} if tolerances else {}
    options |= {"progress": progress} if progress else {}
    options |= {"project": Path(project)} if project is not None else {}
    return verify_module(
        given,
        (plan_to_interpret if interpreted else plan)(given, chosen, **lowering),
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
    from bnnc.explanation import HYBRID, explain_module

    chosen, _ = split_target(target)
    given = as_module(model, **(import_options or {}))
    remarks: list[Remark] = lowering.setdefault("remarks", [])
    if given.attrs.get("hybrid"):
        remarks.append(Remark("", HYBRID))
    return explain_module(given, plan_to_interpret(given, chosen, **lowering), remarks)
