# SPDX-License-Identifier: Apache-2.0
"""The Android example: its native part called from Java, and everything else as far as it can be
checked without Android's own tools."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import bnnc
from examples.cifar10 import images

pytestmark = pytest.mark.slow

# What the activity uses of Android: package, then types with their members.
STUBS = {
    "android.app.Activity": """public class Activity extends android.content.Context {
        public static final int RESULT_OK = -1;
        protected void onCreate(android.os.Bundle state) {}
        protected void onActivityResult(int request, int result, android.content.Intent data) {}
        public void setContentView(android.view.View view) {}
        public void startActivityForResult(android.content.Intent intent, int request) {} }""",
    "android.content.Context": """public class Context {
        public ContentResolver getContentResolver() { return null; }
        public android.content.res.AssetManager getAssets() { return null; } }""",
    "android.content.ContentResolver": """public class ContentResolver {
        public java.io.InputStream openInputStream(android.net.Uri uri)
            throws java.io.FileNotFoundException { return null; } }""",
    "android.content.res.AssetManager": """public class AssetManager {
        public java.io.InputStream open(String name)
            throws java.io.IOException { return null; } }""",
    "android.content.ActivityNotFoundException":
        "public class ActivityNotFoundException extends RuntimeException {}",
    "android.content.Intent": """public class Intent {
        public static final String ACTION_GET_CONTENT = "";
        public Intent(String action) {}
        public Intent setType(String type) { return this; }
        public android.net.Uri getData() { return null; }
        public android.os.Bundle getExtras() { return null; } }""",
    "android.net.Uri": "public class Uri {}",
    "android.os.Bundle": "public class Bundle { public Object get(String key) { return null; } }",
    "android.provider.MediaStore":
        'public class MediaStore { public static final String ACTION_IMAGE_CAPTURE = ""; }',
    "android.graphics.Bitmap": """public class Bitmap {
        public int getWidth() { return 0; }
        public int getHeight() { return 0; }
        public void getPixels(int[] p, int offset, int stride, int x, int y, int w, int h) {} }""",
    "android.graphics.BitmapFactory": """public class BitmapFactory {
        public static Bitmap decodeStream(java.io.InputStream stream) { return null; } }""",
    "android.view.View": """public class View {
        public interface OnClickListener { void onClick(View view); }
        public View(android.content.Context context) {}
        public void setOnClickListener(OnClickListener listener) {} }""",
    "android.widget.TextView": """public class TextView extends android.view.View {
        public TextView(android.content.Context context) { super(context); }
        public void setText(CharSequence text) {} }""",
    "android.widget.Button": """public class Button extends TextView {
        public Button(android.content.Context context) { super(context); } }""",
    "android.widget.ImageView": """public class ImageView extends android.view.View {
        public ImageView(android.content.Context context) { super(context); }
        public void setImageBitmap(android.graphics.Bitmap bitmap) {} }""",
    "android.widget.LinearLayout": """public class LinearLayout extends android.view.View {
        public static final int VERTICAL = 1;
        public LinearLayout(android.content.Context context) { super(context); }
        public void setOrientation(int orientation) {}
        public void addView(android.view.View view) {} }""",
}  # fmt: skip


def _run(*command: str | Path) -> str:
    done = subprocess.run(
        [str(c) for c in command], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def tool() -> Callable[[str], str]:
    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            pytest.skip(f"no {name} on PATH; scripts/system-packages.sh installs it")
        return path

    return find


@pytest.fixture
def app(repo: Path) -> Path:
    return repo / "examples" / "android" / "app" / "src" / "main"


def _jni(javac: str) -> str:
    """The option that tells CMake where this JDK has its jni.h."""
    return f"-DJNI={Path(javac).resolve().parents[1] / 'include'}"


def _compile(repo: Path, target: str, out: Path) -> bnnc.Compiled:
    model = repo / "examples" / "cifar10" / "cifar10.pb"
    return bnnc.compile(model, target=target, out=out, name="model", embed=True)


def test_java_sees_what_the_interpreter_computes(
    repo: Path, app: Path, tmp_path: Path, tool: Callable[[str], str]
) -> None:
    compiled = _compile(repo, "c", tmp_path / "network")
    built = tmp_path / "build"
    configure = [f"-DNETWORK={tmp_path / 'network'}", _jni(tool("javac"))]
    _run(tool("cmake"), "-S", app / "cpp", "-B", built, *configure)
    _run(tool("cmake"), "--build", built)
    network = app / "java" / "org" / "bnnc" / "classifier" / "Network.java"
    main = Path(__file__).parent / "android" / "Classify.java"
    _run(tool("javac"), "-Werror", "-Xlint:all", "-d", tmp_path, network, main)

    pixels, _ = images.read(repo / "examples" / "cifar10" / "samples.npz")
    pixels = pixels[:5]
    argb = np.full(pixels.shape[:3], 255, np.uint32)
    for colour in np.moveaxis(pixels, 3, 0):
        argb = argb << 8 | colour
    (tmp_path / "pixels").write_bytes(argb.astype(">u4").tobytes())
    java: list[str | Path] = [
        tool("java"),
        f"-Djava.library.path={built}",
        "-cp",
        tmp_path,
        "Classify",
    ]
    lines = _run(*java, tmp_path / "pixels", "32", "32").splitlines()
    assert lines[50:] == ["refused"] * 3
    printed = np.array([line.split() for line in lines[:50]], np.int32).reshape(5, 10, 2)
    expected = bnnc.interpret(compiled.module, {"image": pixels.astype(np.float32)})["scores"]
    order = np.argsort(-expected, axis=1, kind="stable")
    assert np.array_equal(printed[..., 0], order)
    scores = np.ascontiguousarray(printed[..., 1]).view(np.float32)
    assert np.array_equal(scores, np.take_along_axis(expected, order, axis=1))


def test_native_part_for_arm(
    repo: Path, app: Path, tmp_path: Path, tool: Callable[[str], str]
) -> None:
    """It compiles for the kernels that phones get, and offers what the Java class declares."""
    _compile(repo, "neon", tmp_path / "network")
    cross = tool("aarch64-linux-gnu-gcc")
    configure = [f"-DNETWORK={tmp_path / 'network'}", f"-DCMAKE_C_COMPILER={cross}"]
    configure += ["-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_SYSTEM_PROCESSOR=aarch64"]
    configure += ["-DCMAKE_C_FLAGS=-Werror", _jni(tool("javac"))]
    _run(tool("cmake"), "-S", app / "cpp", "-B", tmp_path / "build", *configure)
    _run(tool("cmake"), "--build", tmp_path / "build")
    listed = _run("nm", "-D", "--defined-only", tmp_path / "build" / "libclassifier.so")
    source = (app / "java/org/bnnc/classifier/Network.java").read_text(encoding="utf-8")
    natives = {
        f"Java_org_bnnc_classifier_Network_{name}"
        for name in re.findall(r"static native \w+ (\w+)\(", source)
    }
    assert {line.split()[-1] for line in listed.splitlines()} == natives
    assert len(natives) == 3


def test_activity_compiles(app: Path, tmp_path: Path, tool: Callable[[str], str]) -> None:
    stubs: list[Path] = []
    for name, text in STUBS.items():
        path = tmp_path / "stubs" / f"{name.replace('.', '/')}.java"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"package {name.rpartition('.')[0]};\n{text}\n", encoding="utf-8")
        stubs.append(path)
    sources = sorted((app / "java").glob("**/*.java"))
    _run(tool("javac"), "--release", "11", "-d", tmp_path / "out", *stubs, *sources)


def test_manifest_names_the_activity(app: Path) -> None:
    manifest = ET.parse(app / "AndroidManifest.xml").getroot()
    (activity,) = manifest.iter("activity")
    name = activity.get("{http://schemas.android.com/apk/res/android}name")
    assert name is not None
    assert (app / "java" / "org" / "bnnc" / "classifier" / f"{name[1:]}.java").is_file()
    gradle = (app.parents[1] / "build.gradle").read_text(encoding="utf-8")
    assert "namespace 'org.bnnc.classifier'" in gradle
    assert "path 'src/main/cpp/CMakeLists.txt'" in gradle
