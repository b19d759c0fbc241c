"""PyTorch's names for how gradients travel. The exchange itself is udlfast's: these functions only say which one is meant."""

from ....errors import ArgumentError


def allreduce_hook(process_group, bucket):
    """Gradients travel as they are, which is the default."""
    raise ArgumentError("allreduce_hook: give it to DistributedDataParallel.register_comm_hook instead of calling it")


def bf16_compress_hook(process_group, bucket):
    """Gradients travel as bfloat16."""
    raise ArgumentError("bf16_compress_hook: give it to DistributedDataParallel.register_comm_hook instead of calling it")


allreduce_hook.compress, bf16_compress_hook.compress = (None,), ("bf16",)
