# SPDX-License-Identifier: Apache-2.0
"""The wheel: every file is in it, it has one import name, and it works outside the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

_REPO = Path(__file__).resolve().parents[2]
_PROJECT = tomllib.loads((_REPO / "pyproject.toml").read_text())
_SETUPTOOLS = _PROJECT["tool"]["setuptools"]
# The folders at the top of the checkout, each with the one it becomes when installed.
_FOLDERS: dict[str, str] = {
    folder: package.replace(".", "/") for package, folder in _SETUPTOOLS["package-dir"].items()
}


def _installed_name(file: Path) -> str:
    """Where the wheel puts a file of a package, both relative to their tops."""
    top, *rest = file.parts
    return "/".join([_FOLDERS[top], *rest])


def _package_files() -> list[Path]:
    return sorted(
        file.relative_to(_REPO)
        for folder in _FOLDERS
        for file in (_REPO / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".pyc"
    )


def test_every_package_is_listed() -> None:
    inits = [file for file in _package_files() if file.name == "__init__.py"]
    found = sorted(_installed_name(file.parent).replace("/", ".") for file in inits)
    assert sorted(_SETUPTOOLS["packages"]) == found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built from a copy so that the build leaves nothing in the checkout."""
    top = tmp_path_factory.mktemp("wheel")
    source = top / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(_REPO / name, source)
    for folder in _FOLDERS:
        shutil.copytree(
            _REPO / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(top)]
    run = subprocess.run([*build, str(source)], capture_output=True, text=True, cwd=top)
    assert run.returncode == 0, run.stdout + run.stderr
    (built,) = top.glob("*.whl")
    return built


@pytest.mark.slow
def test_wheel_holds_every_file_under_one_name(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    info = f"{wheel.name.split('-py3')[0]}.dist-info/"
    inside = {name for name in names if not name.startswith(info)}
    assert inside == {_installed_name(file) for file in _package_files()}
    assert {f"{info}licenses/LICENSE", f"{info}licenses/runtime/LICENSE"} <= set(names)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` folder of a fresh environment with the wheel, far from the checkout.

    The libraries that bnnc needs are lent by this environment. A path file that the fresh one reads
    is added to its search path without obeying the path files there, so an editable bnnc that is
    installed here stays out of sight.
    """
    home = tmp_path_factory.mktemp("installed") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    python = home / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*install, "--no-deps", "--no-index", str(wheel)], check=True)
    (site,) = home.glob("lib/python*/site-packages")
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin"


def _run(command: list[str | Path], cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    run = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return run


@pytest.mark.slow
def test_installed_command_tells_its_version(installed: Path, tmp_path: Path) -> None:
    version: str = _PROJECT["project"]["version"]
    assert version in _run([installed / "bnnc", "--version"], tmp_path).stdout
    where = "import bnnc; print(bnnc.__version__, bnnc.__file__, *bnnc.__path__)"
    told = _run([installed / "python", "-c", where], tmp_path).stdout.split()
    assert told[0] == version
    assert all(Path(path).is_relative_to(installed.parent) for path in told[1:])


@pytest.mark.slow
def test_installed_compiler_compiles(installed: Path, tmp_path: Path) -> None:
    """The example's C builds and is what the checkout's own compiler emits."""
    model = tmp_path / "digits.pb"
    shutil.copy(_REPO / "examples" / "digits" / "digits.pb", model)
    command = ["compile", str(model), "--target", "c", "-o"]
    _run([installed / "bnnc", *command, "there"], tmp_path)
    ours = [sys.executable, "-m", "bnnc", *command, str(tmp_path / "here")]
    subprocess.run(ours, cwd=_REPO, check=True)
    there, here = tmp_path / "there", tmp_path / "here"
    names = {file.relative_to(there) for file in there.rglob("*") if file.is_file()}
    assert names == {file.relative_to(here) for file in here.rglob("*") if file.is_file()}
    assert all((there / name).read_bytes() == (here / name).read_bytes() for name in names)
    _run(["make", "-C", "there"], tmp_path)
    assert os.access(there / "digits", os.X_OK)
