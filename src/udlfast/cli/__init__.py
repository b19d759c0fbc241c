"""The command line: `python -m udlfast COMMAND`. Each command is a module with HELP, add_arguments and run."""
import sys

COMMANDS = ("train", "launch", "info", "check", "bench")


def main(argv=None):
    """Run one command; returns its exit status: 0 done, 1 a check failed, 2 wrong use or missing data."""
    import argparse
    import importlib

    from .. import __version__

    parser = argparse.ArgumentParser(prog="python -m udlfast", description="CPU deep learning with PyTorch's names.")
    parser.add_argument("--version", action="version", version=f"udlfast {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in COMMANDS}
    for name, module in modules.items():
        module.add_arguments(commands.add_parser(name, help=module.HELP, description=module.HELP))
    options = parser.parse_args(argv)
    try:
        return modules[options.command].run(options)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except (ValueError, ImportError, OSError, FloatingPointError) as e:
        print(f"udlfast {options.command}: {e}", file=sys.stderr)
        if "udlfast.distributed" in sys.modules:
            sys.modules["udlfast.distributed"].fail(str(e))
        return 2


def positive(text):
    """argparse type: an integer of at least 1."""
    import argparse

    try:
        n = int(text)
    except ValueError:
        n = 0
    if n < 1:
        raise argparse.ArgumentTypeError(f"expected an integer of at least 1, got {text!r}")
    return n
