"""Tensors and the world outside: DLPack, NumPy's protocols, pickle and deepcopy, processes, questions about devices."""

import copy
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from harness import check_raises

import udlfast as torch
from udlfast import nn


def test_dlpack_keywords():
    t = torch.arange(6).reshape(2, 3).float()
    for version, name in ((None, "dltensor"), ((0, 8), "dltensor"), ((1, 0), "dltensor_versioned"), ((2, 1), "dltensor_versioned")):
        capsule = t.__dlpack__(max_version=version)
        assert f'"{name}"' in repr(capsule)
        assert torch.from_dlpack(capsule).data_ptr() == t.data_ptr() and f'"used_{name}"' in repr(capsule)
        check_raises(RuntimeError, ["unused"], torch.from_dlpack, capsule)
        del capsule
        t.__dlpack__(max_version=version)  # not taken: freed with the capsule
    assert torch.from_dlpack(t.__dlpack__(copy=True)).data_ptr() != t.data_ptr()
    assert torch.from_dlpack(t.__dlpack__(dl_device=(1, 0), stream=None)).data_ptr() == t.data_ptr()
    check_raises(BufferError, ["device"], t.__dlpack__, dl_device=(2, 0))
    check_raises(RuntimeError, ["stream"], t.__dlpack__, stream=3)
    check_raises(RuntimeError, ["requires a gradient"], torch.ones(1, requires_grad=True).__dlpack__)
    assert t.__dlpack_device__() == (1, 0)


@pytest.mark.parametrize("kind", ["bool_", "uint8", "int32", "int64", "float32", "float64"])
def test_dlpack_with_numpy(kind):
    t = torch.arange(6).reshape(2, 3).T.to(getattr(torch, kind))
    a = np.from_dlpack(t)
    assert a.shape == (3, 2) and np.array_equal(a, t.numpy()) and a.__array_interface__["data"][0] == t.data_ptr()
    back = torch.from_dlpack(a)
    assert back.data_ptr() == t.data_ptr() and back.stride() == t.stride()
    fixed = a.copy()
    fixed.flags.writeable = False
    try:
        view = torch.from_dlpack(fixed)
    except BufferError:  # NumPy before 2.1 does not export read-only memory
        return
    assert view.data_ptr() != fixed.__array_interface__["data"][0]  # read-only memory is copied


def test_dlpack_with_torch():
    peer = pytest.importorskip("torch")
    for kind in ("bfloat16", "float32", "int64"):
        t = torch.arange(6).reshape(2, 3).to(getattr(torch, kind))
        other = peer.from_dlpack(t)
        assert other.data_ptr() == t.data_ptr() and other.dtype is getattr(peer, kind)
        assert torch.from_dlpack(other).data_ptr() == t.data_ptr()
        assert torch.from_dlpack(other, copy=True).data_ptr() != t.data_ptr()


def test_numpy_protocols():
    t = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert np.asarray(t).__array_interface__["data"][0] == t.data_ptr()
    assert np.array(t).__array_interface__["data"][0] != t.data_ptr()
    assert np.asarray(t, dtype=np.float64).dtype == np.float64 and t.__array__(np.float64, copy=True).dtype == np.float64
    check_raises(ValueError, ["copy"], t.__array__, np.float64, copy=False)
    assert t.__array__(copy=False).__array_interface__["data"] == t.__array_interface__["data"]
    assert isinstance(np.sin(t), torch.Tensor) and np.allclose(np.sin(t).numpy(), np.sin(t.numpy()))
    a = np.ones((2, 2), np.float32)
    for made in (a + t, t + a, a * t, np.add(a, t), np.add(t, t)):
        assert isinstance(made, torch.Tensor) and made.dtype is torch.float32
    assert (a - t).tolist() == [[0.0, -1.0], [-2.0, -3.0]] and np.sum(t) == 10 and np.mean(t.numpy()) == 2.5
    assert np.concatenate([t, t]).shape == (4, 2) and np.stack([t, a]).shape == (2, 2, 2) and np.argmax(t.numpy()) == 3
    check_raises(RuntimeError, ["detach"], np.asarray, torch.ones(1, requires_grad=True))
    check_raises(TypeError, ["bfloat16"], np.asarray, torch.ones(1).bfloat16())


