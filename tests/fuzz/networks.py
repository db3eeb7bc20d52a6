# SPDX-License-Identifier: Apache-2.0
"""What every network must pass.

Each pass keeps the function; text keeps the module, at any stage and in the files that `dump`
writes; generated code equals the interpreter in every bit of every tensor, under sanitizers.
"""

from __future__ import annotations

import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bnnc.driver import lower, plan
from bnnc.ir import Module
from bnnc.ir.diagnostics import BnncError, TargetError
from bnnc.ir.text import parse_module, print_module, read_module, write_module
from bnnc.ir.text.keys import side_file_keys
from bnnc.passes.fold_thresholds import recheck

from . import samples
from .fault import Fault
from .native import Native
from .pass_checks import PassWatch

BATCH = 16


@dataclass
class Case:
    """One network: as it was made, and as it will be emitted."""

    name: str
    given: Module
    planned: Module
    inputs: list[dict[str, np.ndarray]]


@dataclass
class Tally:
    """What a campaign has seen.

    Attributes:
        counts: networks, tensors compared, networks that the target refused, and so on.
        faults: the networks that broke a rule.
    """

    counts: Counter[str] = field(default_factory=Counter[str])
    faults: list[tuple[str, Module, Fault]] = field(default_factory=list[tuple[str, Module, Fault]])


def lowered(name: str, module: Module, target: str, counts: Counter[str]) -> Case | None:
    """Lower a network, watched pass by pass; None when the target refuses it.

    Raises:
        Fault: a rule is broken.
    """
    inputs = samples.ordinary(module)
    watch = PassWatch(inputs)
    try:
        planned = plan(module, target, observers=[watch])
        _check_text(module)
        _check_files(module, planned, target, len(module.func.ops))
    except TargetError:
        counts["refused"] += 1
        return None
    except BnncError as error:
        raise Fault(type(error).__name__, str(error)) from error
    except Fault:
        raise
    except Exception as error:
        raise Fault("crash", traceback.format_exc(limit=-6)) from error
    if wrong := recheck(planned):
        raise Fault("thresholds", str(wrong[0]))
    counts["excused by a tie"] += watch.excused
    return Case(name, module, planned, [*inputs, samples.special(module)])


def _check_text(module: Module) -> None:
    keys = side_file_keys(module)
    stored = {keys[s]: r.stored for s, r in module.resources.items()}
    text = print_module(module)
    again = parse_module(text, resources=stored)
    if again != module or print_module(again) != text:
        raise Fault("text", "parse(print(m)) is another module")


def _check_files(module: Module, planned: Module, target: str, dice: int) -> None:
    """Lowering that stops, is written, read and resumed leads to the same module.

    Within a stage all of its passes run again. That changes nothing up to fold-linear; behind it
    stand rewrites for a target that an earlier pass may find something in.
    """
    stages = ["fold-constants", "canonicalize", "binarize", "fold-linear", "pack-weights", ""]
    after = stages[dice % len(stages)]
    if after in stages[:3] and module.stage.rank > 0:
        after = "fold-linear"
    stopped = lower(module, target, after=after) if after else planned
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.bnn"
        write_module(stopped, path)
        read = read_module(path)
        if read != stopped:
            raise Fault("files", f"written and read after '{after or 'planning'}' it differs")
        resumed = plan(read, target)
    if print_module(resumed) != print_module(planned):
        raise Fault("files", f"resumed from the text after '{after}' the plan differs")


def run_batch(native: Native, cases: list[Case], tally: Tally) -> None:
    """Build networks together and compare each with the interpreter."""
    try:
        library = native.build({c.name: c.planned for c in cases})
    except (Fault, BnncError) as error:
        if len(cases) > 1:
            for case in cases:
                run_batch(native, [case], tally)
            return
        fault = error if isinstance(error, Fault) else Fault(type(error).__name__, str(error))
        tally.faults.append((cases[0].name, cases[0].given, fault))
        return
    for case in cases:
        try:
            tally.counts["tensors"] += native.check(library, case.name, case.planned, case.inputs)
        except Fault as fault:
            tally.faults.append((case.name, case.given, fault))
        native.clean(case.name)
    library.unlink()


def campaign(
    native: Native,
    networks: Iterable[tuple[str, Module]],
    tally: Tally,
    stop: Callable[[], bool] = lambda: False,
) -> Tally:
    """Check networks, given with C names, until there are no more or `stop` says so.

    What `stop` is asked for, after each batch, is whether time is up.
    """
    batch: list[Case] = []
    for name, module in networks:
        tally.counts["networks"] += 1
        try:
            case = lowered(name, module, native.target.name, tally.counts)
        except Fault as fault:
            tally.faults.append((name, module, fault))
        else:
            batch += [case] if case else []
        if len(batch) == BATCH:
            run_batch(native, batch, tally)
            batch = []
            if stop():
                break
    if batch:
        run_batch(native, batch, tally)
    return tally
