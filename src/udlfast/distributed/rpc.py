"""torch.distributed.rpc: calls of functions in other processes are not part of this library; a name that libraries import."""


def is_available():
    """Whether there are remote calls: no."""
    return False
