# SPDX-License-Identifier: Apache-2.0
"""The kernels, built once for all tests; with sanitizers when test_sanitizers.py says so."""

from __future__ import annotations

import os

import pytest

from .library import SANITIZE, Kernels, build


@pytest.fixture(scope="session")
def kernels(cc: str, tmp_path_factory: pytest.TempPathFactory) -> Kernels:
    """Every portable kernel, compiled by gcc."""
    extra = SANITIZE if os.environ.get("BNNC_TEST_SANITIZE") else ()
    return Kernels(build(cc, tmp_path_factory.mktemp("kernels"), *extra))
