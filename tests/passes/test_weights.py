# SPDX-License-Identifier: Apache-2.0
"""What weights are found to be."""

from __future__ import annotations

import numpy as np
import pytest

from bnnc.passes.weights import classify

F = np.float32


def signs(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.where(np.random.default_rng(seed).random(shape) < 0.5, F(-1), F(1))


def test_plain_signs_have_no_factor() -> None:
    w = signs((4, 3, 3, 5))
    found = classify(w)
    assert (found.kind, found.alpha, found.noisy) == ("bit", None, 0)
    assert found.signs is not None
    assert (found.signs == w).all()
    assert found.signs.dtype == np.int8


def test_scaled_signs_give_the_factor_of_each_channel() -> None:
    alpha = np.array([0.5, 0.3, 1e-20, 7.0], F)
    w = signs((4, 11)) * alpha[:, None]
    found = classify(w)
    assert found.kind == "bit"
    assert found.alpha is not None
    assert (found.alpha == alpha).all()


def test_noise_of_an_ulp_is_counted_and_removed() -> None:
    """fl(w + fl(alpha * sign(w) - w)) is what a straight-through sum leaves in a frozen graph."""
    rng = np.random.default_rng(3)
    latent = rng.normal(0, 0.4, (8, 3 * 3 * 64)).astype(F)
    alpha = np.abs(latent).mean(axis=1, keepdims=True).astype(F)
    w = latent + (alpha * np.sign(latent) - latent)
    exact = alpha * np.sign(latent)
    assert (w != exact).any()
    found = classify(w)
    assert found.kind == "bit"
    assert found.alpha is not None
    assert found.noisy == int((np.abs(w) != found.alpha[:, None]).sum())
    assert (found.alpha == alpha[:, 0]).all()


def test_zeros_beside_others_make_it_ternary() -> None:
    w = signs((3, 20))
    w[1, 4] = 0.0
    w[2, :] = 0.0
    found = classify(w)
    assert found.kind == "tern"
    assert found.signs is not None
    assert (found.signs == w).all()
    assert found.alpha is not None
    assert found.alpha.tolist() == [1.0, 1.0, 0.0]


def test_a_channel_of_zeros_alone_stays_binary() -> None:
    w = signs((3, 20)) * F(0.25)
    w[1] = 0.0
    found = classify(w)
    assert found.kind == "bit"
    assert found.signs is not None
    assert found.alpha is not None
    assert found.alpha.tolist() == [0.25, 0.0, 0.25]
    assert set(np.unique(found.signs)) == {-1, 1}


@pytest.mark.parametrize("spread", [1.00001, 1.5])
def test_real_spread_is_float_and_says_why(spread: float) -> None:
    w = signs((3, 20))
    w[2, 7] *= F(spread)
    found = classify(w)
    assert found.kind == "float"
    assert "channel 2 has 2 distinct magnitudes" in found.reason
