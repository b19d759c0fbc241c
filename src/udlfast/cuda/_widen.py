"""16-bit numbers for kernels that are written for float32: copies in float32 for the time of a call, what was written rounded back."""

from .. import _core
from ._chain import kernel_of
from ._driver import BF16, F16, F32, NUMPY, STORED, THREADS, grid, launch, scratch

# kernel -> (places of its element types among its integers, places of what it writes among its tensors)
KERNELS = {
    "batch_norm": ((0,), (0, 1, 2, 6, 7)), "batch_norm_backward": ((0,), (0, 1, 2)), "conv2d": ((0,), (0,)),
    "conv2d_backward_input": ((0,), (0,)), "conv2d_backward_weight": ((0,), (0, 1)), "layer_norm": ((0,), (0, 1, 2)),
    "layer_norm_backward": ((0,), (0, 1, 2)), "matmul": ((0,), (0,)),
    "max_pool2d": ((0,), (0,)), "reduce": ((1, 2), (0,)), "softmax": ((0,), (0,)),
    "softmax_backward": ((0,), (0,)),
}  # fmt: skip


class Wide:
    """A tensor of 16-bit numbers as a kernel sees it: its block's numbers as float32, in a block of their own."""

    def __init__(self, tensor, block, offset):
        self.tensor, self.place = tensor, (block, offset)

    def numel(self):
        return self.tensor.numel()

    def storage_offset(self):
        return self.tensor.storage_offset()


def _convert(from_code, to_code, source, target, n):
    step = ("copy", F32, to_code, (0, None, None), 1, False, False)
    program = ((step,), ((from_code, "d"), (to_code, "d")), 1, n < 2**31)
    launch(kernel_of(program), grid(n), THREADS, n, source, target)


def asks(name, ints):
    """Is it a call of 16-bit numbers that a float32 kernel can do?"""
    return name in KERNELS and ints[KERNELS[name][0][0]] in (F16, BF16)


def run(body, name, tensors, ints, floats):
    """body(tensors, ints, floats) in float32."""
    codes, outputs = KERNELS[name]
    wide, given, written = {}, [], {}
    for k, t in enumerate(tensors):
        if t is None or t.dtype.code not in (F16, BF16):
            given.append(t)
            continue
        block, offset = _core.block_of(t)
        code = t.dtype.code
        if block.chunk not in wide:
            n = block.nbytes // 2
            wide[block.chunk] = hold, numbers = scratch(n, NUMPY[F32])
            _convert(code, F32, block.view(0, STORED[code]), numbers, n)
        if k in outputs:
            written[block.chunk] = block, code
        given.append(Wide(t, wide[block.chunk][0], 2 * offset))
    changed = [F32 if k in codes and value in (F16, BF16) else value for k, value in enumerate(ints)]
    if body(tuple(given), changed, floats) is False:
        return False
    for chunk, (block, code) in written.items():
        _convert(F32, code, wide[chunk][1], block.view(0, STORED[code]), block.nbytes // 2)
    return True
