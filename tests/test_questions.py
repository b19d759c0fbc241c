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
    assert not d.is_available() and not d.is_initialized() and (d.get_rank(), d.get_world_size()) == (0, 1)
    with pytest.raises(ArgumentError, match="one process"):
        d.init_process_group("gloo")


def test_float16_can_be_named_and_not_used():
    table = {"float32": torch.float32, "float16": torch.float16}
    assert table["float16"] is torch.half
    with pytest.raises(TypeError, match="float16 .*not supported; use bfloat16"):
        torch.zeros(2, dtype=torch.float16)


def test_onnx_export_refuses():
    with pytest.raises(ArgumentError, match="onnx.export: not part"):
        torch.onnx.export(None, None, "model.onnx")
