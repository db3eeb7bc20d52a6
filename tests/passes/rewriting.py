# SPDX-License-Identifier: Apache-2.0
"""Compare what a pass makes of IR text with the text that it should make."""

from __future__ import annotations

from collections.abc import Sequence

from bnnc.ir import Module
from bnnc.ir.diagnostics import Remark
from bnnc.ir.text import parse_module
from bnnc.passes import Pass
from bnnc.passes.manager import PassManager


def module(stage: str, signature: str, body: str, resources: Sequence[str] = ()) -> Module:
    """A module from the types of %x and of the result, and its statements; returns %y."""
    x, _, y = signature.partition(" -> ")
    lines = "\n".join(f"  resource {r}" for r in resources)
    return parse_module(
        f'bnnc.ir 1\nmodule @m {{stage = "{stage}"}} {{\n{lines}\n'
        f'  func @main(%x: {x}) -> ({y}) {{inputs = ["x"], outputs = ["y"]}} {{\n'
        f"{body}\n    func.return(%y)\n  }}\n}}\n"
    )


def rewritten(before: Module, pipeline: str | Sequence[Pass]) -> tuple[Module, list[Remark]]:
    """The module after passes, each checked on random input as exactly as it declares."""
    after = before.clone()
    manager = PassManager(check_each=True)
    manager.run(after, pipeline)
    return after, manager.remarks


def check_rewrite(before: Module, pipeline: str | Sequence[Pass], after: Module) -> None:
    """The passes turn one module into the other, and leave that one as it is."""
    found, _ = rewritten(before, pipeline)
    assert found == after, f"\n{found}\nis not\n{after}"
