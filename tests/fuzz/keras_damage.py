# SPDX-License-Identifier: Apache-2.0
"""Damage to Keras files: to their bytes, and by h5py and zipfile to what they hold."""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from tests.frontends.keras.files import h5py

from .json_damage import damage_json
from .keras_seeds import h5_files, keras_files
from .mutators import Rng, below, damage_bytes

_HUGE = (1 << 20, 1 << 31)


@cache
def _sound() -> frozenset[bytes]:
    """HDF5 files that are whole: h5py opens them in this very process."""
    archives = (zipfile.ZipFile(io.BytesIO(data)) for data in keras_files())
    inner = (archive.read("model.weights.h5") for archive in archives)
    return frozenset((*h5_files(), *inner))


def damage_h5(data: bytes, rng: Rng) -> bytes:
    """Damage to bytes, or to attributes, datasets and links under a sound file."""
    if rng.random() < 0.5 or data not in _sound():
        return damage_bytes(data, rng)
    buffer = io.BytesIO(data)
    with h5py.File(buffer, "r+") as file:
        for _ in range(int(rng.geometric(0.6))):
            # What the library refuses to write, as a second change may ask, is left out.
            with contextlib.suppress(ValueError, OSError, RuntimeError, TypeError, LookupError):
                _CHANGES[below(rng, len(_CHANGES))](file, rng)
    changed = buffer.getvalue()
    return damage_bytes(changed, rng) if rng.random() < 0.1 else changed


def damage_keras(data: bytes, rng: Rng) -> bytes:
    """Damage to the bytes of an archive, or to its members under right checksums."""
    if rng.random() < 0.25:
        return damage_bytes(data, rng)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {i.filename: archive.read(i) for i in archive.infolist()}
    except (ValueError, OSError, zipfile.BadZipFile):  # parts of two archives
        return damage_bytes(data, rng)
    name = list(members)[below(rng, len(members))]
    if rng.random() < 0.1:
        content = members.pop(name)
        if rng.random() < 0.5:
            members["../" + name] = content
    elif name.endswith(".json"):
        members[name] = damage_json(members[name].decode(), rng).encode()
    else:
        members[name] = damage_h5(members[name], rng)
    buffer = io.BytesIO()
    kind = zipfile.ZIP_DEFLATED if rng.random() < 0.5 else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "w", kind) as archive:
        for key, value in members.items():
            archive.writestr(zipfile.ZipInfo(key), value, kind)
    return buffer.getvalue()


def _objects(file: Any, kind: type) -> list[Any]:
    found: list[Any] = [file] if isinstance(file, kind) else []

    def visit(_: str, one: Any) -> None:
        if isinstance(one, kind):
            found.append(one)

    file.visititems(visit)
    return found


def _some(file: Any, kind: type, rng: Rng) -> Any:
    found = _objects(file, kind)
    return found[below(rng, len(found))] if found else None


def _config(file: Any, rng: Rng) -> None:
    """The configuration; of an archive's weights, which have none, some attribute."""
    text = file.attrs.get("model_config")
    if isinstance(text, str):
        file.attrs["model_config"] = damage_json(text, rng).replace("\0", "")
    else:
        _attribute(file, rng)


def _attribute(file: Any, rng: Rng) -> None:
    group = _some(file, h5py.Group, rng)
    names = [*group.attrs, "weight_names", "weight_names0", "keras_version", "model_config"]
    name = names[below(rng, len(names))]
    values: list[Any] = [
        *("", "x" * 70000, "3.1.0", 7, np.float32(1.5), np.zeros(3), [b"w0:0"], [b"../x", b"/"]),
        *([b"a" * 60000], np.zeros((2, 0)), h5py.Empty("f4"), group.ref),
    ]
    group.attrs[name] = values[below(rng, len(values))]


def _dataset(file: Any, rng: Rng) -> None:
    dataset = _some(file, h5py.Dataset, rng)
    if dataset is None:
        return
    parent, name, shape = dataset.parent, dataset.name.rpartition("/")[2], dataset.shape
    del parent[name]
    choice = below(rng, 10)
    if choice == 0:
        parent[name] = np.ones((*shape, 2), np.float32)
    elif choice == 1:
        parent[name] = np.full(shape, rng.choice([np.nan, np.inf, 1e38]), np.float32)
    elif choice == 2:
        kinds = ("<f2", ">f4", "<f8", "<i8", "u1", "S4", "<c8", "?")
        parent.create_dataset(name, shape, kinds[below(rng, len(kinds))])
    elif choice == 3:
        parent.create_dataset(name, _HUGE, "<f4", chunks=(1, 1 << 12))
    elif choice == 4:
        parent.create_dataset(name, shape, "<f4", compression="gzip", data=np.zeros(shape))
    elif choice == 5:
        parent.create_dataset(name, shape, "<f4", external=[("/dev/zero", 0, 1 << 30)])
    elif choice == 6:
        layout = h5py.VirtualLayout(shape, "<f4")
        parent.create_virtual_dataset(name, layout)
    elif choice == 7:
        parent.create_dataset(name, data=parent.ref, dtype=h5py.ref_dtype)
    elif choice == 8:
        parent.create_group(name)


def _link(file: Any, rng: Rng) -> None:
    group = _some(file, h5py.Group, rng)
    names = list(group) or ["x"]
    name = names[below(rng, len(names))]
    links = (
        h5py.SoftLink("/" + name),
        h5py.SoftLink(f"{group.name}/{name}"),
        h5py.ExternalLink("/etc/passwd", "/"),
        h5py.ExternalLink("net.h5", group.name),
        _some(file, h5py.Group, rng),  # a second name, perhaps a cycle
    )
    if name in group:
        del group[name]
    link = links[below(rng, len(links))]
    if not isinstance(link, h5py.Group) or link:
        group[name] = link


_CHANGES: tuple[Callable[[Any, Rng], None], ...] = (
    *(_config, _config, _config, _attribute, _dataset, _link),
)
