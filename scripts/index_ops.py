"""Write src/udlfast/ops/_index.py: which file of ops/ holds which function, method and slot of the core.

    python scripts/index_ops.py          writes it
    python scripts/index_ops.py --check  says whether it is up to date (exit status 1 if not)
"""

import ast
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
OPS = ROOT / "src" / "udlfast" / "ops"


def collect():
    """({function: file}, {method: file}, {slot: file}) found by importing every file."""
    import importlib

    from udlfast import _core

    functions, methods, slots = {}, {}, {}
    core_slots = {"load_method", "load_slot"}
    for path in sorted(OPS.glob("*.py")):
        file = path.stem
        if file.startswith("_"):
            continue
        module = importlib.import_module("udlfast.ops." + file)
        for name, value in vars(module).items():
            if not name.startswith("_") and callable(value) and getattr(value, "__module__", None) == module.__name__ \
                    and not name.endswith("_backward"):
                functions.setdefault(name, file)
        for kind, name in calls(path):
            (methods if kind == "extend" else slots).setdefault(name, file)
    # methods attached in loops are found by asking the core who attached them
    for name, owner in _core.extensions().items():
        file = owner.rpartition(".")[2]
        if (OPS / (file + ".py")).exists():
            methods[name] = file
    return functions, methods, {k: v for k, v in slots.items() if k not in core_slots}


def calls(path):
    """extend("name", ...) and set_hook("name", ...) with literal names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ("extend", "set_hook") and isinstance(node.args[0].value, str):
                yield name, node.args[0].value


def text(functions, methods, slots):
    """The file's contents."""
    out = ['"""Written by scripts/index_ops.py: where public functions, methods and slots of the core are."""\n']
    for title, table in (("FUNCTIONS", functions), ("METHODS", methods), ("SLOTS", slots)):
        out.append(f"{title} = {{")
        out += [f'    "{name}": "{file}",' for name, file in sorted(table.items())]
        out.append("}")
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    new = text(*collect())
    target = OPS / "_index.py"
    if "--check" in sys.argv:
        sys.exit(0 if target.read_text() == new else "ops/_index.py is out of date: run python scripts/index_ops.py")
    target.write_text(new)
