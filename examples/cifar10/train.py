# SPDX-License-Identifier: Apache-2.0
"""Train BinaryNet's network on CIFAR-10, and export it as ``cifar10.pb``.

Usage: python -m examples.cifar10.train DATA --test DATA [--width 0.25] [--epochs N] [--minutes M]

Needs TensorFlow and matplotlib: ``pip install "bnnc[train]"``.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from bnnc.train import LatentAdam, export, squared_hinge

from . import images
from .network import network

tf: Any = import_module("tensorflow")
keras: Any = import_module("keras")

History = list[dict[str, float]]
HERE = Path(__file__).resolve().parent
REPORT_SECONDS = 30
BATCH_TESTED = 250
RECORDED = ("width", "rate", "batch", "shift", "precision", "seed")


def cached(path: Path, folder: Path, train: bool = False) -> tuple[images.Pixels, images.Labels]:
    """Return the images of a file, decoded only once: their pixels are kept in the folder."""
    kept = folder / f"{path.name}.{'train' if train else 'test'}.pixels.npz"
    if not kept.exists():
        x, y = images.read(path, train)
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(kept, x=x, y=y)
    return images.read(kept)


class Training:
    """A model in training, with all that a checkpoint holds.

    The learning rate rises over the first two hundredths of the training and then falls along a
    cosine. How far the training is, is the larger share of its epochs or of its minutes.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.history: History = []
        self.checkpoint = options.out / "checkpoint.keras"
        if options.resume and self.checkpoint.exists():
            self.model = keras.saving.load_model(self.checkpoint)
            self.history = json.loads(self.checkpoint.with_suffix(".json").read_text())
        else:
            self.model = network(options.width, options.seed)
            self.model.compile(LatentAdam(options.rate), squared_hinge, metrics=["accuracy"])
        self.start = time.monotonic() - (self.history[-1]["seconds"] if self.history else 0.0)

    def progress(self, epochs_done: float) -> float:
        """Return from 0 to 1 how much of the training is over."""
        epochs: int = self.options.epochs
        minutes: float = self.options.minutes
        return min(1.0, max(epochs_done / epochs, self.seconds() / 60 / minutes))

    def seconds(self) -> float:
        """Return how long the training has taken, that before a resumption included."""
        return time.monotonic() - self.start

    def epoch(self, x: images.Pixels, y: images.Labels) -> dict[str, float]:
        """Train with each image once, or until the time is over."""
        random = np.random.default_rng([self.options.seed, len(self.history)])
        steps = len(x) // self.options.batch
        order = random.permutation(len(x))[: steps * self.options.batch]
        sums = {"loss": 0.0, "accuracy": 0.0}
        taken = 0
        reported = time.monotonic()
        for step, chosen in enumerate(order.reshape(steps, -1), start=1):
            done = self.progress(len(self.history) + (step - 1) / steps)
            if done >= 1.0:
                break
            rising = min(1.0, (done + 1e-4) / 0.02)
            falling = 0.5 + 0.5 * math.cos(math.pi * done)
            self.model.optimizer.learning_rate = self.options.rate * rising * falling
            batch = images.augmented(x[chosen], random, self.options.shift)
            self.model.reset_metrics()
            logs = self.model.train_on_batch(batch, y[chosen], return_dict=True)
            sums = {name: total + float(logs[name]) for name, total in sums.items()}
            taken = step
            if time.monotonic() - reported > REPORT_SECONDS:
                reported = time.monotonic()
                print(
                    f"  step {step}/{steps}  loss {logs['loss']:.4f}  "
                    f"accuracy {logs['accuracy']:.4f}  {done:.1%} done",
                    flush=True,
                )
        return {name: total / max(taken, 1) for name, total in sums.items()}

    def run(
        self, x: images.Pixels, y: images.Labels, test_x: images.Pixels, test_y: images.Labels
    ) -> None:
        """Train on, with a line, a checkpoint and the curves after each epoch."""
        while self.progress(len(self.history)) < 1.0:
            logs = self.epoch(x, y)
            tested = self.model.evaluate(
                test_x.astype(np.float32),
                test_y,
                batch_size=BATCH_TESTED,
                verbose=0,
                return_dict=True,
            )
            self.history.append(
                {
                    "seconds": self.seconds(),
                    "loss": logs["loss"],
                    "accuracy": logs["accuracy"],
                    "test_loss": float(tested["loss"]),
                    "test_accuracy": float(tested["accuracy"]),
                }
            )
            last = self.history[-1]
            print(
                f"epoch {len(self.history)}  {last['seconds']:.0f} s  loss {last['loss']:.4f}  "
                f"accuracy {last['accuracy']:.4f}  test {last['test_accuracy']:.4f}",
                flush=True,
            )
            self.save()
            write_curves(self.history, self.options.out / "curves.png")

    def save(self) -> None:
        """Write checkpoint and history so that no interruption leaves half a file."""
        new = self.checkpoint.with_name("new.keras")
        self.model.save(new)
        os.replace(new, self.checkpoint)
        self.checkpoint.with_suffix(".json").write_text(json.dumps(self.history) + "\n")


