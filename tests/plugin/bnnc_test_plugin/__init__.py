# SPDX-License-Identifier: Apache-2.0
"""A pass, two targets (a file and an object) and a frontend, as a package would bring them."""

from __future__ import annotations

from pathlib import Path

from bnnc import Pass, Rewriter, pattern
from bnnc.backends import Target
from bnnc.frontends import ImportOptions, module_name
from bnnc.ir import Module, TensorType, Value, nn

BOARD = Path(__file__).with_name("board.toml")
CLANG = Target(
    name="plugin-clang",
    description="this machine, by clang",
    isas=("ref",),
    orders=("muladd",),
    compilers=("clang",),
)


class DropDoubleNegation(Pass):
    """Remove a negation of a negation."""

    name = "drop-double-negation"

    @pattern
    def rewrite(self, op: nn.Neg, rw: Rewriter) -> None:
        """Replace -(-x) by x."""
        if isinstance(op.x.owner, nn.Neg):
            rw.replace(op, op.x.owner.x)


def load_signs(path: Path, options: ImportOptions) -> Module:
    """Read a file such as ``4 - - relu -``: a size, then operations."""
    size, *names = path.read_text().split()
    module = Module(module_name(path))
    func = module.func
    value = Value(TensorType((options.batch or 1, int(size))), name="x")
    func.args.append(value)
    for name in names:
        op = nn.Relu(value) if name == "relu" else nn.Neg(value)
        func.append(op)
        value = op.result
    func.set_results([value])
    func.input_names, func.output_names = ["numbers"], ["signs"]
    return module
