# SPDX-License-Identifier: Apache-2.0
"""What the documents show is what happens: blocks are executed, outputs compared, links followed.

The blocks of a document share one folder and run in order. The first words of a block's info
string are its language and how to take it: a name with a dot saves it under that name, ``later``
leaves running it to a command below, ``norun`` leaves it alone. ``text`` is for what is no code.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .blocks import Block, anchors, blocks, links
from .desk import Desk, matches, session

_REPO = Path(__file__).resolve().parents[2]
_DOCUMENTS = [
    _REPO / "README.md",
    _REPO / "CONTRIBUTING.md",
    _REPO / "CHANGELOG.md",
    *sorted((_REPO / "docs").glob("*.md")),
    *sorted((_REPO / "examples").glob("**/README.md")),
]
# Those that train need TensorFlow; tests/train executes them.
_THAT_TRAIN = {"board.md"}
_IN_A_CHECKOUT = {"adding_a_kernel.md", "adding_an_operation.md"}

# Blocks that nothing is done with, by document and first line. A new one has to be put here.
_LEFT_ALONE = {
    ("README.md", "git clone <this repository> && cd bnnc"),
    ("docs/architecture.md", "model.pb"),
    ("docs/board.md", "scp program/camera pi@raspberrypi:"),
    (
        "docs/ir.md",
        "%result, ... = dialect.op(%operand, @constant, none, ...) "
        '{attribute = value, flag} : type, ... loc("name", ... : "Op")',
    ),
    (
        "docs/emitted_code.md",
        "static void run(void *state, bnnc_part part, const void *job, int32_t parts);",
    ),
    ("docs/freezing.md", "import tensorflow as tf"),
    ("docs/freezing.md", "import tensorflow.compat.v1 as tf"),
    (
        "docs/targets_arm.md",
        "sudo apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user      # 64 bits",
    ),
    ("docs/targets_arm.md", 'make CC="python -m ziglang cc -target aarch64-linux-musl"'),
    (
        "docs/inputs.md",
        "bnnc compile alexnet_BWN.t7 --input-shape input=1,227,227,3 --set binary_weights=true \\",
    ),
    ("docs/quantization.md", "bnnc compile model.pb --quantize int8 --calibrate data.npz -o out"),
    ("docs/quantization.md", "bnnc compile model.pb --quantize dynamic -o out"),
    (
        "docs/quantization.md",
        "bnnc quantize model.pb --calibrate data.npz --eval test.npz --report",
    ),
    (
        "docs/quantization.md",
        'compiled = bnnc.compile("model.pb", out="out", quantize="int8", calibrate={"x": samples})',
    ),
    ("docs/training.md", "import keras"),  # tests/train runs it
    ("examples/alexnet/README.md", "pip install pillow"),  # tests/examples runs these
    ("examples/alexnet/README.md", "python -m examples.alexnet.networks random"),
    (
        "examples/alexnet/README.md",
        "python -m examples.alexnet.networks random --width 0.125 --classes 20",
    ),
    (
        "examples/android/README.md",
        "bnnc compile examples/cifar10/cifar10.pb --target neon --name model --embed \\",
    ),
    (  # tests/examples runs this
        "examples/camera/README.md",
        "bnnc compile examples/cifar10/cifar10.pb --target c --name model --embed -o network",
    ),
    (
        "examples/camera/README.md",
        "bnnc compile examples/cifar10/cifar10.pb --target neon --name model --embed -o network",
    ),
    ("examples/cifar10/README.md", "python -m examples.cifar10.demo"),
    ("examples/cifar10/README.md", 'pip install "bnnc[train]"'),
    ("examples/larq_mnist/README.md", 'pip install "larq>=0.14" tf-keras'),  # as those of alexnet
    ("examples/pytorch_mnist/README.md", "pip install torch onnxscript"),
    ("examples/pytorch_mnist/README.md", "import brevitas.nn as qnn"),
    ("examples/digits/README.md", "python -m examples.digits.demo     # or: make demo"),
    ("examples/digits/README.md", 'pip install "bnnc[train]"'),
}


def _name(path: Path) -> str:
    return path.relative_to(_REPO).as_posix()


@pytest.mark.slow
@pytest.mark.parametrize("document", _DOCUMENTS, ids=_name)
def test_blocks_do_what_they_show(document: Path, tmp_path: Path, cc: str) -> None:
    assert cc
    found = [block for block in blocks(document) if block.executed]
    if not found or document.name in _THAT_TRAIN:
        return
    desk = Desk(_REPO, tmp_path, checkout=document.name in _IN_A_CHECKOUT)
    for block in found:
        fault = _fault(desk, block)
        if fault:
            pytest.fail(f"{_name(document)}:{block.line}: {fault}", pytrace=False)


def _fault(desk: Desk, block: Block) -> str:
    try:
        desk.try_out(block)
    except AssertionError as error:
        return str(error)
    return ""


def test_what_is_not_executed_is_known() -> None:
    found = {
        (_name(document), block.text.split("\n", 1)[0])
        for document in _DOCUMENTS
        for block in blocks(document)
        if not block.executed
    }
    assert found == _LEFT_ALONE


@pytest.mark.parametrize("document", _DOCUMENTS, ids=_name)
def test_links_resolve(document: Path) -> None:
    faults: list[str] = []
    for link in links(document):
        if "://" in link:
            continue
        path, _, fragment = link.partition("#")
        target = document.parent / path if path else document
        if not target.exists():
            faults.append(f"{link}: no such file")
        elif fragment and fragment not in anchors(target):
            faults.append(f"{link}: no such heading")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("document", sorted((_REPO / "docs").glob("*.md")), ids=_name)
def test_the_readme_leads_to_every_document(document: Path) -> None:
    assert f"docs/{document.name}" in {
        link.partition("#")[0] for link in links(_REPO / "README.md")
    }


@pytest.mark.parametrize(
    ("expected", "printed", "fits"),
    [
        ("a\n", "a\n", True),
        ("a\n", "b\n", False),
        ("a\n", "a\nb\n", False),
        ("a\n...\nd\n", "a\nb\nc\nd\n", True),
        ("a\n...\nd\n", "a\nd\n", True),
        ("a\n...\nd\n", "a\nb\n", False),
        ("time ... us\n", "time 12.3 us\n", True),
        ("time ... us\n", "time 12.3 ms\n", False),
        ("a.c\n", "abc\n", False),
        ("a\n", "a  \n", True),
    ],
)
def test_elision(expected: str, printed: str, fits: bool) -> None:
    assert matches(expected, printed) == fits


def test_a_session_is_split_at_its_prompts() -> None:
    text = "$ one \\\n    more\nsays\nthis\n$ two\n"
    assert session(text) == [("one more", "says\nthis\n"), ("two", "")]


@pytest.mark.parametrize(
    ("language", "text", "complaint"),
    [
        ("sh", "true\nfalse\ntrue\n", "exit code 1"),
        ("console", "$ echo a\nb\n", "and not"),
        ("console", "$ false\n", "exit code 1"),
        ("python", "raise SystemExit(3)\n", "exit code 3"),
        ("c", "int f(void) { return x; }\n", "undeclared"),
        ("bnn", "module @a {\n", "error"),
        ("perl", "1\n", "perl"),
    ],
)
def test_a_wrong_block_is_found(tmp_path: Path, language: str, text: str, complaint: str) -> None:
    desk = Desk(_REPO, tmp_path, checkout=False)
    with pytest.raises(AssertionError, match=complaint):
        desk.try_out(Block(tmp_path / "x.md", 1, language, (), text))
