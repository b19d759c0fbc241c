"""Calls whose results nobody reads are dropped."""

from .calls import TEMP, with_links


def without_dead(calls, kept):
    """Without calls whose results nobody reads: what matters is memory that outlives the run."""
    alive = {o.buffer for o in kept if o.buffer >= 0}
    out = []
    for call in reversed(calls):
        touched = [(s, w) for _, slot, _, w in call.pointers for s, w in with_links(slot, w)]
        if call.name == "expect" or any(w and (s.kind != TEMP or s.number in alive) for s, w in touched):
            alive.update(s.number for s, _ in touched)
            out.append(call)
    return out[::-1]
