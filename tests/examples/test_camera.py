# SPDX-License-Identifier: Apache-2.0
"""The camera demo: what it makes of pictures, compared with numpy and with the interpreter."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bnnc
from bnnc.backends import emulator_of, find_target
from examples.cifar10 import images

from ..docs.blocks import blocks
from .camera import SANITIZE, Camera, area_means, echo, write_ppm

pytestmark = pytest.mark.slow

MEAN, STD = np.array([[104, 117, 123], [57.5, 58, 2]], np.float32)
FAKED = ("stat", "open", "poll", "ioctl", "mmap", "munmap", "close")


@pytest.fixture(scope="module")
def colours(repo: Path, cc: str, tmp_path_factory: pytest.TempPathFactory) -> Camera:
    """Reads colours, 5 x 7."""
    assert cc
    return Camera(repo, tmp_path_factory.mktemp("colours"), echo([5, 7, 3]))


@pytest.fixture
def picture(tmp_path: Path) -> tuple[Path, np.ndarray]:
    pixels = np.random.default_rng(5).integers(0, 256, [31, 22, 3]).astype(np.uint8)
    return write_ppm(tmp_path / "picture.ppm", pixels), pixels


def test_stretched(colours: Camera, picture: tuple[Path, np.ndarray]) -> None:
    path, pixels = picture
    np.testing.assert_allclose(
        colours.scores("--stretch", path)[0], area_means(pixels, 5, 7).ravel(), rtol=1e-6
    )


def test_the_middle_is_taken(colours: Camera, picture: tuple[Path, np.ndarray]) -> None:
    """Of 31 x 22 the network's 5 : 7 leave 15 rows, 8 below the top."""
    path, pixels = picture
    expected = area_means(pixels[8:23], 5, 7)
    np.testing.assert_allclose(colours.scores(path)[0], expected.ravel(), rtol=1e-6)


def test_enlarged(colours: Camera, tmp_path: Path) -> None:
    pixels = np.random.default_rng(6).integers(0, 256, [3, 2, 3]).astype(np.uint8)
    path = write_ppm(tmp_path / "small.ppm", pixels)
    np.testing.assert_allclose(
        colours.scores("--stretch", path)[0], area_means(pixels, 5, 7).ravel(), rtol=1e-6
    )


def test_normalized_with_blue_first(colours: Camera, picture: tuple[Path, np.ndarray]) -> None:
    path, pixels = picture
    options = ["--stretch", "--bgr", "--mean", "104,117,123", "--std", "57.5,58,2"]
    expected = ((area_means(pixels, 5, 7) - MEAN) / STD)[..., ::-1]
    np.testing.assert_allclose(
        colours.scores(*options, path)[0], expected.ravel(), rtol=1e-5, atol=1e-5
    )


def test_own_size_goes_through_unchanged(colours: Camera, tmp_path: Path) -> None:
    """Colour and grey, one after the other."""
    pixels = np.random.default_rng(7).integers(0, 256, [5, 7, 3]).astype(np.uint8)
    grey = pixels[..., 0]
    paths = [write_ppm(tmp_path / "a.ppm", pixels), write_ppm(tmp_path / "b.pgm", grey)]
    got = colours.scores(*paths)
    assert np.array_equal(got[0], pixels.ravel())
    assert np.array_equal(got[1], grey.repeat(3))


