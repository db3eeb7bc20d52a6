# SPDX-License-Identifier: Apache-2.0
"""The kernel tests once more, with AddressSanitizer and UndefinedBehaviorSanitizer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .library import SANITIZE, build

HERE = Path(__file__).parent
TESTS = (
    *("conv2d", "pool", "bits", "levels", "elementwise", "elementary", "move"),
    "dynamic_bytes",
)
OVERRUN = """
import sys
import numpy as np
from tests.runtime.library import NativeKernels
p = {"rows": 1, "c": 64}
NativeKernels(sys.argv[1]).call("unpack_bits", "rows", p, np.zeros(8, "u1"), np.zeros(63, "f4"))
"""


def sanitized(cc: str, repo: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the sanitizer's library loaded first."""
    libasan = subprocess.run(
        [cc, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    ).stdout.strip()
    # Python leaks at exit by design, and its own allocator would hide sizes from the sanitizer.
    options = {"ASAN_OPTIONS": "detect_leaks=0", "PYTHONMALLOC": "malloc"}
    environment = os.environ | options | {"LD_PRELOAD": libasan, "BNNC_TEST_SANITIZE": "1"}
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        cwd=repo,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_kernels_stay_in_their_buffers(cc: str, repo: Path) -> None:
    files = [str(HERE / f"test_{name}.py") for name in TESTS]
    done = sanitized(cc, repo, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert " passed" in done.stdout


def test_the_sanitizer_would_see_an_overrun(cc: str, repo: Path, tmp_path: Path) -> None:
    library = build(cc, tmp_path, *SANITIZE)
    done = sanitized(cc, repo, "-c", OVERRUN, str(library))
    assert done.returncode != 0
    assert "heap-buffer-overflow" in done.stderr
