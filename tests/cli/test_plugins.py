# SPDX-License-Identifier: Apache-2.0
"""Passes, targets and frontends of installed packages; packages that clash or are broken."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Home:
    """A folder to work in and the site folders that Python sees, with the checkout last."""

    repo: Path
    folder: Path
    sites: tuple[Path, ...]

    def bnnc(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run the command line in a process of its own: it sees what is installed there."""
        path = os.pathsep.join(map(str, (*self.sites, self.repo)))
        return subprocess.run(
            [sys.executable, "-m", "bnnc", *map(str, arguments)],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="session")
def plugin_site(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site folder with the package of ``tests/plugin``, built from a copy and installed."""
    top = tmp_path_factory.mktemp("plugin")
    source, site = top / "source", top / "site"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(repo / "tests" / "plugin", source, ignore=ignore)
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-deps", "--no-index", "--no-build-isolation"]
    command = [*install, *offline, "--target", str(site), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return site


@pytest.fixture
def home(repo: Path, plugin_site: Path, tmp_path: Path) -> Home:
    (tmp_path / "net.signs").write_text("4 - - relu - - -")
    return Home(repo, tmp_path, (plugin_site,))


def listed(home: Home, what: str) -> list[str]:
    done = home.bnnc(what, "--json")
    assert done.returncode == 0, done.stderr
    return [row["name"] for row in json.loads(done.stdout)[what]]


def test_they_are_listed(home: Home) -> None:
    assert "drop-double-negation" in listed(home, "passes")
    assert {"c", "plugin-board", "plugin-clang"} <= set(listed(home, "targets"))
    stranger = Home(home.repo, home.folder, ())
    assert "drop-double-negation" not in listed(stranger, "passes")
    assert "plugin-board" not in listed(stranger, "targets")
    assert stranger.bnnc("compile", "net.signs").returncode == 2


def test_they_compile_a_model_together(home: Home) -> None:
    passes = "drop-double-negation,default"
    done = home.bnnc("compile", "net.signs", "--target", "plugin-board", "--passes", passes)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((home.folder / "net" / "manifest.json").read_text())
    assert manifest["target"] == "plugin-board"
    assert [layer["kernel"] for layer in manifest["layers"]] == ["relu_f32", "neg_f32"]
    assert "EXACT = -std=c99 -O1 -ffp-contract=off" in (home.folder / "net/Makefile").read_text()
    done = home.bnnc("compile", "net.signs", "--target", "plugin-board", "-o", "all")
    assert done.returncode == 0, done.stderr
    manifest = json.loads((home.folder / "all" / "manifest.json").read_text())
    assert len(manifest["layers"]) == 6


@pytest.mark.parametrize("target", ["plugin-board", "plugin-clang"])
def test_they_run_a_model(target: str, home: Home) -> None:
    x = np.array([[1, -2, 0, 3]], np.float32)
    np.savez(home.folder / "x.npz", numbers=x)
    arguments = ["--inputs", "x.npz", "--outputs", "y.npz", "--target", target]
    done = home.bnnc("run", "net.signs", *arguments)
    assert done.returncode == 0, done.stderr
    with np.load(home.folder / "y.npz") as arrays:
        assert arrays["signs"].tolist() == (-np.maximum(x, 0)).tolist()
    done = home.bnnc("verify", "net.signs", "--target", target)
    assert done.returncode == 0, done.stderr


MODULE = """
from bnnc import Pass
from bnnc.backends import Target

class Mine(Pass):
    name = "%s"

TARGET = Target(name="%s", description="", isas=("ref",), orders=("muladd",))

def load(path, options):
    raise NotImplementedError

NUMBER = 3
"""


def install(folder: Path, group: str, entries: Sequence[str], code: str = MODULE) -> Path:
    """A site folder with a package ``rival`` as an installer leaves it, with these entry points."""
    site = folder / "rival-site"
    info = site / "rival-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: rival\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[bnnc.{group}]\n" + "\n".join(entries) + "\n")
    (site / "rival.py").write_text(code)
    return site


PASS, TARGET, FRONTEND = ("passes", 5), ("targets", 6), ("frontends", 2)


@pytest.mark.parametrize(
    ("group", "entry", "name", "complaint"),
    [
        (PASS, "p = rival:Mine", "drop-double-negation", "two passes are called"),
        (PASS, "p = rival:Mine", "fold-constants", "two passes are called 'fold-constants'"),
        (PASS, "p = rival:NUMBER", "", "bnnc.passes:p = rival:NUMBER of package 'rival' is not"),
        (PASS, "p = rival:none", "", "package 'rival' cannot be loaded: AttributeError"),
        (PASS, "p = absent:Mine", "", "cannot be loaded: ModuleNotFoundError"),
        (TARGET, "t = rival:TARGET", "plugin-board", "two targets are called 'plugin-board'"),
        (TARGET, "t = rival:TARGET", "c", "two targets are called 'c', one of them by entry"),
        (TARGET, "t = absent:TARGET", "", "cannot be loaded: ModuleNotFoundError"),
        (TARGET, "t = rival:NUMBER", "", "cannot read target file 3"),
        (FRONTEND, "signs = rival:load", "", "several frontends read .signs files: bnnc_test_"),
        (FRONTEND, "pb = rival:load", "", "several frontends read .pb files: bnnc.frontends"),
        (FRONTEND, "toy = rival:NUMBER", "", "is no function (path, options) -> Module"),
        (FRONTEND, "toy = absent:load", "", "cannot be loaded: ModuleNotFoundError"),
    ],
)
def test_clashing_and_broken_packages(
    group: tuple[str, int], entry: str, name: str, complaint: str, home: Home
) -> None:
    what, code = group
    rival = install(home.folder, what, [entry], MODULE % (name or "mine", name or "mine"))
    crowded = Home(home.repo, home.folder, (*home.sites, rival))
    suffix = entry.split(" ")[0] if what == "frontends" else "signs"
    model = home.folder / f"net.{suffix}"
    model.touch()
    done = crowded.bnnc("compile", model, "--target", "plugin-clang")
    assert done.returncode == code, done.stderr
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
