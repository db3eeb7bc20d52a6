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
def native_kernels(cc: str, tmp_path_factory: pytest.TempPathFactory) -> Kernels:
    """Kernels that become other code where the processor counts ones or has wide vectors."""
    flags = ["-O3", *(["-march=native"] if platform.machine() == "x86_64" else [])]
    flags += SANITIZE if os.environ.get("BNNC_TEST_SANITIZE") else ()
    folder = runtime_dir() / "src" / "ref"
    sources = [folder / f"conv2d_{name}.c" for name in ("bb_x4", "ff_t8", "fb_t8")]
    return Kernels(build(cc, tmp_path_factory.mktemp("native"), *flags, only=sources))