def accuracy_of_file(path: Path, x: images.Pixels, y: images.Labels) -> tuple[float, list[int]]:
    """Return what share of images [n, 32, 32, 3] an exported graph gets right, and its classes."""
    graph_def = tf.compat.v1.GraphDef()
    graph_def.ParseFromString(path.read_bytes())
    predicted: list[int] = []
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        with tf.compat.v1.Session(graph=graph) as session:
            for start in range(0, len(x), BATCH_TESTED):
                batch = x[start : start + BATCH_TESTED].astype(np.float32)
                scores = session.run("scores:0", {"image:0": batch})
                predicted += scores.argmax(axis=1).tolist()
    return float((np.asarray(predicted) == y).mean()), predicted


def write_curves(history: History, path: Path) -> None:
    """Draw loss and accuracy of each epoch as a PNG."""
    agg: Any = import_module("matplotlib.backends.backend_agg")
    figure: Any = import_module("matplotlib.figure").Figure(figsize=(9, 3.5), layout="constrained")
    agg.FigureCanvasAgg(figure)
    epochs = range(1, len(history) + 1)
    for i, name in enumerate(("loss", "accuracy"), start=1):
        axes = figure.add_subplot(1, 2, i)
        for key, label in ((name, "training"), (f"test_{name}", "test")):
            axes.plot(epochs, [one[key] for one in history], marker=".", label=label)
        axes.set(xlabel="epoch", ylabel=name)
        axes.grid(visible=True, alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=100, metadata={"Software": None})


def export_float32(training: Training, path: Path) -> None:
    """Write the trained model as a frozen graph, which computes in float32 throughout."""
    keras.mixed_precision.set_global_policy("float32")
    model = network(training.options.width, training.options.seed)
    model.set_weights(training.model.get_weights())
    export(model, path, outputs=["scores"])


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description="Train BinaryNet's network on CIFAR-10.")
    parser.add_argument("data", type=Path, help="file or folder of training images")
    parser.add_argument("--test", type=Path, required=True, help="file or folder of test images")
    parser.add_argument("--width", type=float, default=0.25, help="1: BinaryNet's own size")
    parser.add_argument("--epochs", type=int, default=500)
    parser.add_argument(
        "--minutes", type=float, default=math.inf, help="the time to be finished in"
    )
    parser.add_argument("--rate", type=float, default=0.002, help="learning rate at its highest")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--shift", type=int, default=2, help="pixels that images are moved by")
    parser.add_argument("--precision", default="float32", help="mixed_bfloat16 is faster on some")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument("--out", type=Path, default=Path("build/cifar10"))
    options = parser.parse_args()

    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    keras.mixed_precision.set_global_policy(options.precision)
    options.out.mkdir(parents=True, exist_ok=True)
    x, y = cached(options.data, options.out, train=True)
    test_x, test_y = cached(options.test, options.out)
    print(f"{len(x)} training images, {len(test_x)} test images", flush=True)
    training = Training(options)
    training.run(x, y, test_x, test_y)

    path = options.out / "cifar10.pb"
    export_float32(training, path)
    accuracy, _ = accuracy_of_file(path, test_x, test_y)
    samples_right, predictions = accuracy_of_file(path, *images.read(HERE / "samples.npz"))
    print(f"accuracy of {path.name} in TensorFlow: {accuracy:.4f}", flush=True)
    record = {
        "tensorflow": tf.__version__,
        **{key: getattr(options, key) for key in RECORDED},
        "epochs": len(training.history),
        "seconds": round(training.history[-1]["seconds"]),
        "training_images": len(x),
        "test_images": len(test_x),
        "test_accuracy": accuracy,
        "sample_accuracy": samples_right,
        "sample_predictions": predictions,
    }
    path.with_suffix(".json").write_text(json.dumps(record) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
