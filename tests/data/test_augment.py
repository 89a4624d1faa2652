"""Augmentation against torchvision and a naive reference, pixel by pixel."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.transforms.v2 import functional

from cifar_core.config import make_config
from cifar_core.data import Variation, augment, draw_variation


def variation(count: int, **values: object) -> Variation:
    """No change, apart from `values`."""
    zeros = np.zeros(count, np.int64)
    settings = {"flip": np.zeros(count, bool), "dy": zeros, "dx": zeros, "cut_y": zeros, "cut_x": zeros, "cutout": 0}
    return Variation(**{**settings, "mirror_edges": False, **values})  # type: ignore[arg-type]


def naive(image: np.ndarray, one: Variation, row: int) -> np.ndarray:
    """The reference: one picture, pixel by pixel, as the docstring of `augment` says."""
    out = np.zeros_like(image)
    for y in range(32):
        for x in range(32):
            from_y, from_x = y - one.dy[row], x - one.dx[row]
            if 0 <= from_y < 32 and 0 <= from_x < 32:
                out[:, y, x] = image[:, from_y, 31 - from_x if one.flip[row] else from_x]
            top, left = one.cut_y[row] - one.cutout // 2, one.cut_x[row] - one.cutout // 2
            if top <= y < top + one.cutout and left <= x < left + one.cutout:
                out[:, y, x] = 0
    return out


def test_all_kinds_together_equal_the_naive_reference(noise: np.ndarray) -> None:
    """Flip, then shift, then cutout; the given batch is not changed."""
    config = make_config({"flip": True, "shift": 8, "cutout": 9}).data
    drawn = draw_variation(config, len(noise), np.random.default_rng(3))
    assert 0 < drawn.flip.sum() < len(noise)
    before = noise.copy()
    result = augment(noise, drawn)
    assert result.dtype == np.uint8
    expected = np.stack([naive(image, drawn, row) for row, image in enumerate(noise)])
    assert np.array_equal(result, expected)
    assert np.array_equal(noise, before)


def test_the_flip_is_torchvisions(noise: np.ndarray) -> None:
    """All flipped."""
    result = augment(noise, variation(len(noise), flip=np.ones(len(noise), bool)))
    assert np.array_equal(result, functional.horizontal_flip(torch.from_numpy(noise)).numpy())


@pytest.mark.parametrize(("mirror_edges", "padding_mode"), [(False, "constant"), (True, "reflect")])
@pytest.mark.parametrize(("dy", "dx"), [(0, 0), (1, 0), (0, -1), (8, -8), (-3, 5), (-8, -8)])
def test_a_shift_is_torchvisions_pad_and_crop(
    noise: np.ndarray, dy: int, dx: int, mirror_edges: bool, padding_mode: str
) -> None:
    """The free edge is black or mirrors what lies beside it."""
    count = len(noise)
    moves = {"dy": np.full(count, dy), "dx": np.full(count, dx)}
    result = augment(noise, variation(count, **moves, mirror_edges=mirror_edges))
    padded = functional.pad(torch.from_numpy(noise), [8, 8, 8, 8], padding_mode=padding_mode)
    assert np.array_equal(result, functional.crop(padded, 8 - dy, 8 - dx, 32, 32).numpy())


def test_the_order_in_memory_does_not_matter(noise: np.ndarray) -> None:
    """Pictures in channels-last memory, as a training keeps them, are augmented likewise."""
    drawn = draw_variation(make_config({"flip": True, "shift": 3}).data, len(noise), np.random.default_rng(1))
    channels_last = np.ascontiguousarray(noise.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    assert np.array_equal(augment(channels_last, drawn), augment(noise, drawn))


def test_no_variation_is_a_copy(noise: np.ndarray) -> None:
    """The result has the same pixels in memory of its own."""
    result = augment(noise, variation(len(noise)))
    assert np.array_equal(result, noise)
    assert not np.shares_memory(result, noise)


@given(st.integers(0, 8), st.integers(0, 20), st.booleans(), st.integers(0, 2**32))
def test_drawn_variations_keep_to_the_settings(shift: int, cutout: int, flip: bool, seed: int) -> None:
    """Every shift is within bounds, a seed draws the same again, and other settings leave the rest unchanged."""
    config = make_config({"shift": shift, "cutout": cutout, "flip": flip}).data
    one, two = (draw_variation(config, 50, np.random.default_rng(seed)) for _ in range(2))
    assert np.array_equal(one.dy, two.dy)
    assert np.array_equal(one.flip, two.flip)
    assert max(abs(one.dy).max(), abs(one.dx).max()) <= shift
    assert 0 <= one.cut_y.min() <= one.cut_y.max() < 32
    assert flip or not one.flip.any()
    other = draw_variation(make_config({"shift": 8 - shift, "flip": True}).data, 50, np.random.default_rng(seed))
    assert np.array_equal(other.cut_x, one.cut_x)
    assert np.array_equal(other.flip & flip, one.flip)


def test_every_shift_is_equally_likely() -> None:
    """All nine distances, both ends included, over many draws."""
    drawn = draw_variation(make_config({"shift": 4}).data, 90_000, np.random.default_rng(0))
    values, counts = np.unique(drawn.dy, return_counts=True)
    assert values.tolist() == list(range(-4, 5))
    assert counts.min() > 9_500
    assert 0.49 < drawn.flip.mean() < 0.51
