"""Damaged and hostile files, a few hundred of them; hostile_files.py says what must hold, and runs any number."""

import sys

import hostile_files
import pytest
from hostile_bombs import bombs
from hostile_files import every_mutant, judge_all
from hostile_models import OURS

import udlfast as torch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # fork in a process with threads: the child only reads files
@pytest.mark.parametrize("seed", [11, 12])
def test_mutants_load_or_are_refused(tmp_path, seed):
    counts, faults = judge_all(every_mutant(300, seed), tmp_path)
    assert not faults, faults
    kinds = {kind for kind, _ in counts}
    assert sum(counts.values()) == 300 and all(counts[kind, "refused"] > 0 for kind in kinds)
    assert sum(n for (_, outcome), n in counts.items() if outcome == "loaded") > 10, "mutants must be close to sound files"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_bombs_are_refused(tmp_path):
    all_bombs = bombs()
    counts, faults = judge_all(((name, "bomb", data, False) for name, data in all_bombs.items()), tmp_path)
    assert not faults, faults
    assert counts == {("bomb", "refused"): len(all_bombs)}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_long_stack_leaves_room_to_grow(tmp_path, monkeypatch):
    """While a list grows its old and its new block may be there at once: what is charged for an instruction covers both."""
    monkeypatch.setattr(hostile_files, "ROOM", 5 << 20)
    counts, faults = hostile_files.judge_all([("nones", "bomb", bombs()["nones"], False)], tmp_path)
    assert not faults and counts == {("bomb", "refused"): 1}, faults


def test_models_that_are_damaged_raise_one_kind_of_error():
    """A name of a weight that is no text, an operator without its inputs, an attribute of another type."""
    pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    def model(op, inputs, name=b"w", **attributes):
        info = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2]) for n in "xy"]
        weight = helper.make_tensor("w", TensorProto.FLOAT, [2], [1.0, 2.0])
        graph = helper.make_graph([helper.make_node(op, inputs, ["y"], **attributes)], "g", info[:1], info[1:], [weight])
        return helper.make_model(graph).SerializeToString().replace(b"\x01w", b"\x01" + name)

    assert torch.onnx.load(model("Add", ["x", "w"]))(torch.ones(2)).tolist() == [2, 3]
    for raw in (model("Add", ["x", "w"], b"\xff"), model("Tile", ["x"]), model("LayerNormalization", ["x"])):
        with pytest.raises(OURS):
            torch.onnx.load(raw)(torch.ones(2))
