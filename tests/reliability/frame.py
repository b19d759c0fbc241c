"""Reliability checks and the rows they print.

    python -m tests.reliability                          names the checks
    python -m tests.reliability NAME ...                 runs their short forms
    python -m tests.reliability NAME --long [--write]    the long form; --write puts its row into RELIABILITY.md
    python -m tests.reliability NAME calls=1000 seed=3   other arguments, as a failure prints them

A check is a function in a file check_*.py of this folder:

    @check("right answers", must="0 failures", short={"problems": 300}, long={"problems": 100_000})
    def right_answers(problems, seed=0):
        ...
        return "100,000 problems, 0 failures"      the figures of a passed check

It raises Failed with figures and one line for each finding (a line that repeats it), or NotRun with the reason where this machine
cannot run it. What cannot be run is never "passed". test_reliability.py runs the short form of every check.
"""

import argparse
import ast
import importlib
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TABLE = ROOT / "RELIABILITY.md"
CHECKS = {}


class NotRun(Exception):
    """This machine cannot run the check; the text says why."""


class Failed(Exception):
    """The figures of a failed check, and a line for each finding."""

    def __init__(self, figures, findings=()):
        super().__init__(figures)
        self.findings = [str(f) for f in findings]

    def __str__(self):
        return "\n".join([self.args[0], *self.findings[:50]])


@dataclass
class Row:
    name: str
    must: str
    result: str  # passed, failed, not run
    figures: str
    command: str
    seconds: float
    findings: list = field(default_factory=list)

    def line(self):
        cells = (self.name, self.must, self.result, self.figures, f"`{self.command}`", f"{self.seconds:.0f} s")
        return "| " + " | ".join(c.replace("|", "/").replace("\n", " ") for c in cells) + " |"


def check(name, must, short, long):
    """Registers a function as the check NAME (its words joined by _ on the command line), with the arguments of its two forms."""
    def register(function):
        CHECKS[name.replace(" ", "_")] = (name, must, function, short, long)
        return function
    return register


def load():
    """All checks, by name."""
    for path in sorted(HERE.glob("check_*.py")):
        importlib.import_module(f"reliability.{path.stem}")
    return CHECKS


def run(key, long=False, arguments=None):
    """One check as a Row."""
    name, must, function, *forms = load()[key]
    command = " ".join(["python -m tests.reliability", key, *(["--long"] if long else [])]
                       + [f"{k}={v}" for k, v in (arguments or {}).items()])
    begin = time.monotonic()
    try:
        result, figures, findings = "passed", function(**{**forms[long], **(arguments or {})}), []
    except NotRun as e:
        result, figures, findings = "not run", str(e), []
    except Failed as e:
        result, figures, findings = "failed", e.args[0], e.findings
    except Exception as e:  # a check that breaks has not passed
        result, figures, findings = "failed", f"{type(e).__name__}: {e}", traceback.format_exc().splitlines()
    return Row(name, must, result, figures or "", command, time.monotonic() - begin, findings)


def write(row, path=TABLE):
    """Replace the row of this name in the table of RELIABILITY.md."""
    lines = path.read_text().splitlines()
    at = [i for i, line in enumerate(lines) if line.startswith(f"| {row.name} |")]
    if len(at) != 1:
        raise ValueError(f"{path.name} has {len(at)} rows that begin with '| {row.name} |', one is needed")
    lines[at[0]] = row.line()
    path.write_text("\n".join(lines) + "\n")


def value(text):
    """key=value of the command line; the value is a Python literal or a word."""
    key, _, word = text.partition("=")
    try:
        return key, ast.literal_eval(word)
    except (ValueError, SyntaxError):
        return key, word


def main(words=None):
    """The command line; exit status 1 if a check failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability", description="Reliability checks; one row each.")
    parser.add_argument("names", nargs="*", help="checks (all: every one), and key=value arguments")
    parser.add_argument("--long", action="store_true", help="the long form")
    parser.add_argument("--write", action="store_true", help="put the rows into RELIABILITY.md")
    given = parser.parse_intermixed_args(words)
    checks = load()
    arguments = dict(value(n) for n in given.names if "=" in n)
    names = [n for n in given.names if "=" not in n]
    names = list(checks) if names == ["all"] else names
    unknown = [n for n in names if n not in checks]
    if unknown or not names:
        print("checks:", *(f"  {key:24} must show: {c[1]}" for key, c in checks.items()), sep="\n")
        return 2 if unknown else 0
    failed = False
    print("| what | must show | result | figures | command | time |\n|---|---|---|---|---|---|")
    for name in names:
        row = run(name, given.long, arguments)
        print(row.line(), *row.findings[:200], sep="\n", flush=True)
        failed |= row.result == "failed"
        if given.write:
            write(row)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
