"""Every operator against PyTorch's own database of them: values, gradients, forms and errors; a few samples of each here, all
with UDLFAST_ALL_SAMPLES=1 (or as a report: python tests/op_db.py --all)."""

import os

import pytest

import udlfast

pytest.importorskip("torch")
pytest.importorskip("torch.testing._internal.common_methods_invocations", exc_type=ImportError)

import op_db  # noqa: E402
from op_db_tables import COMMON, GAPS, NO_OUT, RANDOM, group  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
MOST = None if os.environ.get("UDLFAST_ALL_SAMPLES") else 3
ENTRIES = {op_db.title(op): op for op in op_db.op_db if group(op.name) in ("common", "beyond")}


@pytest.mark.parametrize("title", ENTRIES)
def test_operator(title):
    """Values and gradients of each form, unless the table of gaps says why not."""
    op = ENTRIES[title]
    if title in GAPS:
        pytest.skip(GAPS[title])
    result = op_db.check_op(op, MOST, op.name in RANDOM)
    failures = [m for _, _, messages in result.values() for m in messages]
    assert not failures, "\n".join(failures[:5])


def test_bars():
    """The table of gaps leaves at least 98 % of the common operators and 85 % of the others."""
    for kind, least in (("common", 0.98), ("beyond", 0.85)):
        names = {op.name for op in ENTRIES.values() if group(op.name) == kind}
        lost = {ENTRIES[t].name for t in GAPS if t in ENTRIES and group(ENTRIES[t].name) == kind}
        assert 1 - len(lost) / len(names) >= least, (kind, sorted(lost))
    assert len(COMMON) > 120


def test_the_harness_sees_a_wrong_value(monkeypatch):
    """A planted fault in a value, in a gradient and in a form is found."""
    op = ENTRIES["sigmoid"]
    right = udlfast.sigmoid
    assert not any(r[2] for r in op_db.check_op(op, 2).values())
    monkeypatch.setattr(udlfast, "sigmoid", lambda x: right(x) * (1 + 1e-5))
    assert op_db.check_op(op, 2)["function"][2]
    monkeypatch.setattr(udlfast, "sigmoid", lambda x: right(x).detach() + 0 * x)
    assert any("gradient" in m for m in op_db.check_op(op, 2)["function"][2])
    monkeypatch.setattr(udlfast, "sigmoid", lambda x: right(x).reshape(-1, 1))
    assert any("shape" in m for m in op_db.check_op(op, 2)["function"][2])


@pytest.mark.parametrize("title", [t for t, op in ENTRIES.items() if op.error_inputs_func is not None])
def test_errors(title):
    """Where PyTorch raises an error of a class, so does udlfast."""
    op = ENTRIES[title]
    if title in GAPS or title + " errors" in GAPS:
        pytest.skip(GAPS.get(title) or GAPS[title + " errors"])
    failures = op_db.check_errors(op)
    assert not failures, "\n".join(failures[:5])


OUT = [t for t, op in ENTRIES.items() if op.supports_out and op.name not in RANDOM | NO_OUT and t not in GAPS]


@pytest.mark.parametrize("title", OUT)
def test_out(title):
    """out=: the result goes into the tensor given, which takes its shape; a result of a higher kind is refused."""
    failures = op_db.check_out(ENTRIES[title])
    assert not failures, "\n".join(failures[:3])
