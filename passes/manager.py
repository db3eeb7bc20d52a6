# SPDX-License-Identifier: Apache-2.0
"""Running pipelines: stage checks, verification after every pass, observers, `--check-each`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from bnnc.ir.diagnostics import BnncError, IRError, PassError, Remark
from bnnc.ir.module import Module
from bnnc.ir.verifier import verify

from .base import Pass
from .check import check_pass
from .pipeline import parse_pipeline
from .rewriter import Rewriter


@dataclass(frozen=True)
class PassResult:
    """What one pass did: its spec, whether it changed anything, its log and wall seconds."""

    spec: str
    changed: bool
    seconds: float
    log: tuple[str, ...] = ()


class Observer(Protocol):
    """Called around every pass: for printing, dumping, timing, progress."""

    def before(self, pass_: Pass, module: Module) -> None:
        """Called with the module as the pass will see it."""

    def after(self, pass_: Pass, module: Module, result: PassResult) -> None:
        """Called when the pass has run, before the module is verified."""


class PassCrash(Exception):
    """A pass raised an unexpected error; carries what is needed to reproduce it."""

    def __init__(self, pass_: Pass, before: Module, error: Exception) -> None:
        super().__init__(f"pass '{pass_.spec()}' crashed: {type(error).__name__}: {error}")
        self.pass_spec = pass_.spec()
        self.module_before = before


@dataclass
class PassManager:
    """Runs passes over a module in place.

    Attributes:
        verify_each: verify the module after every pass.
        check_each: interpret before and after every pass on random input and compare as exactly
            as the pass declares.
        observers: called around every pass.
        remarks: filled with what the passes tell the user.
    """

    verify_each: bool = True
    check_each: bool = False
    observers: Sequence[Observer] = ()
    remarks: list[Remark] = field(default_factory=list[Remark])

    def run(self, module: Module, pipeline: str | Sequence[Pass]) -> list[PassResult]:
        """Run a pipeline (string or passes); errors name the passes that ran before."""
        passes = parse_pipeline(pipeline) if isinstance(pipeline, str) else pipeline
        results: list[PassResult] = []
        if self.verify_each:
            verify(module)
        for pass_ in passes:
            results.append(self._run_one(module, pass_, [r.spec for r in results]))
        return results

    def _run_one(self, module: Module, pass_: Pass, history: list[str]) -> PassResult:
        if pass_.consumes is not None and module.stage != pass_.consumes:
            raise PassError(
                f"pass '{pass_.name}' works on stage {pass_.consumes.value}, "
                f"the module is {module.stage.value}",
                hint=f"passes that ran before: {', '.join(history) or 'none'}",
            )
        for observer in self.observers:
            observer.before(pass_, module)
        before = module.clone()
        rw = Rewriter(module)
        start = time.perf_counter()
        try:
            with np.errstate(all="ignore"):  # infinities and NaN are values of float32
                pass_.run(module, rw)
            rw.prune()
        except BnncError:
            raise
        except Exception as error:
            raise PassCrash(pass_, before, error) from error
        if pass_.produces is not None and module.stage != pass_.produces:
            module.stage = pass_.produces
            rw.log.append(f"stage {pass_.produces.value}")
        result = PassResult(pass_.spec(), bool(rw.log), time.perf_counter() - start, tuple(rw.log))
        self.remarks += rw.remarks
        for observer in self.observers:
            observer.after(pass_, module, result)
        if self.verify_each and rw.log:
            try:
                verify(module)
            except IRError as error:
                raise PassError(
                    f"the module does not verify after pass '{pass_.spec()}' "
                    f"(before it: {', '.join(history) or 'none'}):\n{error}"
                ) from error
        if self.check_each:
            check_pass(pass_, before, module)
        return result
