# SPDX-License-Identifier: Apache-2.0
"""The C API and the generated driver, used as a stranger would use them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from bnnc.backends import build, emit_project, find_target
from bnnc.ir import Module
from bnnc.ir.interpreter import interpret

from .networks import SANITIZE, TARGET, Net, lower, random_inputs

pytestmark = pytest.mark.slow

CALLER = r"""
#include <stdio.h>
#include <string.h>

#include "one.h"
#include "two.h"

static uint64_t file_one[1 << 12], file_two[1 << 12], arena[1 << 12];

static size_t read_all(const char *path, void *data) {
    FILE *f = fopen(path, "rb");
    size_t n = fread(data, 1, 1 << 15, f);
    fclose(f);
    return n;
}

int main(int argc, char **argv) {
    one_ctx a;
    two_ctx b;
    float in[one_IN0_BYTES / sizeof(float)], out[one_OUT0_BYTES / sizeof(float)];
    const size_t n = read_all(argv[1], file_one), m = read_all(argv[2], file_two);
    char *bytes = (char *)arena;
    (void)argc;
    read_all(argv[3], in);
    if (one_arena_bytes() != one_ARENA_BYTES || n != one_WEIGHTS_BYTES) return 1;
    if (one_init(&a, file_one, n, arena, sizeof arena) != BNNC_OK) return 2;
    if (two_init(&b, file_two, m, arena, two_arena_bytes()) != BNNC_OK) return 3;
    if (one_init(&a, file_two, m, arena, sizeof arena) != BNNC_ERR_MODEL) return 4;
    if (one_init(&a, file_one, n - 1, arena, sizeof arena) != BNNC_ERR_SIZE) return 5;
    if (one_init(&a, file_one, n, arena, one_arena_bytes() - 1) != BNNC_ERR_SIZE) return 6;
    if (one_init(&a, file_one, n, bytes + 4, 4096) != BNNC_ERR_ALIGN) return 7;
    if (one_init(&a, (char *)file_one + 4, n, arena, 4096) != BNNC_ERR_ALIGN) return 8;
    if (one_init(NULL, file_one, n, arena, 4096) != BNNC_ERR_NULL) return 9;
    if (one_init(&a, NULL, n, arena, 4096) != BNNC_ERR_NULL) return 10;
    if (one_init(&a, file_one, n, NULL, 4096) != BNNC_ERR_NULL) return 11;
    if (one_init(&a, file_one, n, arena, 4096) != BNNC_OK) return 12;
    if (one_run(NULL, in, out) != BNNC_ERR_NULL || one_run(&a, NULL, out) != BNNC_ERR_NULL ||
        one_run(&a, in, NULL) != BNNC_ERR_NULL) return 12;
    ((char *)file_one)[n - 100] ^= 1;
    if (one_init(&a, file_one, n, arena, 4096) != BNNC_ERR_CRC) return 13;
    ((char *)file_one)[n - 100] ^= 1;
    if (one_run(&a, in, out) != BNNC_ERR_NULL) return 14;
    if (one_init(&a, file_one, n, arena, sizeof arena) != BNNC_OK) return 15;
    if (one_run(&a, in, out) != BNNC_OK) return 16;
    fwrite(out, 1, sizeof out, stdout);
    if (two_run(&b, in, out) != BNNC_OK) return 17;
    fwrite(out, 1, sizeof out, stdout);
    return 0;
}
"""


def layers(name: str, seed: int) -> Module:
    net = Net(name, seed)
    x = net.pack(net.dense("ff", net.input(1, 12), 20, "bias"))
    return lower(net.results(net.dense("bt", x, 7, "alpha")))


def test_two_models_in_one_program(each_cc: str, tmp_path: Path) -> None:
    """Statuses of init and run; both models share one arena, one after the other."""
    modules = [layers("one", 1), layers("two", 2)]
    flags = ["-std=c99", "-ffp-contract=off", *SANITIZE]
    objects: list[str] = []
    for module in modules:
        out = tmp_path / module.name
        emit_project(module, out)
        for source in (out / f"{module.name}.c", *out.glob("bnnc/*.c")):
            objects.append(f"{tmp_path}/{module.name}_{source.stem}.o")
            subprocess.run(
                [each_cc, *flags, f"-I{out}", "-c", str(source), "-o", objects[-1]], check=True
            )
    (tmp_path / "caller.c").write_text(CALLER)
    includes = [f"-I{tmp_path / m.name}" for m in modules]
    program = str(tmp_path / "caller")
    command = [each_cc, *flags, *includes, str(tmp_path / "caller.c"), *objects, "-o", program]
    subprocess.run(command, check=True)
    inputs = random_inputs(modules[0])
    (tmp_path / "in.bin").write_bytes(inputs["graph/x0"].tobytes())
    weights = [str(tmp_path / m.name / f"{m.name}.bnnw") for m in modules]
    done = subprocess.run(
        [program, *weights, str(tmp_path / "in.bin")], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    want = b"".join(interpret(m, inputs)["graph/y0"].tobytes() for m in modules)
    assert done.stdout == want


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("driver") / "net"
    emit_project(layers("net", 3), out)
    build(out, TARGET)
    return out


def drive(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(project / "net"), *arguments], cwd=project, capture_output=True, text=True, check=False
    )


def test_driver_runs_samples_and_repeats(project: Path) -> None:
    inputs = np.random.default_rng(0).normal(size=(3, 12)).astype("<f4")
    inputs.tofile(project / "in.bin")
    done = drive(project, "net.bnnw", "in.bin", "out.bin", "--repeat", "4")
    assert done.returncode == 0, done.stderr
    assert "us per run, 12 runs" in done.stdout
    got = np.fromfile(project / "out.bin", "<f4").reshape(3, 7)
    for sample, result in zip(inputs, got, strict=True):
        want = interpret(layers("net", 3), {"graph/x0": sample[None]})["graph/y0"]
        assert result.tobytes() == want.tobytes()


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        ([], 2, "usage: "),
        (["net.bnnw", "in.bin"], 2, "in0: 'graph/x0', 48 bytes for each sample"),
        (["net.bnnw", "in.bin", "out.bin", "more"], 2, "too many files"),
        (["net.bnnw", "odd.bin", "out.bin"], 2, "odd.bin holds 47 bytes, 'graph/x0' takes 48"),
        (["net.bnnw", "empty.bin", "out.bin"], 2, "empty.bin holds 0 bytes"),
        (["net.bnnw", "in.bin", "out.bin", "--repeat"], 2, "no value after --repeat"),
        (["net.bnnw", "in.bin", "out.bin", "--repeat", "0"], 2, "needs a positive number, not 0"),
        (["net.bnnw", "in.bin", "out.bin", "--trace", "t"], 2, "`make trace` builds"),
        (["net.bnnw", "in.bin", "out.bin", "--quick"], 2, "unknown option --quick"),
        (["none.bnnw", "in.bin", "out.bin"], 8, "cannot open none.bnnw"),
        (["net.bnnw", "in.bin", "none/out.bin"], 8, "cannot create none/out.bin"),
        (["net.c", "in.bin", "out.bin"], 7, "BNNC_ERR_MAGIC"),
        (["short.bnnw", "in.bin", "out.bin"], 7, "BNNC_ERR_SIZE"),
        (["bad.bnnw", "in.bin", "out.bin"], 7, "BNNC_ERR_CRC"),
    ],
)
def test_driver_says_what_is_wrong(
    project: Path, arguments: list[str], status: int, complaint: str
) -> None:
    (project / "in.bin").write_bytes(bytes(48))
    (project / "odd.bin").write_bytes(bytes(47))
    (project / "empty.bin").write_bytes(b"")
    weights = (project / "net.bnnw").read_bytes()
    (project / "short.bnnw").write_bytes(weights[:-64])
    (project / "bad.bnnw").write_bytes(weights[:-100] + b"!" + weights[-99:])
    done = drive(project, *arguments)
    assert (done.returncode, complaint in done.stderr) == (status, True), done.stderr


@pytest.mark.optional("needs a processor with fma")
def test_contraction_is_noticed_at_run_time(tmp_path: Path) -> None:
    """Where the machine has fma and the flags allow it, init refuses."""
    out = tmp_path / "net"
    emit_project(layers("net", 3), out)
    flags = Path("/proc/cpuinfo")
    if not flags.is_file() or " fma " not in flags.read_text():
        pytest.skip("the processor has no fma")
    build(out, find_target("c"), cflags=("-mfma", "-ffp-contract=fast"))
    (out / "in.bin").write_bytes(bytes(48))
    done = drive(out, "net.bnnw", "in.bin", "out.bin")
    assert done.returncode == 1
    assert "BNNC_ERR_FLOAT_MODE" in done.stderr
