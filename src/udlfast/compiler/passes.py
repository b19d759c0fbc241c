"""What is done to the calls of a plan before they are sealed; each pass can be switched off in compile(options={...})."""

from .rewrites.copies import without_copies
from .rewrites.dead import without_dead
from .rewrites.epilogue import into_epilogues
from .rewrites.fold import folded
from .rewrites.fuse import fused
from .rewrites.prepack import prepacked

OPTIONS = {"arena", "copies", "dead", "epilogue", "fold", "fuse", "prepack"}


def run(recorder, calls, kept, options):
    """The calls that a replay makes."""
    on = {name: options.get(name, True) for name in OPTIONS}
    if on["dead"]:
        calls = without_dead(calls, kept)
    if on["copies"]:
        calls = without_copies(calls, kept)
    if on["fold"]:
        calls = folded(recorder, calls, kept)
    if on["prepack"]:
        calls = prepacked(recorder, calls)
    if on["epilogue"]:
        calls = into_epilogues(calls, kept)
    if on["fuse"]:
        calls = fused(calls, kept)
    return calls
