"""Anomaly detection: where a node of the tape was made, and what to say when its gradient rule fails or gives NaN."""

from .._core import set_hook
from ..errors import GradError

__all__ = []


def _where_made():
    """The Python lines that lead to the operation, innermost last; frames of this package are left out."""
    import os
    import traceback

    here = os.path.dirname(os.path.dirname(__file__))
    frames = [f for f in traceback.extract_stack()[:-1] if not f.filename.startswith(here)]
    return "".join(traceback.format_list(frames))


def _anomaly(node, made, outs):
    """outs None: the rule failed; else its results, which must hold no NaN."""
    import warnings

    bad = None
    if outs is not None:
        from .elementwise import isnan

        bad = next((i for i, g in enumerate(outs) if g is not None and bool(isnan(g).any())), None)
        if bad is None:
            return
    where = f"Traceback of forward call that caused the error:\n{made}" if made else \
        "No forward pass information available: enable anomaly detection during the forward pass for more information."
    warnings.warn(f"Error detected in {node.name()}. {where}", stacklevel=2)
    if bad is not None:
        raise GradError(f"Function '{node.name()}0' returned nan values in its {bad}th output.")


set_hook("where_made", _where_made)
set_hook("anomaly", _anomaly)
