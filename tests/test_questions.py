"""What scripts ask about hardware that is not there, and switches that they set: the answers, and who refuses."""

import importlib

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
    assert not d.is_available() and not d.is_initialized() and (d.get_rank(), d.get_world_size()) == (0, 1)
    with pytest.raises(ArgumentError, match="one process"):
        d.init_process_group("gloo")


def test_switches_of_back_ends_are_modules_and_can_be_set():
    for name in ("cudnn", "cuda", "mps", "mkl", "mkldnn", "openmp", "cpu"):
        assert importlib.import_module(f"udlfast.backends.{name}") is getattr(torch.backends, name)
    torch.backends.cudnn.benchmark = False
    torch.backends.cuda.matmul.allow_tf32 = False
    assert not torch.backends.mps.is_available() and not torch.backends.cudnn.is_available()
    for isa in torch.isas():
        with torch.use_isa(isa):
            assert torch.backends.cpu.get_cpu_capability() == {"generic": "DEFAULT"}.get(isa, isa.upper())


def test_float16_can_be_named_and_not_used():
    table = {"float32": torch.float32, "float16": torch.float16}
    assert table["float16"] is torch.half
    with pytest.raises(TypeError, match="float16 .*not supported; use bfloat16"):
        torch.zeros(2, dtype=torch.float16)


def test_onnx_export_refuses():
    with pytest.raises(ArgumentError, match="onnx.export: not part"):
        torch.onnx.export(None, None, "model.onnx")


@pytest.mark.parametrize("function", ["is_available", "is_bf16_supported"])
def test_cuda(function):
    assert getattr(torch.cuda, function)() is False
    torch.cuda.empty_cache()
