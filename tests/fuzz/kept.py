# SPDX-License-Identifier: Apache-2.0
"""Cases that once failed, kept as tests: JSON files with text as text, other bytes as base64."""

from __future__ import annotations

import base64
import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bnnc.ir import Module
from bnnc.ir.text import read_module, write_module

from .damage import KINDS, Files, run
from .fault import Fault
from .native import Native
from .networks import Tally, campaign
from .worker import Verdict, verdicts

FOLDER = Path(__file__).with_name("kept")
NETWORK = "network"


@dataclass(frozen=True)
class Kept:
    """A case.

    Attributes:
        kind: ``network`` or the kind of a damaged file.
        fault: what it once did wrong.
        files: the IR text of the network, or the damaged files.
    """

    kind: str
    fault: str
    files: Files

    def save(self, folder: Path = FOLDER) -> Path:
        """Write the case under a name made from its content."""
        digest = hashlib.sha256()
        for name, data in sorted(self.files.items()):
            digest.update(name.encode() + data)
        path = folder / f"{self.kind}-{digest.hexdigest()[:10]}.json"
        files = {name: _to_json(data) for name, data in self.files.items()}
        content = {"kind": self.kind, "fault": self.fault, "files": files}
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return path

    @classmethod
    def load(cls, path: Path) -> Kept:
        """Read a case."""
        content = json.loads(path.read_text(encoding="utf-8"))
        files = {name: _from_json(data) for name, data in content["files"].items()}
        return cls(content["kind"], content["fault"], files)

    @classmethod
    def of_network(cls, module: Module, fault: str) -> Kept:
        """A network as a case."""
        with tempfile.TemporaryDirectory() as folder:
            write_module(module, Path(folder) / "net.bnn")
            files = {p.name: p.read_bytes() for p in sorted(Path(folder).iterdir())}
        return cls(NETWORK, fault, files)

    def network(self) -> Module:
        """The network of the case."""
        with tempfile.TemporaryDirectory() as folder:
            for name, data in self.files.items():
                (Path(folder) / name).write_bytes(data)
            module = read_module(Path(folder) / "net.bnn")
            for resource in module.resources.values():
                assert resource.stored is not None  # while the files are there
            return module


def _to_json(data: bytes) -> str | list[str]:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\0"
    if not set(text) & {"\0", "\r"}:
        return text
    packed = base64.b64encode(data).decode()
    return [packed[i : i + 96] for i in range(0, len(packed), 96)]


def _from_json(data: str | list[str]) -> bytes:
    return data.encode() if isinstance(data, str) else base64.b64decode("".join(data))


def fault_of_network(native: Native, module: Module) -> Fault | None:
    """What a network does wrong, if it still does."""
    found = campaign(native, [("kept", module)], Tally())
    return found.faults[0][2] if found.faults else None


def fault_of_files(kind: str, files: Files) -> Verdict:
    """What damaged files bring about, if they still do."""
    return next(verdicts([lambda: run(KINDS[kind], files)]))