class Net(nn.Module):
    """Tied weights, a buffer, hooks."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
        self.b.weight = self.a.weight
        self.register_buffer("count", torch.zeros(()))
        self.register_forward_hook(double)

    def forward(self, x):
        return self.b(self.a(x))


def double(module, args, out):
    return out * 2


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "pickle"])
def test_copies(twin):
    for t in (torch.ones(2, 3), torch.arange(6).reshape(2, 3).T, torch.arange(12.0).reshape(3, 4)[:, ::2], torch.zeros(0, 3),
              torch.tensor(3.5), torch.ones(3).bfloat16(), torch.tensor([True, False]), torch.ones(1, 3).expand(4, 3)):  # fmt: skip
        other = twin(t)
        assert other.dtype is t.dtype and torch.equal(other, t) and (t.numel() == 0 or other.data_ptr() != t.data_ptr())
    assert copy.deepcopy(torch.ones(2, 3).T).stride() == (1, 3)
    leaf = torch.ones(3, requires_grad=True)
    leaf.note = [1]
    other = twin(leaf)
    assert other.requires_grad and other.is_leaf and other.note == [1] and other.note is not leaf.note
    check_raises(RuntimeError, ["detach"], twin, leaf * 2)
    p = nn.Parameter(torch.ones(2), requires_grad=False)
    assert isinstance(twin(p), nn.Parameter) and not twin(p).requires_grad
    shared = [p, p]
    again = twin(shared)
    assert again[0] is again[1]
    net = Net()
    net.count.fill_(7)
    same = twin(net)
    assert same.a.weight is same.b.weight and same.a.weight is not net.a.weight and same.count.item() == 7
    x = torch.randn(2, 3)
    assert torch.equal(same(x), net(x))
    with torch.no_grad():
        same.a.weight.zero_()
    assert not torch.equal(same(x), net(x))
    kept = copy.deepcopy({"g": torch.ones(1, requires_grad=True)})
    kept["g"].grad = torch.ones(1)
    assert copy.deepcopy(kept)["g"].grad.item() == 1.0


def python(code, timeout=60):
    """Run a program of its own."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_processes(tmp_path):
    """Queues, memory shared with forked children, spawn() and what it says of a child that fails."""
    file = tmp_path / "program.py"
    file.write_text(textwrap.dedent("""
        import udlfast as torch
        import udlfast.multiprocessing as mp

        def add(i, shared, queue):
            shared += i + 1
            queue.put(torch.full((2,), float(i)))

        def fail(i):
            if i == 1:
                raise KeyError("lost")

        def grow(i, net, one):
            with torch.no_grad():
                net.weight += 1
                net.running_mean.fill_(5.0)
            one += 2

        if __name__ == "__main__":
            net, one, own = torch.nn.BatchNorm1d(3), torch.ones(2, 2).share_memory_(), torch.zeros(2)
            assert net.share_memory() is net and net.weight.is_shared() and net.running_mean.is_shared() and not own.is_shared()
            mp.spawn(grow, (net, one), nprocs=1)
            assert net.weight.tolist() == [2.0] * 3 and net.running_mean.tolist() == [5.0] * 3 and one.tolist() == [[3.0] * 2] * 2
            mp.spawn(grow, (net, own), nprocs=1)
            assert net.weight.tolist() == [3.0] * 3 and own.tolist() == [0.0] * 2
            fork = mp.get_context("fork")
            shared, queue = torch.zeros(3).share_memory_(), fork.Queue()
            assert shared.is_shared() and not torch.zeros(1).is_shared()
            children = [fork.Process(target=add, args=(i, shared, queue)) for i in range(2)]
            for c in children:
                c.start()
                c.join()
            assert shared.tolist() == [3.0] * 3
            assert sorted(queue.get().tolist() for _ in children) == [[0.0, 0.0], [1.0, 1.0]]
            try:
                mp.spawn(fail, nprocs=2)
            except mp.ProcessRaisedException as error:
                assert "KeyError" in str(error) and "in fail" in str(error) and error.error_index == 1
            else:
                raise AssertionError("no error")
            print("done")
    """))
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "done", done.stderr


