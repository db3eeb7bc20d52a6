# SPDX-License-Identifier: Apache-2.0
"""The kernels, built once for all tests; with sanitizers when test_sanitizers.py says so."""

from __future__ import annotations

import os
import platform

import pytest

from bnnc.runtime import runtime_dir

from .library import SANITIZE, Kernels, build


@pytest.fixture(scope="session")
def kernels(cc: str, tmp_path_factory: pytest.TempPathFactory) -> Kernels:
    """Every portable kernel, compiled by gcc."""
    extra = SANITIZE if os.environ.get("BNNC_TEST_SANITIZE") else ()
    return Kernels(build(cc, tmp_path_factory.mktemp("kernels"), *extra))


@pytest.fixture(scope="session")
def counting_kernels(cc: str, tmp_path_factory: pytest.TempPathFactory) -> Kernels:
    """The kernels that take other ways where the processor has an instruction to count ones."""
    flags = ["-O3", *(["-mpopcnt"] if platform.machine() == "x86_64" else [])]
    flags += SANITIZE if os.environ.get("BNNC_TEST_SANITIZE") else ()
    source = runtime_dir() / "src" / "ref" / "conv2d_bb_x4.c"
    return Kernels(build(cc, tmp_path_factory.mktemp("counting"), *flags, only=[source]))
