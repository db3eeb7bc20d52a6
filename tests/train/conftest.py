# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import importlib
from typing import Any

import pytest


@pytest.fixture(scope="session")
def train(tf: Any) -> Any:
    """The module `bnnc.train`, which only imports where TensorFlow is installed."""
    return importlib.import_module("bnnc.train")


@pytest.fixture
def variables(train: Any) -> Any:
    return train.Variables(seed=3)


@pytest.fixture(scope="session")
def keras(tf: Any) -> Any:
    """Keras 3, which comes with TensorFlow."""
    del tf
    return importlib.import_module("keras")
