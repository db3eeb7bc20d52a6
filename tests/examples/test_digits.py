# SPDX-License-Identifier: Apache-2.0
"""The shipped digits network: its files belong together and come out of its script."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnc.frontends import ImportOptions, load
from bnnc.ir.interpreter import interpret


@pytest.fixture
def folder(repo: Path) -> Path:
    return repo / "examples" / "digits"


@pytest.fixture
def record(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "digits.json").read_text(encoding="utf-8"))
    return loaded


def _digits() -> Any:
    return importlib.import_module("sklearn.datasets").load_digits()


def test_record_agrees_with_the_labels(folder: Path, record: dict[str, Any]) -> None:
    labels = _digits().target[:: record["test_every"]]
    right = np.asarray(record["test_predictions"]) == labels
    assert len(right) == record["test_samples"] == 360
    assert right.mean() == record["test_accuracy"] >= 0.97
    assert (folder / "digits.pb").stat().st_size < 500_000


def test_interpreter_predicts_what_the_record_says(folder: Path, record: dict[str, Any]) -> None:
    images = _digits().images[:: record["test_every"], :, :, np.newaxis].astype(np.float32)
    model = load(folder / "digits.pb", ImportOptions(batch=len(images)))
    predicted = interpret(model, {"image": images})["logits"].argmax(axis=1)
    assert np.mean(predicted == record["test_predictions"]) >= 0.99


@pytest.mark.tensorflow
def test_tensorflow_still_predicts_what_the_record_says(
    folder: Path, record: dict[str, Any], tf: Any
) -> None:
    graph_def = tf.compat.v1.GraphDef()
    graph_def.ParseFromString((folder / "digits.pb").read_bytes())
    images = _digits().images[:: record["test_every"], :, :, np.newaxis].astype(np.float32)
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        with tf.compat.v1.Session(graph=graph) as session:
            logits = session.run("logits:0", {"image:0": images})
    predicted = logits.argmax(axis=1)
    # Its float32 sums run in an order of their own: a near tie may fall to either side.
    assert np.mean(predicted == record["test_predictions"]) >= 0.99


@pytest.mark.tensorflow
def test_training_script_writes_both_files(folder: Path, tmp_path: Path, tf: Any) -> None:
    command = [sys.executable, str(folder / "train.py"), "--epochs", "4", "--out", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(folder.parent.parent)}
    subprocess.run(command, check=True, env=environment)
    record = json.loads((tmp_path / "digits.json").read_text(encoding="utf-8"))
    assert record["test_accuracy"] >= 0.85

    def kinds(path: Path) -> list[tuple[str, str]]:
        graph_def = tf.compat.v1.GraphDef()
        graph_def.ParseFromString(path.read_bytes())
        return [(node.op, node.name) for node in graph_def.node]

    assert kinds(tmp_path / "digits.pb") == kinds(folder / "digits.pb")
