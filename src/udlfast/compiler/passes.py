"""What is done to the calls of a plan before they are sealed; each pass can be switched off in compile(options={...})."""


def run(calls, kept, options):
    """The calls that a replay makes."""
    if options.get("dead", True):
        calls = without_dead(calls, kept)
    return calls


def without_dead(calls, kept):
    """Without calls whose results nobody reads: what matters is memory that outlives the run."""
    alive = {o.buffer for o in kept if o.buffer >= 0}
    out = []
    for call in reversed(calls):
        touched = [(s, w) for _, slot, _, w in call.pointers for s, w in with_links(slot, w)]
        if any(w and (s.kind != 0 or s.number in alive) for s, w in touched):
            alive.update(s.number for s, _ in touched)
            out.append(call)
    return out[::-1]


def with_links(slot, written):
    """The buffer itself and, for a table, what its rows name: the optimisers write to those."""
    return [(slot, written), *((row, True) for _, row, _ in slot.links or ())]
