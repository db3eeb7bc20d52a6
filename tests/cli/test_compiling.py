# SPDX-License-Identifier: Apache-2.0
"""``bnnc compile``, ``dump`` and ``opt``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import bnnc as package
from bnnc import driver
from bnnc.ir import Stage
from bnnc.ir.diagnostics import UsageError
from bnnc.ir.text import read_module, write_module

from .conftest import Command
from .networks import network

ADVERTISED = '''\
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


def files_of(folder: Path) -> dict[str, bytes]:
    """The contents of all files in a folder."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_compile_says_what_it_made(bnnc: Command, net: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = bnnc("compile", net, "-o", out)
    assert done.code == 0, done.err
    manifest = json.loads((out / "manifest.json").read_text())
    assert done.out.splitlines() == [
        "input   x: [2, 6, 6, 3] f32, NHWC",
        "output  y: [2, 4] f32",
        "target  c",
        f"weights {manifest['weights_bytes']:,} bytes",
        f"arena   {manifest['arena_bytes']:,} bytes (the least possible)",
        f"wrote   {out}",
    ]
    assert manifest["name"] == "small"
    assert manifest["target"] == "c"
    assert {"small.h", "small.c", "small.bnnw", "small_main.c", "Makefile"} <= set(files_of(out))


def test_output_folder_and_name(
    bnnc: Command, net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert bnnc("compile", net).code == 0
    assert (tmp_path / "small" / "small.c").is_file()
    assert bnnc("compile", net, "--name", "kws", "--embed").code == 0
    assert (tmp_path / "kws" / "kws_weights.c").is_file()
    assert not (tmp_path / "kws" / "kws.bnnw").exists()
    failed = bnnc("compile", net, "--name", "no-name")
    assert failed.code == 2
    assert "no-name" in failed.err


def test_a_foreign_folder_is_left_alone_and_an_own_one_replaced(
    bnnc: Command, net: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("mine")
    failed = bnnc("compile", net, "-o", out)
    assert failed.code == 2
    assert (out / "thesis.tex").read_text() == "mine"
    other = tmp_path / "other"
    assert bnnc("compile", net, "-o", other).code == 0
    (other / "old.c").write_text("old")
    assert bnnc("compile", net, "-o", other).code == 0
    assert not (other / "old.c").exists()


def test_dump_to_stdout_parses(bnnc: Command, net: Path) -> None:
    shown = bnnc("dump", net)
    assert shown.code == 0
    parsed = package.parse(shown.out)
    assert parsed.name == "small"
    assert str(parsed) == shown.out


@pytest.mark.parametrize(
    ("after", "stage"),
    [
        ("canonicalize", Stage.CANONICAL),
        ("binarize", Stage.BINARIZED),
        ("plan-memory", Stage.PLANNED),
    ],
)
def test_dump_after_a_pass(
    bnnc: Command, net: Path, tmp_path: Path, after: str, stage: Stage
) -> None:
    out = tmp_path / "net.bnn"
    assert bnnc("dump", net, "--after", after, "-o", out).code == 0
    module = read_module(out)
    assert (module.stage, module.name) == (stage, "small")
    assert module == driver.lower(network(), after=after)


def test_dump_after_what_is_not_in_the_pipeline(bnnc: Command, net: Path) -> None:
    failed = bnnc("dump", net, "--after", "binarise")
    assert failed.code == 5
    assert "did you mean 'binarize'?" in failed.err
    failed = bnnc("dump", net, "--passes", "fold-constants", "--after", "binarize")
    assert failed.code == 5
    assert "pass 'binarize' is not in the pipeline" in failed.err


def test_opt(bnnc: Command, net: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.bnn"
    assert bnnc("opt", net, "--passes", "fold-constants,canonicalize", "-o", out).code == 0
    assert read_module(out).stage is Stage.CANONICAL
    assert bnnc("opt", out, "--passes", "default", "-o", tmp_path / "all.bnn").code == 0
    assert read_module(tmp_path / "all.bnn") == driver.plan(network())
    failed = bnnc("opt", net, "--passes", "fold-constant")
    assert failed.code == 5
    assert "did you mean 'fold-constants'?" in failed.err


def test_the_advertised_pass(bnnc: Command, tmp_path: Path) -> None:
    file = tmp_path / "drop.py"
    file.write_text(ADVERTISED)
    text = tmp_path / "relus.bnn"
    text.write_text(RELUS)
    load = ["--load-pass", file]
    before = bnnc("dump", text, *load).out
    assert before.count("nn.relu") == 2  # --load-pass registers only
    after = bnnc("opt", text, *load, "--passes", "drop-relu-after-relu").out
    assert after.count("nn.relu") == 1
    whole = bnnc(
        "dump", text, *load, "--passes", "drop-relu-after-relu,default", "--after", "canonicalize"
    )
    assert whole.out.count("nn.relu") == 1
    assert 'stage = "canonical"' in whole.out
    listed = bnnc("passes", *load)
    assert "drop-relu-after-relu" in listed.out
    future = file.with_name("future.py")
    future.write_text("from __future__ import annotations\n" + ADVERTISED.replace("drop", "rid"))
    assert bnnc("opt", text, "--load-pass", future, "--passes", "rid-relu-after-relu").code == 0


RELUS = """\
bnnc.ir 1
module @relus {stage = "imported"} {
  func @main(%x: tensor<1x3xf32>) -> (tensor<1x3xf32>) {inputs = ["x"], outputs = ["y"]} {
    %a = nn.relu(%x) : tensor<1x3xf32>
    %b = nn.relu(%a) : tensor<1x3xf32>
    func.return(%b)
  }
}
"""


def test_an_error_in_edited_text(bnnc: Command, tmp_path: Path) -> None:
    text = tmp_path / "edited.bnn"
    text.write_text(RELUS.replace("nn.relu(%a)", "nn.rellu(%a)"))
    failed = bnnc("compile", text)
    assert failed.code == 4
    assert re.search(r"edited\.bnn:5:10: error: .*nn\.rellu", failed.err)
    assert "^" in failed.err
    assert "did you mean 'nn.relu'?" in failed.err


def test_import_options_do_not_apply_to_text(bnnc: Command, net: Path) -> None:
    failed = bnnc("compile", net, "--batch", "4")
    assert failed.code == 2
    assert "import options do not apply" in failed.err


def test_unreadable_models(bnnc: Command, tmp_path: Path) -> None:
    for name in ("absent.pb", "absent.bnn"):
        failed = bnnc("compile", tmp_path / name)
        assert failed.code == 2
        assert name in failed.err
    (tmp_path / "model.xyz").write_text("")
    assert bnnc("compile", tmp_path / "model.xyz").code == 2
    with pytest.raises(UsageError, match="import options are"):
        package.load(tmp_path / "x.bnn", shape=3)


def test_a_pipeline_that_does_not_reach_code(bnnc: Command, net: Path, tmp_path: Path) -> None:
    failed = bnnc("compile", net, "--passes", "fold-constants", "-o", tmp_path / "out")
    assert failed.code == 5
    assert "end it with 'default'" in failed.err
    assert not (tmp_path / "out").exists()


def test_unknown_targets(bnnc: Command, net: Path) -> None:
    failed = bnnc("compile", net, "--target", "cc")
    assert failed.code == 6
    assert "did you mean 'c'?" in failed.err


def test_a_target_of_ones_own(bnnc: Command, net: Path, tmp_path: Path) -> None:
    board = tmp_path / "board.toml"
    board.write_text('inherits = "c"\nname = "board"\ndescription = "mine"\n')
    assert bnnc("compile", net, "--target", board, "-o", tmp_path / "out").code == 0
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["target"] == "board"
    text = tmp_path / "planned.bnn"
    dumped = bnnc("dump", net, "--target", board, "--after", "plan-memory", "-o", text)
    assert dumped.code == 0, dumped.err
    failed = bnnc("compile", text, "-o", tmp_path / "out")
    assert failed.code == 2
    assert "lowered for target 'board', not 'c'" in failed.err
    assert bnnc("compile", text, "--target", board, "-o", tmp_path / "out").code == 0


WRONG = '''
from bnnc import Module, Pass, Rewriter
from bnnc.ir import nn

class Wrong(Pass):
    """Turns the softmax into a relu."""
    name = "wrong"

    def run(self, module: Module, rw: Rewriter) -> None:
        for op in rw.walk():
            if isinstance(op, nn.Softmax):
                rw.replace(op, nn.Relu(op.x))
'''


def test_check_each_finds_a_wrong_pass(bnnc: Command, net: Path, tmp_path: Path) -> None:
    file = tmp_path / "wrong.py"
    file.write_text(WRONG)
    arguments = ["opt", net, "--load-pass", file, "--passes", "wrong"]
    assert bnnc(*arguments).code == 0
    failed = bnnc(*arguments, "--check-each")
    assert failed.code == 5
    assert "pass 'wrong' (exact) changed output 'y'" in failed.err
    whole = bnnc("dump", net, "--after", "plan-memory", "--check-each")
    assert whole.code == 0, whole.err


def test_remarks_go_to_stderr(bnnc: Command, tmp_path: Path) -> None:
    text = tmp_path / "keep.bnn"
    write_module(network(zero="keep"), text)
    done = bnnc("compile", text, "-o", tmp_path / "out")
    assert "remark: " in done.err
    assert "remark:" not in done.out
    assert len(set(done.err.splitlines())) == len(done.err.splitlines())


def test_strict_sign_refuses_what_is_else_a_remark(bnnc: Command, tmp_path: Path) -> None:
    text = tmp_path / "keep.bnn"
    write_module(network(zero="keep"), text)
    arguments = ["compile", text, "-o", tmp_path / "out"]
    done = bnnc(*arguments)
    assert done.code == 0
    assert done.err.count("sign gives 0 for an exact zero; taken as +1") == 1  # the float layer
    failed = bnnc(*arguments, "--strict-sign")
    assert failed.code == 5
    assert "sign 'sign1' gives 0 for an exact zero" in failed.err


def test_lowering_leaves_the_module_alone() -> None:
    module = network()
    driver.plan(module)
    assert module.stage is Stage.IMPORTED
    assert module == network()
