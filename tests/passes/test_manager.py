# SPDX-License-Identifier: Apache-2.0
"""The manager: stages, verification, checking, remarks, a user's own file."""

from __future__ import annotations

from pathlib import Path

import pytest

from bnnc.ir import Module, Stage, nn
from bnnc.ir.diagnostics import PassError, UsageError
from bnnc.passes import Pass, Rewriter, load_pass_file, pattern
from bnnc.passes.manager import PassCrash, PassManager

from .rewriting import check_rewrite, module

SIGNATURE = "tensor<1x4xf32> -> tensor<1x4xf32>"
RELUS = """
    %a = nn.relu(%x) : tensor<1x4xf32>
    %b = nn.relu(%a) : tensor<1x4xf32>
    %y = nn.relu(%b) : tensor<1x4xf32>"""
USER_PASS = '''
from bnnc import Pass, Rewriter, pattern
from bnnc.ir import nn


class DropReluAfterRelu(Pass):
    """Remove a relu whose input is already a relu."""
    name = "drop-relu-after-relu"

    @pattern
    def rewrite(self, op: nn.Relu, rw: Rewriter) -> None:
        if isinstance(op.x.owner, nn.Relu):
            rw.replace(op, op.x)
'''


@pytest.mark.parametrize("future", ["", "from __future__ import annotations\n"])
def test_a_pass_from_a_file(tmp_path: Path, future: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(future + USER_PASS)
    loaded = load_pass_file(file)
    assert [p.name for p in loaded] == ["drop-relu-after-relu"]
    after = module("imported", SIGNATURE, "%y = nn.relu(%x) : tensor<1x4xf32>")
    check_rewrite(module("imported", SIGNATURE, RELUS), [loaded[0]()], after)


def test_loading_the_same_file_again_is_no_clash(tmp_path: Path) -> None:
    file = tmp_path / "mine_again.py"
    file.write_text(USER_PASS.replace("drop-relu-after-relu", "drop-again"))
    assert load_pass_file(file)[0].name == load_pass_file(file)[0].name == "drop-again"


def test_files_that_cannot_be_loaded(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no pass file"):
        load_pass_file(tmp_path / "absent.py")
    empty = tmp_path / "empty.py"
    empty.write_text("x = 1\n")
    with pytest.raises(PassError, match="defines no Pass"):
        load_pass_file(empty)
    broken = tmp_path / "broken.py"
    broken.write_text("import a_module_that_is_not_there\n")
    with pytest.raises(PassError, match="ModuleNotFoundError"):
        load_pass_file(broken)


def test_a_pass_on_the_wrong_stage_is_refused_and_told_what_ran() -> None:
    made = module("imported", SIGNATURE, RELUS)
    with pytest.raises(PassError) as caught:
        PassManager().run(made, "canonicalize,canonicalize")
    assert "works on stage imported, the module is canonical" in str(caught.value)
    assert "passes that ran before: canonicalize" in str(caught.value)


class BreakTypes(Pass):
    """Leave the module invalid."""

    name = "break-types"

    def run(self, module: Module, rw: Rewriter) -> None:
        """Change a result type without changing the operation."""
        result = module.func.ops[0].result
        rw.retype(result, type(result.type)((1, 5)))


def test_an_invalid_module_is_blamed_on_the_pass() -> None:
    with pytest.raises(PassError, match="does not verify after pass 'break-types'"):
        PassManager().run(module("imported", SIGNATURE, RELUS), [BreakTypes()])


class NegateRelu(Pass):
    """Change the function but claim to be exact."""

    name = "negate-relu"

    @pattern
    def rewrite(self, op: nn.Relu, rw: Rewriter) -> None:
        """Replace a relu by a negation."""
        rw.replace(op, nn.Neg(op.x))


class Nudge(Pass):
    """Clip at a limit far out: exact on usual values."""

    name = "nudge"
    limit: float = 3e38

    @pattern
    def rewrite(self, op: nn.Relu, rw: Rewriter) -> None:
        """Replace a relu by a clip."""
        rw.replace(op, nn.Clip(op.x, lo=0.0, hi=self.limit))


def test_check_each_holds_a_pass_to_its_word() -> None:
    manager = PassManager(check_each=True)
    with pytest.raises(PassError, match=r"'negate-relu' \(exact\) changed output 'y' at"):
        manager.run(module("imported", SIGNATURE, RELUS), [NegateRelu()])
    manager.run(module("imported", SIGNATURE, RELUS), [Nudge()])


class PingPong(Pass):
    """Two patterns that undo each other."""

    name = "ping-pong"

    @pattern
    def there(self, op: nn.Relu, rw: Rewriter) -> None:
        """Relu to clip."""
        rw.replace(op, nn.Clip(op.x, lo=0.0, hi=float("inf")))

    @pattern
    def back(self, op: nn.Clip, rw: Rewriter) -> None:
        """Clip to relu."""
        rw.replace(op, nn.Relu(op.x))


def test_patterns_without_an_end_are_stopped() -> None:
    with pytest.raises(PassError, match="undo each other"):
        PassManager().run(module("imported", SIGNATURE, RELUS), [PingPong()])


class Crashing(Pass):
    """Raises an unexpected error."""

    name = "crashing"

    def run(self, module: Module, rw: Rewriter) -> None:
        """Change something, then fail."""
        rw.update(module.func.ops[0], kernel="changed")
        raise ZeroDivisionError("oops")


def test_a_crash_carries_the_module_before_the_pass() -> None:
    made = module("imported", SIGNATURE, RELUS)
    untouched = made.clone()
    with pytest.raises(PassCrash) as caught:
        PassManager().run(made, [Crashing()])
    assert caught.value.module_before == untouched
    assert caught.value.pass_spec == "crashing"


def test_results_tell_what_changed() -> None:
    made = module("imported", SIGNATURE, RELUS)
    results = PassManager().run(made, "recognise-signs,canonicalize")
    assert [(r.spec, r.changed) for r in results] == [
        ("recognise-signs", False),
        ("canonicalize", True),
    ]
    assert made.stage is Stage.CANONICAL


def test_passes_are_frozen_dataclasses_by_themselves() -> None:
    assert Nudge(limit=2.0) == Nudge(limit=2.0) != Nudge()
    with pytest.raises(AttributeError):
        Nudge().limit = 1.0  # type: ignore[misc]
