"""torch.functional: functions of torch under their older address."""

_NAMES = """
atleast_1d atleast_2d atleast_3d block_diag broadcast_shapes broadcast_tensors cartesian_prod cdist einsum istft lu meshgrid norm
pca_lowrank split stft svd_lowrank tensordot unique unique_consecutive unravel_index
""".split()


def __getattr__(name):
    """The function of that name of udlfast."""
    if name in _NAMES:
        from . import ops

        return ops.function(name)
    raise AttributeError(f"module 'udlfast.functional' has no attribute {name!r}")
