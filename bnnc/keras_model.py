# SPDX-License-Identifier: Apache-2.0
"""Models that are objects of Keras, not files."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from bnnc.ir.diagnostics import UsageError


class KerasModel(Protocol):
    """What is taken for a ``keras.Model``, whose library is not imported to look at it."""

    name: str

    @property
    def inputs(self) -> Any:
        """The symbolic inputs."""
        ...

    @property
    def outputs(self) -> Any:
        """The symbolic outputs."""
        ...


@contextmanager
def model_file(model: KerasModel) -> Generator[Path]:
    """Yield a frozen graph of the model, a file named after it, for as long as the context lasts.

    Raises:
        UsageError: it is no Keras 3 model, or one that cannot be exported.
    """
    libraries = {cls.__module__.partition(".")[0] for cls in type(model).__mro__}
    if "keras" not in libraries:
        raise UsageError(
            f"type '{type(model).__name__}' is neither a module nor a path nor a Keras 3 model",
            hint="save the model to a file and give its path",
        )
    from bnnc.train import export  # it needs TensorFlow, which such a model needs too

    with tempfile.TemporaryDirectory(prefix="bnnc-keras-") as folder:
        path = Path(folder, f"{model.name}.pb")
        export(model, path)
        yield path
