# SPDX-License-Identifier: Apache-2.0
"""Damage to JSON documents: to their values, and now and then to their text."""

from __future__ import annotations

import copy
import json
from typing import Any

from .mutators import NUMBERS, Rng, below, damage_text

_VALUES: tuple[Any, ...] = (
    *(None, True, False, "", "x", -1, 0, 1, 2, 3, 0.5, -0.0, 1e30, 1e999, float("nan"), [], {}),
    *([[]], [1, 1], [None, 4], [0, 0], [1 << 40, 1 << 40], "same", "valid", "causal", "relu"),
    *("channels_first", "float16", "ste_sign", "Dense", "Conv2D", "Functional", "Sequential"),
    *({"class_name": "SteSign", "config": {}}, {"class_name": "__keras_tensor__", "config": {}}),
)


def damage_json(text: str, rng: Rng) -> str:
    """One to a few changes to the values of a document."""
    if rng.random() < 0.15:
        return damage_text(text.encode(), rng).decode("utf-8", "replace")
    try:
        document: Any = json.loads(text)
    except ValueError:  # damaged before
        return text
    for _ in range(int(rng.geometric(0.5))):
        _change(document, rng)
    return json.dumps(document)


def _containers(value: Any) -> list[Any]:
    """All objects and lists that hold something, the outermost first."""
    found: list[Any] = []
    stack: list[Any] = [value]
    while stack:
        one: Any = stack.pop()
        if isinstance(one, dict | list) and one:
            found.append(one)
            stack += _entries(one).values()
    return found


def _entries(container: Any) -> dict[Any, Any]:
    """What an object or list holds, by key or place."""
    keys: Any = container if _is_object(container) else range(len(container))
    return {key: container[key] for key in keys}


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _change(document: Any, rng: Rng) -> None:
    """One change. It puts copies in: one object at two places could come to hold itself."""
    places = _containers(document)
    if not places:
        return
    place: Any = places[below(rng, len(places))]
    keys = list(_entries(place))
    key = keys[below(rng, len(keys))]
    choice = below(rng, 6)
    if choice == 0:
        del place[key]
    elif choice == 1:
        values = list(_entries(places[below(rng, len(places))]).values())
        place[key] = copy.deepcopy(values[below(rng, len(values))])
    elif choice == 2 and not _is_object(place):
        place.insert(key, copy.deepcopy(place[key]))
    elif choice == 3:
        place[key] = NUMBERS[below(rng, len(NUMBERS))]
    elif choice == 4 and isinstance(place[key], int | float):
        place[key] += int(rng.integers(-2, 3))
    else:
        place[key] = copy.deepcopy(_VALUES[below(rng, len(_VALUES))])
