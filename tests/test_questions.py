"""What scripts ask about hardware that is not there, and switches that they set: the answers, and who refuses."""

import pytest

import udlfast as torch
from udlfast.errors import ArgumentError


def test_no_accelerator():
    assert not torch.accelerator.is_available() and torch.accelerator.device_count() == 0
    assert torch.accelerator.current_accelerator() is None
    torch.accelerator.synchronize()
    torch.accelerator.empty_cache()
    with pytest.raises(ArgumentError, match="accelerator.is_available"):
        torch.accelerator.set_device_index(0)


def test_one_process():
    d = torch.distributed
    assert not d.is_initialized() and (d.get_rank(), d.get_world_size()) == (0, 1)
    assert not (d.is_nccl_available() or d.is_gloo_available() or d.is_torchelastic_launched())
    with pytest.raises(ArgumentError, match="expected 'mpi'"):
        d.init_process_group("gloo")


def test_onnx_export_refuses():
    with pytest.raises(ArgumentError, match="onnx.export: not part"):
        torch.onnx.export(None, None, "model.onnx")


def test_back_ends_can_be_imported_and_set():
    import udlfast.backends.cudnn as cudnn

    from udlfast.backends import mps

    cudnn.benchmark = False
    torch.backends.cuda.matmul.allow_tf32 = False
    assert cudnn is torch.backends.cudnn and not cudnn.is_available() and not mps.is_available()


def test_tensors_are_on_the_cpu():
    x = torch.zeros(2)
    assert not (x.is_cuda or x.is_xpu) and x.device.type == "cpu"


@pytest.mark.parametrize("name, dtype", [("FloatTensor", "float32"), ("DoubleTensor", "float64"), ("LongTensor", "int64"),
                                         ("IntTensor", "int32"), ("ByteTensor", "uint8"), ("CharTensor", "int8"),
                                         ("ShortTensor", "int16"), ("HalfTensor", "float16"), ("BoolTensor", "bool")])  # fmt: skip
def test_old_constructors(name, dtype):
    make = getattr(torch, name)
    x = make([[1, 0], [1, 1]])
    assert x.dtype is getattr(torch, dtype) and x.tolist() == [[1, 0], [1, 1]] and isinstance(x, make)
    assert tuple(make(2, 3).shape) == (2, 3) and tuple(make().shape) == (0,)
    assert make(torch.ones(2, dtype=x.dtype)).tolist() == [1, 1] and not isinstance(torch.zeros(2, dtype=torch.bfloat16), make)
    with pytest.raises(TypeError, match="sizes"):
        make([1], [2])


def test_results_with_names_print_as_theirs():
    peer = pytest.importorskip("torch")
    for text in ("max(x, 1)", "sort(x)", "topk(x, 1)", "median(x, 0)", "aminmax(x)", "frexp(x)", "linalg.qr(x)", "linalg.slogdet(x)"):
        ours, theirs = (eval("t." + text, {"t": t, "x": t.eye(2)}) for t in (torch, peer))
        assert repr(ours).replace("udlfast", "torch") == repr(theirs) and ours[0] is getattr(ours, ours._fields[0])


def test_jit_runs_functions_as_they_are():
    @torch.jit.script
    def double(x):
        return x * 2

    layer = torch.nn.Linear(2, 2)
    assert double(3) == 6 and torch.jit.trace(layer, torch.ones(1, 2)) is layer and not torch.jit.is_scripting()
    assert torch.jit.ignore(double) is double and torch.jit.ignore(drop=True)(double) is double
    with pytest.raises(ArgumentError, match="jit.save.*state_dict"):
        torch.jit.save(layer, "x")


def test_variables_are_tensors():
    x = torch.ones(2)
    v = torch.autograd.Variable(x, requires_grad=True)
    (v * v).sum().backward()
    assert v.grad.tolist() == [2, 2] and not x.requires_grad and isinstance(x, torch.autograd.Variable)
