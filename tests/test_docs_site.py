"""The documentation site: docstrings become Markdown, every page is in the menu, and the site builds strictly without the network."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
if not (ROOT / "mkdocs.yml").is_file():
    pytest.skip("not a checkout", allow_module_level=True)
for package in ("mkdocs", "material", "mkdocstrings", "griffe"):
    pytest.importorskip(package)


def module(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts/docs" / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_docstrings_become_markdown():
    markdown = module("docstrings").markdown
    text = "One line.\n\n    y = a * b_c\n\nArguments:\n    x: [N, C], one of\n        them.\n    y: if 0 < y.\n\n>>> f(1)\n2\n\n"
    text += "Source: *A book*, 2 * 3."
    assert markdown(text) == (
        "One line.\n\n    y = a * b_c\n\n**Arguments:**\n\n- x: \\[N, C\\], one of\n  them.\n- y: if 0 &lt; y.\n\n"
        "```pycon\n>>> f(1)\n2\n```\n\n**Source:** *A book*, 2 \\* 3."
    )


def test_parts_that_follow_each_other_are_kept_apart():
    made = module("docstrings").markdown("One.\n\nArgs:\n    a: ``b_c``\nReturns: d_e\n    f\nRaises: G")
    assert made == "One.\n\n**Args:**\n\n- a: ``b_c``\n\n**Returns:** d\\_e\n    f\n\n**Raises:** G"


def test_every_document_is_in_the_menu():
    text = (ROOT / "mkdocs.yml").read_text()
    listed = set(re.findall(r": ([\w/-]+\.md)$", text, re.M))
    written = {p.relative_to(ROOT / "docs").as_posix() for p in (ROOT / "docs").rglob("*.md")}
    assert {p for p in listed if not p.startswith("api/")} == written
    hooks = module("hooks")
    assert {p[4:-3] for p in listed if p.startswith("api/")} == {"operations", "tensor", *hooks.MODULES}
    operations = hooks.operations()
    assert "softmax" in operations and "### relu" in operations and "### backward" in hooks.tensor()
    assert len(hooks.public("udlfast.nn")) > 100


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="one platform is enough")
def test_the_site_builds_and_needs_no_network(tmp_path):
    done = subprocess.run([sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"], cwd=ROOT,
                          capture_output=True, text=True, timeout=500)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 25
    for page in pages:
        text = page.read_text()
        loaded = re.findall(r'<(?:script|link|img|iframe)[^>]*(?:src|href)="(https?:[^"]*)"', text)
        assert not loaded, f"{page.name} loads {loaded}"
        for picture in re.findall(r'<img[^>]*src="([^":]+)"', text):
            assert (page.parent / picture).is_file(), f"{page} shows {picture}"
    train = (tmp_path / "site/api/train/index.html").read_text()
    assert "Train <code>model</code> and leave it with the weights of its best epoch" in train
    for name, words in (("nn", "Conv2d"), ("transforms", "RandAugment"), ("operations", "softmax"), ("optim", "AdamW"), ("models", "GPT2")):
        text = (tmp_path / f"site/api/{name}/index.html").read_text()
        assert re.search(rf'id="[\w.]*\.{words}"', text), name
