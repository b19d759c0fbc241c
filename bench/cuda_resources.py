"""Registers, shared memory and spills of each CUDA kernel, compiled for sm_80 and sm_90 and assembled by ptxas, without a GPU.

    python bench/cuda_resources.py [--arch 80] [--arch 90] [--only NAME] [--markdown]

The library's own operations are run on tensors whose "device memory" is the host's and whose launches are noted instead of made, so that
what is compiled is what a GPU would be given. Fails if one of the five hot kernels spills, if the machine code of a product whose rows
can be read four at a time has no 128-bit load, or if a product on tensor cores does not use them.
Needs numba-cuda, and libnvvm and ptxas (of a CUDA toolkit, or of the packages
nvidia-cuda-nvcc, nvidia-nvvm and nvidia-cuda-nvrtc).
"""

import argparse
import ctypes
import glob
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from importlib import util
from types import SimpleNamespace

import numpy as np

OPERATIONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "csrc", "elementwise.inc")
TENSOR_CORES = "make, tensor cores"
HOT = ("matmul", "conv2d", "attention", "attention_backward", "lstm", "batch_norm", "_tiles")
SM = {"80": (65536, 164 * 1024, 64), "90": (65536, 228 * 1024, 64)}  # registers, shared memory, warps of a multiprocessor


class Host(np.ndarray):
    """An array of the host that answers as a device array does."""

    def copy_to_host(self, *args):
        return np.asarray(self)

    def copy_to_device(self, other, *args):
        self[...] = np.asarray(other)[: self.size]


class Chunk:
    """The place of a Block in its segment, which is the Block."""

    def __init__(self, segment):
        self.segment, self.start = segment, 0


class Block:
    """Memory of the host in the place of device memory."""

    waiting = None

    def __init__(self, nbytes):
        self.bytes = np.zeros(nbytes + 16, np.uint8).view(Host)
        self.nbytes = nbytes
        self.chunk = Chunk(self)

    def view(self, offset, dtype):
        size = np.dtype(dtype).itemsize
        return self.bytes[offset : offset + (self.nbytes - offset) // size * size].view(dtype)

    def address(self):
        return self.bytes.ctypes.data

    def upload(self, *args):
        pass

    zero = upload

    def download(self, address, offset, nbytes, wait=True):
        ctypes.memset(address, 0, nbytes)


def record():
    """Run operations; returns {(kernel, argument types): file}."""
    os.environ.pop("NUMBA_ENABLE_CUDASIM", None)
    from numba import typeof

    import udlfast as torch
    from udlfast import cuda
    from udlfast.cuda import _driver, _memory

    seen = {}

    def launch(function, blocks, threads, *args, on=None):
        kinds = tuple(typeof(np.asarray(a) if isinstance(a, np.ndarray) else a) for a in args)
        count = threads if isinstance(threads, int) else int(np.prod(threads))
        file = sys._getframe(1).f_globals["__name__"].rsplit(".", 1)[1]
        seen.setdefault((function, kinds), ("elementwise" if file == "_fusion" else file, count))

    _driver.launch, _driver.has_tensor_cores = launch, lambda: True
    _memory.allocate = Block
    cuda._state["started"] = True
    from udlfast.cuda import _fusion, _route, _tensors

    _fusion.AFTER = 1

    _route.start()
    _tensors.start()
    exercise(torch)
    _fusion.flush()
    return seen


def exercise(torch):
    """Every kernel, with shapes that take each way through the hot ones."""
    F = torch.nn.functional  # noqa: N806

    def t(*shape):
        return torch.zeros(*shape).to("cuda").requires_grad_()

    def back(y):
        if y.requires_grad:
            y.backward(torch.zeros(*y.shape, dtype=y.dtype).to("cuda"))

    a = t(64, 64)
    back(a @ t(64, 64))
    back(F.linear(a, t(64, 64), t(64)))
    with torch.no_grad():
        a.t() @ a
        t(7, 9) @ t(9, 5)
        torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU()).to("cuda")(a)
    for precision in ("high", "medium"):
        torch.set_float32_matmul_precision(precision)
        back(F.linear(a, t(64, 64), t(64)))
    torch.set_float32_matmul_precision("highest")
    h = a.detach().bfloat16().requires_grad_()
    back(F.linear(h, t(64, 64).bfloat16(), t(64).bfloat16()))
    back(F.conv2d(t(2, 8, 8, 8), t(8, 8, 3, 3), t(8), padding=1))
    back(F.conv2d(t(2, 3, 7, 7), t(4, 3, 3, 3), stride=2))
    for width in (64, 128):
        q = t(1, 2, 128, width)
        back(F.scaled_dot_product_attention(q, q, q))
        back(F.scaled_dot_product_attention(q, q, q, is_causal=True))
    q = t(1, 2, 128, 64)
    back(F.scaled_dot_product_attention(q, q, q, is_causal=True, dropout_p=0.1))
    back(F.scaled_dot_product_attention(q, q, q, attn_mask=torch.zeros(128, 128).to("cuda")))
    y, _ = torch.nn.LSTM(8, 8).to("cuda")(t(3, 4, 8))
    back(y)
    bn = torch.nn.BatchNorm2d(4).to("cuda")
    back(bn(t(2, 4, 3, 3)))
    bn.eval()
    back(bn(t(2, 4, 3, 3)))
    x = t(4, 8)
    back(F.layer_norm(x, (8,), t(8), t(8)))
    back(x.softmax(-1))
    back(x.log_softmax(0))
    back(F.dropout(x, 0.5))
    i = torch.zeros(4).long().to("cuda")
    back(F.cross_entropy(x, i))
    back(F.cross_entropy(x, i, label_smoothing=0.1))
    back(F.nll_loss(x, i))
    back(F.embedding(i, t(9, 8)))
    back(x.gather(1, i[:, None]))
    image = t(2, 3, 8, 8)
    back(F.pad(image, (1, 2)))
    back(F.max_pool2d(image, 2))
    back(F.avg_pool2d(image, 2))
    back(F.adaptive_avg_pool2d(image, 2))
    for f in (torch.sum, torch.amax, torch.amin, torch.prod):
        f(x.detach(), 0)
        f(x.detach(), 1)
    x.detach().argmax(1), x.detach().var(1), (x > 0).any(), (x > 0).all(), i.sum()
    elementwise(torch, x.detach(), i)
    parameter = torch.nn.Parameter(t(8).detach())
    parameter.grad = t(8).detach()
    o = torch.optim
    for optimizer in (
        o.SGD([parameter], 0.1),
        o.SGD([parameter], 0.1, momentum=0.9),
        o.Adam([parameter]),
        o.AdamW([parameter], amsgrad=True),
    ):
        optimizer.step()
        optimizer.step()
    torch.nn.utils.clip_grad_norm_([parameter], 1.0)


