"""The scripts in examples/, each run briefly: they end, say what they promise, and go on after a break with the same bits."""

import os
import subprocess
import sys

import numpy as np
import pytest

import udlfast as torch

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "examples")


def run(name, *words, cwd):
    done = subprocess.run([sys.executable, os.path.join(FOLDER, name), *map(str, words)], cwd=cwd, capture_output=True, text=True,
                          timeout=600, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def flat(state, prefix=""):
    """Every array of a nested checkpoint under one name."""
    found = {}
    items = state.items() if isinstance(state, dict) else enumerate(state) if isinstance(state, (list, tuple)) else ()
    for key, value in items:
        found.update(flat(value, f"{prefix}{key}/") if not isinstance(value, torch.Tensor) else {f"{prefix}{key}": value.numpy()})
    return found


@pytest.mark.parametrize("name, options", [("char_lstm.py", ["--length", 16]), ("char_gpt.py", [])])
def test_a_break_changes_nothing(name, options, tmp_path):
    pytest.importorskip("safetensors")
    text = tmp_path / "text.txt"
    text.write_text("the sea was quiet and the boats lay still along the wall. " * 40)
    given = [text] if name == "char_lstm.py" else ["--file", text]
    whole = run(name, *given, *options, "--steps", 6, "--every", 6, "--out", "whole.safetensors", cwd=tmp_path)
    assert "validation" in whole
    if name == "char_lstm.py":  # the schedule of char_gpt.py depends on the number of steps: there the break is a stop in between
        run(name, *given, *options, "--steps", 3, "--every", 3, "--out", "parts.safetensors", cwd=tmp_path)
    else:
        run(name, *given, *options, "--steps", 6, "--every", 3, "--stop", 3, "--out", "parts.safetensors", cwd=tmp_path)
    run(name, *given, *options, "--steps", 6, "--every", 6, "--out", "parts.safetensors", "--resume", cwd=tmp_path)
    one, other = (flat(torch.load(tmp_path / f"{k}.safetensors")) for k in ("whole", "parts"))
    assert one.keys() == other.keys() and len(one) > 10
    assert all(np.array_equal(one[k], other[k]) for k in one)


def small_mnist(folder, n=60):
    """Files like MNIST's: a bright square at a place that tells the class."""
    import struct

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, n).astype("u1")
    images = rng.integers(0, 30, (n, 28, 28)).astype("u1")
    for image, label in zip(images, labels, strict=True):
        image[4 + 4 * (label // 5):12 + 4 * (label // 5), 4 * (label % 5):4 * (label % 5) + 8] = 255
    for name, array in (("images-idx3", images), ("labels-idx1", labels)):
        head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
        (folder / f"t10k-{name}-ubyte").write_bytes(head + array.tobytes())


@pytest.mark.parametrize("model", ["lenet", "resnet"])
def test_mnist_lenet(model, tmp_path):
    pytest.importorskip("matplotlib")
    small_mnist(tmp_path)
    out = run("mnist_lenet.py", tmp_path, "--model", model, "--epochs", 2, "--batch-size", 8, cwd=tmp_path)
    assert "epoch  2" in out and "test accuracy: " in out
    assert (tmp_path / "mnist_lenet.png").read_bytes()[:4] == b"\x89PNG"


def test_mnist1d_networks(tmp_path):
    pytest.importorskip("matplotlib"), pytest.importorskip("mnist1d")
    out = run("mnist1d_networks.py", "--epochs", 1, cwd=tmp_path)
    assert out.count("test error") == 4 and (tmp_path / "mnist1d_networks.png").stat().st_size > 1000


def test_augmentation(tmp_path):
    pytest.importorskip("matplotlib")
    small_mnist(tmp_path)
    assert run("augmentation.py", tmp_path, cwd=tmp_path).count(" ms for 8000 images") == 11
    assert (tmp_path / "augmentation.png").stat().st_size > 1000


def test_search(tmp_path):
    """Five stages in a table, a picture, and a study that goes on: the second run has nothing left to try."""
    pytest.importorskip("matplotlib"), pytest.importorskip("sklearn"), pytest.importorskip("optuna")
    words = ("search.py", "--quick", "--study", "study.db", "--out", "search.png")
    first, second = (run(*words, cwd=tmp_path) for _ in range(2))
    assert "what mattered: " in first and "test accuracy" in first and first.endswith(second[second.index("stage "):])
    assert (tmp_path / "search.png").stat().st_size > 1000


def test_tabular(tmp_path):
    pytest.importorskip("matplotlib"), pytest.importorskip("sklearn")
    text = run("tabular.py", "--quick", cwd=tmp_path)
    assert text.count("take: ") == 2 and text.count("gradient boosting  ") == 2 and text.count("MLP    ") == 2
    assert (tmp_path / "tabular.png").stat().st_size > 1000


def test_load_test_of_a_plan(tmp_path):
    net = torch.compile(torch.nn.Linear(300, 20).eval())
    with torch.inference_mode():
        net(torch.ones(4, 300))
    net.plans[0].save(tmp_path / "net.udl")
    said = run("serve/load_test.py", "--plan", "net.udl", "--clients", 3, "--seconds", 1, "--requests", 50, cwd=tmp_path)
    assert "3 clients: 150 requests" in said and "wrong answers: 0" in said


CHAPTERS = {
    "ch03_shallow": "matplotlib", "ch04_deep": "matplotlib", "ch05_losses": "matplotlib", "ch06_fitting": "matplotlib",
    "ch07_initialisation": "matplotlib", "ch08_performance": "matplotlib", "ch09_regularisation": "mnist1d matplotlib",
    "ch10_convolution": "mnist1d matplotlib", "ch11_residual": "mnist1d matplotlib", "ch12_transformer": "sklearn",
    "ch13_graphs": "networkx matplotlib", "ch14_autoencoder": "sklearn", "ch15_gan": "sklearn", "ch16_flows": "sklearn",
    "ch17_vae": "sklearn", "ch18_diffusion": "sklearn", "ch19_policy_gradient": "matplotlib", "ch20_double_descent": "mnist1d matplotlib",
}  # fmt: skip


def test_every_script_of_a_chapter_is_run_and_short():
    found = {name[:-3]: name for name in os.listdir(FOLDER) if name.startswith("ch") and name[2].isdigit()}
    assert found.keys() == CHAPTERS.keys()
    for name in found.values():
        with open(os.path.join(FOLDER, name)) as file:
            assert len(file.readlines()) < 100, name


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_script_of_a_chapter_draws_its_picture(name, tmp_path):
    """--quick: it prints at least one figure of the chapter and writes a picture that is not of one colour."""
    for module in CHAPTERS[name].split():
        pytest.importorskip(module)
    text = run(name + ".py", "--quick", "--out", "picture.png", cwd=tmp_path)
    assert any(c.isdigit() for c in text), text
    assert "nan" not in text.lower(), text
    image = np.asarray(pytest.importorskip("PIL.Image").open(tmp_path / "picture.png").convert("L"))
    assert min(image.shape) > 20 and image.std() > 5


def test_chapters_of_images_read_mnist(tmp_path):
    small_mnist(tmp_path, 200)
    for name in ("ch14_autoencoder.py", "ch15_gan.py", "ch17_vae.py", "ch18_diffusion.py"):
        run(name, tmp_path, "--quick", "--out", "sheet.png", cwd=tmp_path)
        assert (tmp_path / "sheet.png").stat().st_size > 100
