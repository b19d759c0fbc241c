"""The short form of every reliability check, and the frame itself: findings, limits, rows."""

import os
import signal
import time

import pytest

from reliability import children, frame

CHECKS = frame.load()


@pytest.mark.parametrize("key", CHECKS)
def test_short_form(key):
    row = frame.run(key)
    if row.result == "not run":
        pytest.skip(row.figures)
    assert row.result == "passed", "\n".join([row.line(), *row.findings[:20]])


def bad_step(i):
    """A step of each kind of finding."""
    if i == 2:
        os.kill(os.getpid(), signal.SIGSEGV)
    if i == 4:
        while True:
            pass
    if i == 6:
        raise RuntimeError("broken")
    if i == 8:
        bytearray(1 << 40)
    return "a wrong number" if i == 7 else None


def test_children_find_signals_hangs_and_errors():
    found = children.sweep("reliability.test_reliability:bad_step", 0, 10, memory=4 << 30, seconds=1.0)
    assert [(f.step, f.kind) for f in found] == [(2, "signal"), (4, "hang"), (6, "exit"), (7, "wrong")]
    assert "SIGSEGV" in found[0].text and "broken" in found[2].text and found[3].text == "a wrong number"
    assert found.ran == 10
    stopped = children.sweep("reliability.test_reliability:bad_step", 1, 10, seconds=1.0, most=1)
    assert [f.step for f in stopped] == [2] and stopped.ran == 2  # a row tells what was run, not what was asked for


def fails():
    raise frame.Failed("1 of 2", ["this line repeats it"])


def not_run():
    raise frame.NotRun("no such machine")


@pytest.mark.parametrize("function, result, figures", [
    (lambda: "2 of 2", "passed", "2 of 2"), (fails, "failed", "1 of 2"), (not_run, "not run", "no such machine"),
    (lambda: 1 / 0, "failed", "ZeroDivisionError: division by zero")])
def test_rows(monkeypatch, tmp_path, function, result, figures):
    monkeypatch.setitem(frame.CHECKS, "a_check", ("a check", "all", function, {}, {}))
    begin = time.monotonic()
    row = frame.run("a_check", long=True)
    assert (row.result, row.figures) == (result, figures) and row.seconds <= time.monotonic() - begin
    table = tmp_path / "table.md"
    table.write_text("| a check | old |\n| another | old |\n")
    frame.write(row, table)
    assert table.read_text() == row.line() + "\n| another | old |\n"
    assert row.line().startswith(f"| a check | all | {result} | {figures} | `python -m tests.reliability a_check --long`")


def test_every_check_has_a_row_in_the_document():
    if not frame.TABLE.is_file():
        pytest.skip("not a checkout")
    text = frame.TABLE.read_text()
    assert not [c[0] for c in CHECKS.values() if f"\n| {c[0]} |" not in text]
