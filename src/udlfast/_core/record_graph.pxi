# record_graph.pxi - what stands behind the results of a recorded run on the tape.

def graph_leaves(list outs, list older):
    """The leaves behind tensors; a str where a hook, or the history of a tensor in `older`, stands in the way."""
    cdef Node n
    cdef Tensor t
    cdef list leaves = []
    seen, todo = set(), [tape_node(<Tensor>t) for t in outs]
    before = {(<Tensor>t).node for t in older}
    while todo:
        n = <Node>todo.pop()
        if n in before:
            return "an argument has a history of its own on the tape"
        if n.hooks is not None:
            return "a hook waits for a gradient"
        if type(n) is AccumulateGrad:
            t = (<AccumulateGrad>n).leaf
            if t.hooks is not None:
                return "a hook waits for a gradient"
            leaves.append(t)
        if n.next_ is not None:
            for m in n.next_:
                if m is not None and m not in seen:
                    seen.add(m)
                    todo.append(m)
    return leaves


def graph_state(Tensor t not None):
    """Of a result: "none" (not on the tape), "spent" (something behind it was gone back through and freed), "leaf", "live"."""
    cdef Node n
    if t.node is None:
        return "leaf" if t.rg else "none"
    seen, todo = set(), [tape_node(t)]
    while todo:
        n = <Node>todo.pop()
        if n.released:
            return "spent"
        if n.next_ is not None:
            for m in n.next_:
                if m is not None and m not in seen:
                    seen.add(m)
                    todo.append(m)
    return "live"