def elementwise(torch, x, i):
    """Every element-wise operation, in float32 on contiguous operands; some broadcast, some on integers."""
    from udlfast.cuda import _elementwise_ops as ops
    from udlfast.cuda import _fusion
    from udlfast.cuda import elementwise as body

    c32, strides = torch.float32.code, [1] + [0] * 7
    arity = {name: int(n) for name, n in re.findall(r"^UDL_MAP\((\w+), (\d)\)", open(OPERATIONS).read(), re.M)}
    for number, name in body.NAMES.items():
        if ops.operation(name, c32) is None:
            continue
        inputs = [x if k < arity[name] else None for k in range(3)]
        ints = [number, c32, c32, c32, c32, c32, 1, x.numel(), *[1] * 7, *strides * 4, 0]
        body.elementwise((x.clone(), *inputs), ints, (1.0, 1.0))
        _fusion.flush()
    h = x.bfloat16()
    torch.tanh(h * h + h), torch.relu(x * x[0] + x[0])
    x + x[0]
    x[:, ::2] * 2
    _fusion.flush()
    i + i, i * 2, i == i, x > 0, x.double() + 1, i.float(), x.to(torch.int64)


def tool(name):
    """A tool of the CUDA toolkit: of the package nvidia-cuda-nvcc, $CUDA_HOME, /usr/local/cuda* or the path."""
    places = glob.glob(os.path.join(sysconfig.get_path("purelib"), "nvidia", "*", "bin"))
    places += [os.path.join(os.environ.get("CUDA_HOME", "/nowhere"), "bin"), *sorted(glob.glob("/usr/local/cuda*/bin"), reverse=True)]
    return next((p for p in (os.path.join(d, name) for d in places) if os.access(p, os.X_OK)), None) or shutil.which(name)