def test_questions_about_devices():
    assert not torch.cuda.is_available() and torch.cuda.device_count() == 0 and not torch.cuda.is_initialized()
    for name in ("manual_seed", "manual_seed_all"):
        getattr(torch.cuda, name)(1)
    torch.cuda.empty_cache()
    assert torch.cuda.memory_allocated() == torch.cuda.max_memory_allocated() == 0
    for name in ("current_device", "synchronize", "get_device_name", "Stream"):
        check_raises(RuntimeError, ["no CUDA device"], getattr(torch.cuda, name))
    b = torch.backends
    assert not (b.cudnn.is_available() or b.cuda.is_built() or b.mps.is_available() or b.mkl.is_available() or b.openmp.is_available())
    assert not b.mkldnn.is_available() and b.cudnn.version() is None and isinstance(b.cpu.get_cpu_capability(), str)
    b.cudnn.benchmark = b.cudnn.deterministic = True
    b.cuda.matmul.allow_tf32 = True
    with b.cudnn.flags(enabled=False):
        pass
    torch.use_deterministic_algorithms(True)
    assert torch.are_deterministic_algorithms_enabled() and torch.get_deterministic_debug_mode() == 2
    torch.use_deterministic_algorithms(False)
    torch.set_default_device("cpu")
    check_raises(RuntimeError, ["cuda"], torch.set_default_device, "cuda")
    assert torch.get_default_device() == torch.device("cpu") and torch.get_num_interop_threads() == 1
    assert torch.version.cuda is None and torch.version.__version__ == torch.__version__
    assert torch.cpu.is_available() and torch.cpu.device_count() == 1
    check_raises(RuntimeError, ["network"], torch.hub.load, "a/b", "c")
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as p:
        with torch.profiler.record_function("block"):
            torch.ones(3).sum()
        p.step()
    assert "block" in p.key_averages().table(sort_by="cpu_time_total", row_limit=5)


def test_tensorboard_says_what_it_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    check_raises(ImportError, ["tensorboardX"], getattr, torch.utils.tensorboard, "SummaryWriter")


def test_import_stays_light():
    out = python("""
        import sys, udlfast
        heavy = ("numpy", "udlfast.amp", "udlfast.func", "udlfast.autograd", "udlfast.settings", "multiprocessing")
        print([m for m in heavy if m in sys.modules])
    """)
    assert out.strip() == "[]"


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (2, 3), (1, 1, 1, 1, 1, 1, 1, 1)], ids=str)
def test_arrays_have_numpys_own_types_and_the_tensors_memory(shape):
    for name in ("bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "float16", "float32", "float64"):
        t = torch.ones(shape).to(getattr(torch, name))
        a = t.numpy()
        assert a.shape == shape and a.dtype.char == np.dtype(name).char and a.flags.writeable and (a == 1).all()
    t = torch.arange(24.0).reshape(2, 3, 4)
    for v in (t, t[:, 1], t[:, ::2], t.transpose(0, 2), t[:1].expand(5, 3, 4), t[0, 0, 3], t[:, :, 1:3].permute(2, 0, 1), t.diagonal()):
        a = v.numpy()
        assert a.shape == tuple(v.shape) and a.tolist() == v.tolist() and np.shares_memory(a, t.numpy())
