"""Run a PyTorch script with udlfast in place of torch, the script itself unchanged.

    python scripts/as_torch.py [--path FOLDER ...] SCRIPT [arguments of the script]

`import torch`, `import torch.nn as nn` and `from torch.x import y` in the script and in what it imports give udlfast's modules.
--path: folders that are looked in first, for instance one with stand-ins for torchvision.
"""
import importlib
import importlib.abc
import importlib.util
import multiprocessing.spawn
import os
import runpy
import sys

SCRIPT = "UDLFAST_AS_TORCH"
VERSION = "2.13.0"  # torch.__version__ for scripts that ask for it: the version of PyTorch whose names udlfast has


class AsTorch(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds torch and torch.* as udlfast and udlfast.*"""

    own = {}

    def find_spec(self, name, path=None, target=None):
        if name != "torch" and not name.startswith("torch."):
            return None
        return importlib.util.spec_from_loader(name, self, is_package=True)

    def create_module(self, spec):
        name = "udlfast" + spec.name[len("torch"):]
        try:
            module = importlib.import_module(name)
            self.own[spec.name] = getattr(module, "__spec__", None)
            if name == "udlfast":
                module.__version__, module.__name__ = VERSION, "torch"
                module._core.set_shown_name("torch")
            elif name == "udlfast.optim":  # some look through its __dict__ for optimisers
                module.__dict__.update({n: getattr(module, n) for n in dir(module)})
            return module
        except ModuleNotFoundError as e:
            parent, _, leaf = name.rpartition(".")
            found = getattr(importlib.import_module(parent), leaf, None) if parent else None
            if found is None or e.name != name:
                raise
            return found

    def exec_module(self, module):
        """The module has been run under its own name; it keeps its own spec."""
        spec = self.own.get(module.__spec__.name)
        if spec is not None:
            module.__spec__ = spec


def install(script, folders):
    """From now on torch is udlfast, here and in the processes that multiprocessing starts afresh."""
    sys.meta_path.insert(0, AsTorch())
    sys.path[:0] = [*folders, os.path.dirname(os.path.abspath(script))]
    os.environ[SCRIPT] = os.path.abspath(script)
    plain = multiprocessing.spawn.get_preparation_data

    def with_us(name):
        data = plain(name)
        if data.get("init_main_from_path") == os.environ[SCRIPT]:
            data["init_main_from_path"] = os.path.abspath(__file__)
        return data

    multiprocessing.spawn.get_preparation_data = with_us


def main(words):
    folders = []
    while words[:1] == ["--path"]:
        folders.append(os.path.abspath(words[1]))
        words = words[2:]
    if not words:
        sys.exit(__doc__)
    sys.argv = words
    install(words[0], folders)
    runpy.run_path(os.environ[SCRIPT], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
elif __name__ == "__mp_main__":  # a process of the script's; its sys.path has come with it
    install(os.environ[SCRIPT], [])
    globals().update(runpy.run_path(os.environ[SCRIPT], run_name="__mp_main__"))
