"""The corpora of the fuzzers hold sound files, and the targets tell these from damaged ones."""

import sys
from pathlib import Path

import pytest

import udlfast as torch

FUZZ = Path(__file__).resolve().parent / "fuzz"
sys.path.insert(0, str(FUZZ))
import fuzz_files  # noqa: E402

FILES = sorted((FUZZ / "corpus").glob("*/*"))


def test_there_is_a_corpus_for_each_target():
    assert {p.parent.name for p in FILES} == {*fuzz_files.TARGETS, "udl"} and sum(p.stat().st_size for p in FILES) < 60_000


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_targets(path):
    data, format = path.read_bytes(), path.parent.name
    if format == "udl":  # kernels may have other arguments than when it was written: then python tests/fuzz/fuzz_files.py --corpus
        assert torch.load_plan(path).inputs
        return
    if format == "onnx":
        pytest.importorskip("onnx")
    target = fuzz_files.TARGETS[format]
    assert target(data) and not target(data[: len(data) // 2])
