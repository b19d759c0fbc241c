"""Targets for the coverage-guided fuzzer atheris: one for each format of files.

    python tests/fuzz/fuzz_files.py FORMAT [corpus folder] [libFuzzer's options, such as -max_total_time=60]
    python tests/fuzz/fuzz_files.py --corpus             writes the small corpora of tests/fuzz/corpus again

FORMAT: safetensors, pt, npz, idx, onnx. The target of .udl files is C: tests/c/fuzz/plan_fuzz.c with libFuzzer. scripts/fuzz.sh runs all.
"""

import io
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
CORPUS = HERE / "corpus"


def torch_file(data):
    """A file of tensors: loaded and read, or refused."""
    import udlfast as torch
    from udlfast.serialization import FileFormatError

    try:
        tree = torch.load(io.BytesIO(data))
    except FileFormatError:
        return False
    from hostile_files import touch

    touch(tree)
    return True


def onnx_file(data):
    import hostile_models as models

    import udlfast as torch

    try:
        net = torch.onnx.load(data, max_bytes=models.CONSTANTS)
    except models.OURS:
        return False
    models.use_onnx(net)
    return True


def idx_file(data):
    from udlfast.data import IDXError, read_idx

    with tempfile.NamedTemporaryFile(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as file:
        file.write(data)
        file.flush()
        try:
            read_idx(file.name, limit=1 << 20).sum()
        except IDXError:
            return False
    return True


TARGETS = {"safetensors": torch_file, "pt": torch_file, "npz": torch_file, "idx": idx_file, "onnx": onnx_file}


def write_corpus():
    """Sound files of each format, the smallest that show its parts, and small plans."""
    import hostile_models
    import hostile_mutants
    import plan_mutants

    sound = hostile_mutants.seeds() | hostile_models.seeds()
    for name, data in sound.items():
        format = next((f for f in TARGETS if f in name), None)
        if format and len(data) < 8192 and not name.startswith("torch."):
            place = CORPUS / format
            place.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(data)
    with tempfile.TemporaryDirectory() as folder:
        place = CORPUS / "udl"
        place.mkdir(exist_ok=True)
        for path in sorted(map(Path, plan_mutants.seeds(folder)), key=lambda p: p.stat().st_size)[:4]:
            (place / path.name).write_bytes(path.read_bytes())


def main():
    if sys.argv[1:] == ["--corpus"]:
        return write_corpus()
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(__doc__)
    import atheris

    target = TARGETS[sys.argv.pop(1)]
    with atheris.instrument_imports(include=["udlfast"]):
        import udlfast.data
        import udlfast.onnx
        import udlfast.serialization  # noqa: F401
    atheris.Setup(sys.argv, lambda data: target(data) and None)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
