"""Damaged and hostile files, a few hundred of them; hostile_files.py says what must hold, and runs any number."""

import sys

import pytest
from hostile_bombs import bombs
from hostile_files import judge_all
from hostile_mutants import mutants

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # fork in a process with threads: the child only reads files
@pytest.mark.parametrize("seed", [11, 12])
def test_mutants_load_or_are_refused(tmp_path, seed):
    counts, faults = judge_all(mutants(240, seed), tmp_path)
    assert not faults, faults
    kinds = {kind for kind, _ in counts}
    assert sum(counts.values()) == 240 and all(counts[kind, "refused"] > 10 for kind in kinds)
    assert sum(n for (_, outcome), n in counts.items() if outcome == "loaded") > 10, "mutants must be close to sound files"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_bombs_are_refused(tmp_path):
    all_bombs = bombs()
    counts, faults = judge_all(((name, "bomb", data, False) for name, data in all_bombs.items()), tmp_path)
    assert not faults, faults
    assert counts == {("bomb", "refused"): len(all_bombs)}