def assemble(function, kinds, arch, folder):
    """(registers, shared bytes, spilled bytes, PTX, machine code or None)"""
    from numba import cuda

    ptx, _ = cuda.compile(function.py_func, kinds, cc=(int(arch) // 10, int(arch) % 10), output="ptx", device=False, abi="numba")
    source, binary = os.path.join(folder, "k.ptx"), os.path.join(folder, "k.cubin")
    with open(source, "w") as file:
        file.write(ptx)
    done = subprocess.run([tool("ptxas"), "-v", f"-arch=sm_{arch}", source, "-o", binary], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"ptxas: {done.stderr}")
    say = done.stderr
    spilled = sum(map(int, re.findall(r"(\d+) bytes spill", say)))
    stack = max(map(int, re.findall(r"(\d+) bytes stack frame", say)), default=0)
    registers = max(map(int, re.findall(r"Used (\d+) registers", say)))
    shared = max(map(int, re.findall(r"(\d+) bytes smem", say)), default=0)
    sass = None
    if tool("nvdisasm"):
        sass = subprocess.run([tool("nvdisasm"), "-c", binary], capture_output=True, text=True).stdout or None
    return registers, shared, spilled, stack, ptx, sass


def name_of(function):
    """A short name for a kernel: that of what made it."""
    if function.__name__ == "chain":
        return "one operation" if "r1 =" not in function.__doc__ else "several operations"
    name = function.__qualname__.replace(".<locals>", "").removesuffix(".run").removesuffix(".product")
    return name if not function.__module__.endswith("_tensor_tiles") else TENSOR_CORES


def warps(arch, registers, shared, threads):
    """Resident warps of a multiprocessor: the least that registers (units of 256 a warp), shared memory and the limit allow."""
    r, s, w = SM[arch]
    per_block = -(-threads // 32)
    by_registers = r // (-(-registers * 32 // 256) * 256) // per_block
    by_shared = s // (shared + 1024) if shared else 32
    return min(by_registers, by_shared, w // per_block, 32) * per_block


def table(arch, only, markdown):
    """Print the table of one architecture; returns what is wrong."""
    from numba.cuda import dispatcher

    dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=(int(arch) // 10, int(arch) % 10))
    wrong, rows = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for (function, kinds), (file, threads) in record().items():
            name = name_of(function.py_func)
            if only and not re.search(only, f"{file} {name}"):
                continue
            registers, shared, spilled, stack, ptx, sass = assemble(function, kinds, arch, folder)
            wide = bool(re.search(r"LDG\.E\.128", sass) if sass else re.search(r"ld\.global\.v4\.f32", ptx))
            mma = bool(re.search("HMMA", sass) if sass else "mma.sync" in ptx)
            key = (file, name)
            old = rows.get(key, (0, 0, 0, 0, 0, False, threads, False))
            rows[key] = (
                max(old[0], registers),
                max(old[1], shared),
                max(old[2], spilled),
                max(old[3], stack),
                old[4] + 1,
                old[5] or wide,
                threads,
                old[7] or mma,
            )
            if name == TENSOR_CORES and not mma:
                wrong.append(f"sm_{arch} {file}.{name}: no instruction of the tensor cores in the machine code")
            if (spilled or stack) and file in HOT:
                wrong.append(f"sm_{arch} {file}.{name}: {spilled} bytes spilled, {stack} bytes of arrays that are not in registers")
    products = [row for (file, _), row in rows.items() if file == "matmul"]
    if products and not any(row[5] for row in products):
        wrong.append(f"sm_{arch} matmul: no 128-bit load in the machine code")
    if markdown:
        print(f"| sm_{arch}: kernel | variants | threads | registers | shared | spilled | stack "
              "| 128-bit loads | tensor cores | warps of 64 |")  # fmt: skip
    else:
        print(f"sm_{arch}")
    if markdown:
        print("|---" * 10 + "|")
    else:
        print(f"{'kernel':44}{'variants':>9}{'threads':>8}{'regs':>6}{'shared':>8}{'spill':>7}{'stack':>7}{'128':>5}{'mma':>5}{'warps':>6}")
    for (file, name), (registers, shared, spilled, stack, n, wide, threads, mma) in sorted(rows.items()):
        cells = [
            f"{file}.{name}",
            n,
            threads,
            registers,
            shared,
            spilled,
            stack,
            "yes" if wide else "no",
            "yes" if mma else "no",
            warps(arch, registers, shared, threads),
        ]
        print("| " + " | ".join(map(str, cells)) + " |" if markdown else
              f"{cells[0]:44}{n:>9}{threads:>8}{registers:>6}{shared:>8}{spilled:>7}{stack:>7}{cells[7]:>5}{cells[8]:>5}"
              f"{cells[9]:>6}")  # fmt: skip
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arch", action="append", choices=list(SM))
    parser.add_argument("--only", help="a regular expression over file and name")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    arches = options.arch or list(SM)
    if len(arches) > 1:  # device functions are compiled for one architecture a process
        flags = (["--only", options.only] if options.only else []) + (["--markdown"] if options.markdown else [])
        sys.exit(max(subprocess.call([sys.executable, __file__, "--arch", arch, *flags]) for arch in arches))
    for package in ("numba", "numba_cuda"):
        if util.find_spec(package) is None:
            sys.exit(f"cuda_resources: the package {package.replace('_', '-')} is not installed (pip install 'udlfast[cuda]')")
    if tool("ptxas") is None:
        sys.exit("cuda_resources: there is no ptxas: install a CUDA toolkit or the package nvidia-cuda-nvcc")
    wrong = table(arches[0], options.only, options.markdown)
    print("\n".join(wrong) if wrong else "no spills in hot kernels, 128-bit loads in the products, tensor cores where they are meant")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
