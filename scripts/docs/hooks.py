"""What the documentation site adds to the files in docs/: pages of the API, and plain text for links that leave the folder."""

import ast
import functools
import importlib.util
import inspect
import pathlib
import re
import sys

from mkdocs.structure.files import File

import udlfast

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ROOT / "src" / "udlfast"
# page: (title, modules); a module's public names are those of its __all__
MODULES = {
    "nn": ("udlfast.nn", ["udlfast.nn"]), "optim": ("udlfast.optim", ["udlfast.optim", "udlfast.optim.lr_scheduler"]),
    "utils_data": ("udlfast.utils.data", ["udlfast.utils.data"]), "data": ("udlfast.data", ["udlfast.data"]),
    "transforms": ("udlfast.data.transforms", ["udlfast.data.transforms", "udlfast.data.transforms.functional",
                                               "udlfast.data.transforms.audio", "udlfast.data.transforms.text"]),
    "models": ("udlfast.models", ["udlfast.models"]), "train": ("udlfast.train", ["udlfast.train"]),
    "linalg": ("udlfast.linalg", ["udlfast.linalg"]), "fft": ("udlfast.fft", ["udlfast.fft"]),
    "distributions": ("udlfast.distributions", ["udlfast.distributions"]), "onnx": ("udlfast.onnx", ["udlfast.onnx"]),
}  # fmt: skip


def on_files(files, config):
    """Add the pages of the API, which are written from the sources at each build."""
    pages = {"operations": operations(), "tensor": tensor(), **{name: page(*entry) for name, entry in MODULES.items()}}
    for name, text in pages.items():
        files.append(File.generated(config, f"api/{name}.md", content=text))
    return files


def page(title, modules):
    """A heading, and what mkdocstrings makes of each public class and function of each module, at the place where it is written."""
    text = f"# {title}\n"
    for module in modules:
        text += (f"\n## {module}\n" if len(modules) > 1 else "") + f"\n{inspect.getdoc(importlib.import_module(module))}\n\n"
        text += "\n".join(f"::: {v.__module__}.{v.__qualname__}\n" for v in public(module))
    return text


def public(module):
    """The classes and functions of a module's __all__ (without one: those written in it or below it) that are written in Python."""
    loaded = importlib.import_module(module)
    listed = getattr(loaded, "__all__", None)
    values = {v.__qualname__: v for v in (getattr(loaded, n) for n in listed or dir(loaded) if n[0] != "_")
              if inspect.isclass(v) or inspect.isfunction(v)}  # fmt: skip
    below = "udlfast." if listed else module
    return [v for name, v in sorted(values.items(), key=lambda pair: pair[0].lower())
            if v.__module__.startswith(below) and name[0] != "_" and v.__doc__ and defined(name, sys.modules[v.__module__].__file__)]


def operations():
    """Every file of ops/ with its public functions, as the index says."""
    tree = ast.parse((SOURCES / "ops" / "_index.py").read_text())
    functions = next(ast.literal_eval(n.value) for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == "FUNCTIONS")
    shown = set()
    text = "# Operations\n\nFunctions of `udlfast` itself; most are methods of tensors too. PyTorch's names and arguments.\n"
    for file in sorted(set(functions.values())):
        names = sorted(n for n, f in functions.items() if f == file and defined(n, str(SOURCES / "ops" / f"{file}.py")))
        if names:
            text += f"\n::: udlfast.ops.{file}\n    options:\n      members: [{', '.join(names)}]\n"
            shown.update(names)
    return text + "\n## compiled and made from tables\n\n" + described(udlfast, set(dir(udlfast)) - shown)


def tensor():
    """The methods of Tensor that have a text of their own."""
    return f"# Tensor\n\n{docstrings().markdown(inspect.getdoc(udlfast.Tensor) or '')}\n\n" + described(udlfast.Tensor, dir(udlfast.Tensor))


def described(owner, names):
    """Headings and texts of functions that only the running library knows; each text once, under the first of its names."""
    text, seen = "", set()
    for name in sorted(names):
        value = getattr(owner, name, None) if name[0] != "_" and name not in ("cuda", "backends") else None
        written = inspect.getdoc(value) if callable(value) and not inspect.isclass(value) else None
        if written and written not in seen:
            seen.add(written)
            text += f"### {name}\n\n{docstrings().markdown(written)}\n\n"
    return text


@functools.cache
def docstrings():
    """scripts/docs/docstrings.py"""
    spec = importlib.util.spec_from_file_location("docstrings", pathlib.Path(__file__).with_name("docstrings.py"))
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def defined(name, path):
    """Whether a file of Python defines this function or class, under this name."""
    return path.endswith(".py") and re.search(rf"^(def|class) {re.escape(name)}\b", pathlib.Path(path).read_text(), re.M) is not None


def on_page_markdown(markdown, page, config, files):
    """[text](../elsewhere) is a path in the checkout: on the site it is text."""
    return re.sub(r"\[([^\]]+)\]\((?:\.\./)+[^)]*\)", r"\1", markdown)
