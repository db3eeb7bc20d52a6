# SPDX-License-Identifier: Apache-2.0
"""The stack that the manifest says ``run`` needs, against frames and against a painted stack."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import bnnc
from bnnc.backends import emit_project, kernel_table, read_manifest
from bnnc.backends.emit import Manifest
from bnnc.ir import Module, nn
from tests.runtime.stack_use import CALL, functions_of

from .networks import Net, lower

PAINTED = Path(__file__).with_name("stack.c")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.optional("reads x86-64 objects"),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="not an x86-64 machine"),
]


def largest_kernel(manifest: Manifest) -> int:
    stacks = {k.symbol: k.stack for k in kernel_table().kernels}
    return max(stacks[layer.kernel] for layer in manifest.layers if layer.kernel)


def plain_chain() -> Module:
    net = Net()
    x = net.input(1, 6, 6, 9)
    for _ in range(6):
        x = net.conv("bb", net.pack(x), 9, (3, 3), "alpha+bias", pad=(1, 1, 1, 1))
    return net.results(x)


def many_ends() -> Module:
    """More arguments than registers, all of them used again and again."""
    net = Net()
    ins = [net.input(2, 3) for _ in range(12)]
    outs = [net.add(nn.Add(ins[i], ins[(5 * i + 1) % 12])) for i in range(12)]
    sums = [net.add(nn.Mul(outs[i], outs[(7 * i + 3) % 12])) for i in range(12)]
    return net.results(*sums, *outs)


def many_alive() -> Module:
    """Tensors that stay in use, so that a compiler may keep their addresses."""
    net = Net()
    x = net.input(4, 4)
    alive = [net.add(nn.Relu(net.add(nn.Sub(x, net.floats(4))))) for _ in range(40)]
    total = x
    for value in [*alive, *reversed(alive), *alive]:
        total = net.add(nn.Add(total, value))
    return net.results(total)


def copied() -> Module:
    """Nothing but a copy."""
    net = Net()
    x = net.input(3, 5)
    return net.results(x, net.add(nn.Reshape(x, shape=(15,))))


NETWORKS = [plain_chain, many_ends, many_alive, copied]


@pytest.mark.parametrize("level", ["-O0", "-O2", "-O3"])
@pytest.mark.parametrize("make", NETWORKS)
def test_frame_of_run(make: Callable[[], Module], level: str, each_cc: str, tmp_path: Path) -> None:
    out = tmp_path / "net"
    manifest = emit_project(lower(make()), out)
    own = manifest.stack_bytes - (64 if make is copied else largest_kernel(manifest))
    flags = ("-std=c99", level, f"-I{out}")
    functions = functions_of(each_cc, flags, out / "net.c", tmp_path)
    assert CALL + functions["net_run"].frame <= own
    assert manifest.stack_bytes < 5000


@pytest.mark.parametrize("level", ["-O0", "-O2"])
@pytest.mark.parametrize("make", [plain_chain, many_ends, many_alive, copied, None])
def test_stack_that_is_really_used(
    make: Callable[[], Module] | None, level: str, each_cc: str, repo: Path, tmp_path: Path
) -> None:
    out = tmp_path / "net"
    if make is None:
        bnnc.compile(repo / "examples" / "digits" / "digits.pb", out=out, name="net")
    else:
        emit_project(lower(make()), out)
    manifest = read_manifest(out)
    assert manifest is not None
    used = int(run_painted(each_cc, level, out, tmp_path))
    assert 0 < used <= manifest.stack_bytes


def run_painted(cc: str, level: str, out: Path, folder: Path) -> str:
    """Build the painter with the network and say what it prints."""
    header = (out / "net.h").read_text()
    ends = _ends(header)
    made = "".join(f"    ends[{i}] = buffer(net_{e}_BYTES);\n" for i, e in enumerate(ends))
    arguments = ", ".join(f"ends[{i}]" for i in range(len(ends)))
    caller = folder / "caller.c"
    caller.write_text(
        f"{PAINTED.read_text()}\nstatic void *ends[{len(ends)}];\n"
        f"static void allocate_ends(void) {{\n{made}}}\n"
        "static void call_net(net_ctx *context) {\n"
        f"    status = net_run(context, {arguments});\n}}\n"
    )
    program = folder / "program"
    sources = [caller, out / "net.c", *sorted(out.glob("bnnc/*.c"))]
    # All symbols are bound at the start: the loader would otherwise run on this stack.
    flags = ["-std=c99", "-D_POSIX_C_SOURCE=200809L", level, "-ffp-contract=off", f"-I{out}"]
    command = [cc, *flags, *map(str, sources), "-pthread", "-Wl,-z,now", "-o", str(program)]
    subprocess.run(command, check=True)
    command = [str(program), str(out / "net.bnnw")]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _ends(header: str) -> list[str]:
    words = [w for line in header.splitlines() if line.startswith("#define") for w in line.split()]
    return [w[4:-6] for w in words if w.startswith(("net_IN", "net_OUT")) and w.endswith("_BYTES")]
