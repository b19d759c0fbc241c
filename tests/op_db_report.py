"""Which samples of which form of the operators of PyTorch's database pass.

    python tests/op_db_report.py [REGEX ...] [--all] [--other] [--json FILE]

--all: all samples rather than a few; --other: also operators whose families have a module of their own (linalg, fft, special,
signal, nn.functional).
"""

import json
import re
import sys

import op_db
from op_db_tables import OURS, RANDOM, group


def main():
    names = [a for a in sys.argv[1:] if not a.startswith("--")]
    if "--json" in sys.argv:
        names.remove(sys.argv[sys.argv.index("--json") + 1])
    found, names_of = {}, {}
    for op in op_db.op_db:
        if group(op.name) is None or (names and not any(re.fullmatch(n, op.name) for n in names)) \
                or ("--other" not in sys.argv and group(op.name) == "other" and not names):
            continue
        result = op_db.check_op(op, None if "--all" in sys.argv else 6, op.name in RANDOM)
        found[op_db.title(op)] = (group(op.name), result)
        names_of[op_db.title(op)] = op.name
        bad = [m for r in result.values() for m in r[2]]
        if bad:
            print(f"{op_db.title(op)}: " + " ".join(f"{f} {r[0]}/{r[1]}" for f, r in result.items()))
            for r in result.values():
                for m in r[2][:2]:
                    print("    " + m[:250].replace("\n", " "))
            sys.stdout.flush()
    for kind in OURS:
        per = {}
        for name, (k, result) in found.items():
            if k == kind:
                per.setdefault(names_of[name], []).append(all(not r[2] for r in result.values()))
        good = sum(all(v) for v in per.values())
        print(f"{kind}: {good} of {len(per)} operators pass all samples in all forms ({100 * good / max(len(per), 1):.1f} %)")
    if "--json" in sys.argv:
        with open(sys.argv[sys.argv.index("--json") + 1], "w") as f:
            json.dump(found, f, indent=1)


if __name__ == "__main__":
    main()
