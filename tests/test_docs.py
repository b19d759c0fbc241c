"""What the documents say: README's example runs, its commands exist, and docs/ops.md names files that are there."""

import doctest
import re
from pathlib import Path

import pytest

from udlfast.cli import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
DOCS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("bench/*.md")])


def section(text, title):
    return re.split(r"^## ", text.split(f"## {title}\n", 1)[1], flags=re.M)[0]


def test_the_example_in_readme_runs():
    test = doctest.DocTestParser().get_doctest((ROOT / "README.md").read_text(), {}, "README.md", "README.md", 0)
    assert len(test.examples) >= 10
    out = []
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=out.append)
    assert result.failed == 0, "".join(out)


def test_quick_start_has_two_commands():
    commands = re.findall(r"^```sh\n(.*?)^```", section((ROOT / "README.md").read_text(), "Quick start"), re.M | re.S)
    assert len(commands) == 2 and "udlfast train" in commands[0] and "pytest" in commands[1]


@pytest.mark.parametrize("path", DOCS, ids=lambda p: p.name)
def test_links_and_commands(path):
    text = path.read_text()
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (path.parent / target).exists(), f"{path.name} links to {target}"
    for command in re.findall(r"python -m udlfast (\w+)", text):
        assert command in COMMANDS, f"{path.name} speaks of the command {command}"


def rows():
    for line in (ROOT / "docs" / "ops.md").read_text().splitlines():
        cells = [c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 7 and "`" in line:
            yield cells


FOLDERS = ("csrc/kernels", "src/udlfast", "src/udlfast/reference", "tests", "bench")


@pytest.mark.parametrize("cells", list(rows()), ids=lambda c: c[0])
def test_ops_table_names_files_that_exist(cells):
    for folder, cell in zip(FOLDERS, cells[2:], strict=True):
        for name in re.findall(r"`([^`]+)`", cell):
            assert list((ROOT / folder).glob(name)), f"{cells[0]}: {folder}/{name} is missing"


def test_ops_table_has_every_kernel():
    registered = re.findall(r"^UDL_KERNEL\((\w+),", (ROOT / "csrc" / "kernels.inc").read_text(), re.M)
    table = (ROOT / "docs" / "ops.md").read_text()
    names = {re.sub(r"_backward(_\w+)?$", "", name) for name in registered}
    covered = {"max_pool2d": "pool2d", "avg_pool2d": "pool2d", "adaptive_avg_pool2d": "adaptive_pool2d",
               "adaptive_max_pool2d": "adaptive_pool2d", "sumsq": "sgd"}  # fmt: skip
    assert not [n for n in names if not re.search(rf"\b{covered.get(n, n)}\b", table)]
