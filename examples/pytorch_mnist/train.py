# SPDX-License-Identifier: Apache-2.0
"""Train a binary network on MNIST in PyTorch, export it to ONNX, compile it to C, and compare.

Usage: python -m examples.pytorch_mnist.train DATA --test DATA [--epochs N] [--images N] [--out DIR]

Needs PyTorch with onnxscript, and a C compiler. The exit code is 1 when the C code takes an image
for something else than PyTorch.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import torch
from torch.nn import functional

from .. import mnist
from .network import Network

_BATCH = 100


def main() -> int:
    """Read the command line; return the exit code."""
    parser = mnist.options("Train a binary network in PyTorch.")
    parser.add_argument("--channels", type=int, default=32, help="of the first layer")
    options = parser.parse_args()
    torch.manual_seed(1)
    x, y = (torch.from_numpy(a[: options.images]) for a in mnist.read(options.data, train=True))
    x = x[:, None].float()
    model = Network(options.channels)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    steps = options.epochs * max(len(x) // _BATCH, 1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for epoch in range(1, options.epochs + 1):
        start, right = time.perf_counter(), 0
        model.train()
        for chosen in torch.randperm(len(x)).split(_BATCH):
            if len(chosen) < 2:
                continue  # batch normalization needs a batch
            scores = model(x[chosen])
            optimizer.zero_grad()
            functional.cross_entropy(scores, y[chosen]).backward()
            optimizer.step()
            schedule.step()
            model.clip()
            right += int((scores.argmax(1) == y[chosen]).sum())
        seconds = time.perf_counter() - start
        print(f"epoch {epoch}  {right / len(x):.2%} in training, {seconds:.0f} s", flush=True)

    model.eval()
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "mnist.onnx"
    names = {"input_names": ["image"], "output_names": ["scores"]}
    torch.onnx.export(model, (x[:1],), str(path), dynamo=True, verbose=False, **names)
    pixels, labels = (a[: options.test_images] for a in mnist.read(options.test, train=False))
    inputs = pixels[:, np.newaxis].astype(np.float32)
    with torch.no_grad():
        parts = [model(part) for part in torch.from_numpy(inputs).split(500)]
    print(f"exported {path}")
    return mnist.compare(path, inputs, torch.cat(parts).numpy(), labels)


if __name__ == "__main__":
    sys.exit(main())