def test_channels_first(repo: Path, picture: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    path, pixels = picture
    expected = area_means(pixels, 6, 4).transpose(2, 0, 1)
    got = Camera(repo, tmp_path, echo([3, 6, 4])).scores("--stretch", path)[0]
    np.testing.assert_allclose(got, expected.ravel(), rtol=1e-6)


def test_brightness(repo: Path, picture: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    path, pixels = picture
    expected = area_means(pixels, 8, 8) @ [77 / 256, 150 / 256, 29 / 256]
    camera = Camera(repo, tmp_path, echo([8, 8, 1]))
    np.testing.assert_allclose(camera.scores("--stretch", path)[0], expected.ravel(), rtol=1e-6)
    grey = write_ppm(tmp_path / "grey.pgm", pixels[:8, :8, 1])
    assert np.array_equal(camera.scores(grey)[0], pixels[:8, :8, 1].ravel())


@pytest.mark.parametrize("target", ["c", "neon", "armv7-neon"])
def test_samples_are_classified_as_by_the_interpreter(
    repo: Path, tmp_path: Path, target: str
) -> None:
    """Natively, and on 64- and 32-bit ARM in an emulator, where the machine is another one."""
    chosen = find_target(target)
    flags, link = (SANITIZE, "") if target == "c" else ("-O2 -Werror", "-static")
    camera = Camera(
        repo, tmp_path, repo / "examples" / "cifar10" / "cifar10.pb", target=target,
        cc=chosen.compilers[0], run=emulator_of(chosen), flags=flags, link=link,
    )  # fmt: skip
    pixels, _ = images.read(repo / "examples" / "cifar10" / "samples.npz")
    paths = [write_ppm(tmp_path / f"{i}.ppm", p) for i, p in enumerate(pixels[:6])]
    expected = bnnc.interpret(camera.compiled.module, {"image": pixels[:6].astype(np.float32)})
    assert np.array_equal(camera.scores(*paths), expected["scores"])


def test_network_of_bytes(repo: Path, tmp_path: Path, picture: tuple[Path, np.ndarray]) -> None:
    """Input and scores are 8-bit levels: off by no more than half a step."""
    path, pixels = picture
    data = {"x": np.linspace(0, 255, 60).reshape(1, 5, 4, 3).astype(np.float32)}
    options = {"quantize": "int8", "calibrate": data, "io": "int8"}
    camera = Camera(repo, tmp_path, echo([5, 4, 3]), compile_options=options)
    got = camera.scores("--stretch", path)[0]
    assert np.abs(got - area_means(pixels, 5, 4).ravel()).max() <= 0.5001
    assert len(np.unique(got)) > 20


def test_best_classes_with_names(repo: Path, colours: Camera, tmp_path: Path) -> None:
    pixels = np.zeros([5, 7, 3], np.uint8)
    pixels.ravel()[[40, 3, 77]] = [9, 8, 9]
    labels = tmp_path / "labels.txt"
    labels.write_text("".join(f"thing {i}\r\n" for i in range(105)))
    path = write_ppm(tmp_path / "a.ppm", pixels)
    printed, _ = colours("--labels", labels, "--top", "3", path)
    assert printed == f"{path}: thing 40 9, thing 77 9, thing 3 8\n"


@pytest.mark.parametrize("name", ["YUYV", "RGB3", "GREY"])
def test_device(repo: Path, tmp_path: Path, name: str) -> None:
    """More pictures than buffers, in rows with gaps; when it is unplugged there is an error."""
    random = np.random.default_rng(8)
    bytes_of = {"YUYV": 2, "RGB3": 3, "GREY": 1}[name]
    film = random.integers(0, 256, [7, 6, 8, bytes_of]).astype(np.uint8)
    rows = np.pad(film.reshape(7, 6, -1), [(0, 0), (0, 0), (0, 5)])
    (tmp_path / "film").write_bytes(rows.tobytes())
    wrap = ",".join(f"--wrap={call}" for call in FAKED)
    fake = repo / "tests" / "examples" / "fake_camera.c"
    camera = Camera(repo, tmp_path, echo([6, 8, 3]), link=f"-D_DEFAULT_SOURCE -Wl,{wrap} {fake}")
    settings = {
        "FAKE_CAMERA": str(tmp_path / "film"), "FAKE_WIDTH": "8", "FAKE_HEIGHT": "6",
        "FAKE_PITCH": str(rows.shape[2]), "FAKE_BYTES": str(rows[0].size),
        "FAKE_FORMAT": str(int.from_bytes(name.encode(), "little")),
    }  # fmt: skip
    got = camera.scores("--frames", "6", "/dev/video0", env=settings)
    expected = _colours_of(film[:6], name)
    assert np.abs(got - expected.reshape(6, -1)).max() <= 1
    _, error = camera("/dev/video0", env=settings, code=1)
    assert "/dev/video0: no picture: No such device" in error
    settings["FAKE_FORMAT"] = str(int.from_bytes(b"MJPG", "little"))
    _, error = camera("/dev/video0", env=settings, code=1)
    assert "gives MJPG; only YUYV, RGB24 and GREY are read" in error


def _colours_of(film: np.ndarray, name: str) -> np.ndarray:
    """[n, h, w, 3]; YUYV by the matrix of ITU-R BT.601 in floats."""
    if name != "YUYV":
        return film.astype(np.float64).repeat(3 // film.shape[3], axis=3)
    luma = (film[..., 0] - 16.0) * 255 / 219
    u, v = ((film[:, :, i::2, 1] - 128.0).repeat(2, axis=2) * 255 / 224 for i in (0, 1))
    red, blue = luma + 1.402 * v, luma + 1.772 * u
    green = luma - 1.402 * 0.299 / 0.587 * v - 1.772 * 0.114 / 0.587 * u
    return np.clip(np.stack([red, green, blue], axis=-1), 0, 255)


def test_framebuffer(colours: Camera, picture: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    """The picture fills the height; in its corner there are letters, white on black."""
    path, pixels = picture
    target = tmp_path / "screen"
    target.touch()
    colours("--framebuffer", target, "--framebuffer-size", "200x62", "--top", "2", path)
    screen = np.fromfile(target, np.uint8).reshape(62, 200, 4)[..., 2::-1]
    assert np.array_equal(screen[24:, :44], pixels.repeat(2, axis=0).repeat(2, axis=1)[24:])
    assert not screen[24:, 44:].any()
    letters = screen[:16, : 6 * 26]
    assert {0, 255} == set(np.unique(letters).tolist())
    assert 0.05 < letters.mean() / 255 < 0.4


def test_commands_of_the_readme(repo: Path, tmp_path: Path) -> None:
    """As they stand there, on a copy; the second block, but for copying it to a Raspberry Pi."""
    shutil.copytree(repo / "examples", tmp_path / "examples")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "bnnc").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bnnc "$@"\n')
    (tools / "bnnc").chmod(0o755)
    env = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(repo)}
    env.pop("MAKEFLAGS", None)
    first, second = blocks(repo / "examples" / "camera" / "README.md")
    building = "".join(line for line in second.text.splitlines(True) if "pi@" not in line)
    assert building.count("\n") == 2
    outputs = [
        subprocess.run(
            ["sh", "-eu", "-c", text], cwd=tmp_path, env=env, check=True, capture_output=True,
            text=True,
        )
        for text in (first.text, building)
    ]  # fmt: skip
    assert outputs[0].stdout.count("pattern: class ") == 2
    assert (tmp_path / "examples" / "camera" / "build" / "camera").is_file()


def test_pattern_moves(colours: Camera) -> None:
    first, second = colours.scores("--frames", "2", "--size", "40x30")
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--top", "0"], 2, "--top 0: a positive number wanted"),
        (["--size", "10"], 2, "--size 10: a size such as 320x240 wanted"),
        (["--std", "0"], 2, "--std 0: positive numbers wanted"),
        (["--mean", "1,2"], 2, "--mean 1,2: a number, or three such as 104,117,123 wanted"),
        (["--wrong"], 2, "Usage: camera"),
        (["missing.ppm"], 1, "missing.ppm: No such file"),
        (["text.ppm"], 1, "text.ppm is neither PPM (P6) nor PGM (P5)"),
        (["short.ppm"], 1, "short.ppm ends early"),
        (["huge.ppm"], 1, "huge.ppm has a size that cannot be"),
        (["deep.ppm"], 1, "deep.ppm has not 8 bits a colour"),
        (["/dev/null"], 1, "/dev/null: no camera, or it is in use"),
        (["--labels", "text.ppm"], 1, "has 1 lines, but the network has 105 classes"),
        (["--framebuffer", "text.ppm"], 1, "text.ppm: is no framebuffer"),
    ],
)  # fmt: skip
def test_errors(
    colours: Camera,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (
        ("text", "hello\n"), ("short", "P6 2 2 255\nabc"), ("huge", "P6 999999 1 255\nabc"),
        ("deep", "P6 2 2 65535\nabcdefabcdef"),
    ):  # fmt: skip
        Path(f"{name}.ppm").write_text(text)
    printed, error = colours(*arguments, code=code)
    assert message in error
    assert printed == ""
