"""Documents run: the Python blocks of the README and the guides, and every example in a docstring."""

import doctest
import importlib
import pkgutil
import re
import sys
from pathlib import Path

import pytest

import udlfast

ROOT = Path(__file__).resolve().parent.parent
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
# modules that need something which is not there on every machine
NEEDS = {"udlfast.cuda": "numba", "udlfast.train.plots": "matplotlib", "udlfast.data.digits": "sklearn",
         "udlfast.data.mnist1d": "mnist1d", "udlfast.data.graphs": "networkx", "udlfast.onnx": "onnx"}  # fmt: skip


def modules():
    """Every module of the package, the compiled one included."""
    found = ["udlfast"]
    for info in pkgutil.walk_packages(udlfast.__path__, "udlfast.", onerror=lambda name: None):
        if not info.name.endswith("__main__") and ".cuda" not in info.name:
            found.append(info.name)
    return found


def run(tests):
    """Runs doctests with a fresh seed; the text of what failed."""
    out = []
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    for test in tests:
        udlfast.manual_seed(0)
        runner.run(test, out=out.append)
        udlfast.set_printoptions(profile="default")
        udlfast.set_default_dtype(udlfast.float32)
        udlfast.set_grad_enabled(True)
    return runner.summarize(verbose=False), "".join(out)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", modules())
def test_examples_in_docstrings(name, tmp_path, monkeypatch):
    for module, needed in NEEDS.items():
        if name.startswith(module):
            pytest.importorskip(needed)
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    finder = doctest.DocTestFinder(exclude_empty=True)
    tests = [t for t in finder.find(module, name, module=module if name != "udlfast._core" else False) if t.examples]
    result, text = run(tests)
    assert not result.failed, text


def compiled():
    """Docstrings of the compiled module: what is public in udlfast and on Tensor."""
    parser, seen = doctest.DocTestParser(), set()
    owners = [("udlfast", udlfast), ("udlfast.Tensor", udlfast.Tensor)]
    for prefix, owner in owners:
        for name in dir(owner):
            if name.startswith("_") or name in udlfast._LAZY:
                continue
            text = getattr(getattr(owner, name), "__doc__", None)
            if isinstance(text, str) and ">>>" in text and id(text) not in seen:
                seen.add(id(text))
                yield parser.get_doctest(text, {}, f"{prefix}.{name}", None, None)


def test_examples_of_the_compiled_module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tests = list(compiled())
    assert len(tests) > 50
    result, text = run(tests)
    assert not result.failed, text


def test_public_functions_have_docstrings():
    from udlfast.ops import FUNCTIONS, function

    functions = [function(n) for n in FUNCTIONS if not n[0].isupper()]
    assert len(functions) > 100
    bare = sorted({f.__name__ for f in functions if not (f.__doc__ or "").strip()})
    assert not bare, f"without a docstring: {bare}"


DOCUMENTS = [p for p in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))] if p.is_file()]


WHOLE = ("index.md", "tutorial.md", "checklist.md")


def blocks(path):
    """The ```python blocks of a document with their line numbers."""
    text = path.read_text()
    for match in re.finditer(r"^```python[^\n]*\n(.*?)^```", text, re.M | re.S):
        yield text[: match.start(1)].count("\n") + 1, match.group(1)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_python_blocks_of_documents(path, tmp_path, monkeypatch):
    """Blocks with prompts are doctests; others run as they stand if they import udlfast or stand in a page that is run from top to
    bottom, and must at least be Python."""
    for needed in {"onnx.md": ("onnx",), "tutorial.md": ("sklearn", "matplotlib")}.get(path.name, ()):
        pytest.importorskip(needed)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["example"])
    scope = {"__name__": "document"}
    for line, code in blocks(path):
        udlfast.manual_seed(0)
        if ">>>" in code:
            test = doctest.DocTestParser().get_doctest(code, scope, path.name, str(path), line)
            out = []
            runner = doctest.DocTestRunner(optionflags=FLAGS)
            runner.run(test, out=out.append, clear_globs=False)
            scope.update(test.globs)
            assert not runner.summarize(verbose=False).failed, "".join(out)
        elif "udlfast" in code or path.name in WHOLE:
            exec(compile(code, f"{path.name}:{line}", "exec"), scope)
        else:
            compile(code, f"{path.name}:{line}", "exec")


def test_the_readme_has_an_example_that_runs():
    if not (ROOT / "README.md").is_file():
        pytest.skip("not a checkout")
    assert any("import udlfast" in code for _, code in blocks(ROOT / "README.md"))


def test_relative_links_lead_somewhere():
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_pictures_of_the_gallery_are_there_and_small():
    """Every picture that the gallery shows exists, every one that exists is shown, each below 40 KB."""
    text, folder = (ROOT / "docs/gallery.md").read_text(), ROOT / "docs/gallery"
    shown = set(re.findall(r"\(gallery/([^)]+)\)", text))
    assert shown == {p.name for p in folder.iterdir()} and len(shown) >= 17
    assert all((folder / name).stat().st_size < 40_000 for name in shown)
    assert set(re.findall(r"`(ch\w+\.py)", text)) == {p.name for p in (ROOT / "examples").glob("ch[0-9]*.py")}
