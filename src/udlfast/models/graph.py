"""Graphs for networks: edges sorted by the node that receives, disjoint unions, pooling, and samples of neighbours."""
import numpy as np

from .. import _core
from .._core import from_numpy
from ..ops._spmm import Rows, compress, segment_softmax, spmm_rows


class Graph:
    """Edges along which nodes send messages, sorted by their targets.

    edges: int64 [2, E], the sources and the targets. nodes: how many can send (None: the largest number + 1). targets: how many
    receive (None: all nodes); they are the first ones. weight: [E], or None for ones.
    Attributes: nodes, targets, source [E], target [E], weight [E] or None, all in the order of targets, and crow [targets + 1].
    Raises ValueError for edges of another shape, IndexError for a node that is not there.

    >>> import udlfast as torch
    >>> graph = Graph(torch.tensor([[0, 1, 2], [1, 0, 1]]))
    >>> graph.source.tolist(), graph.target.tolist(), graph.in_degree().tolist()
    ([1, 0, 2], [0, 1, 1], [1.0, 2.0, 0.0])
    """

    def __init__(self, edges, nodes=None, targets=None, weight=None):
        edges = np.array(edges.detach().numpy() if isinstance(edges, _core.Tensor) else edges)
        if edges.ndim != 2 or len(edges) != 2 or not (edges.dtype.kind in "iu" or not edges.size):
            raise ValueError(f"Graph: expected edges of whole numbers [2, E], got {edges.dtype} {list(edges.shape)}")
        edges = edges.astype(np.int64)
        if weight is not None and tuple(weight.shape) != edges.shape[1:]:
            raise ValueError(f"Graph: expected weight [{edges.shape[1]}], one for each edge, got {list(weight.shape)}")
        self.nodes = int(edges.max(initial=-1)) + 1 if nodes is None else nodes
        self.targets = self.nodes if targets is None else targets
        if edges.size and (edges.min() < 0 or edges[0].max() >= self.nodes or edges[1].max() >= self.targets):
            raise IndexError(f"Graph: an edge goes from or to a node outside the {self.nodes} nodes and {self.targets} targets")
        crow, source, order = compress(edges[1], edges[0], self.targets)
        target = edges[1] if order is None else edges[1][order]
        self.source, self.target, self.crow = (from_numpy(np.ascontiguousarray(a)) for a in (source, target, crow))
        self.weight = weight if weight is None or order is None else weight[from_numpy(order)]
        self.rows = Rows(self.targets, self.nodes, self.target, self.source)
        self._normalized = None

    def __repr__(self):
        part = "" if self.targets == self.nodes else f" to {self.targets} of them"
        return f"Graph({self.nodes} nodes, {self.source.shape[0]} edges{part})"

    def edges(self):
        """int64 [2, E]"""
        return from_numpy(np.stack([self.source.numpy(), self.target.numpy()]))

    def in_degree(self, weighted=False):
        """float32 [targets]: the edges into each node, or the sum of their weights."""
        if weighted and self.weight is not None:
            return _core.zeros(self.targets).index_add(0, self.target, self.weight)
        return (self.crow[1:] - self.crow[:-1]).float()

    def undirected(self):
        """Every edge in both directions, each once and without weights."""
        s, t = self.source.numpy(), self.target.numpy()
        keys = np.unique(np.concatenate([t * self.nodes + s, s * self.nodes + t]))
        return Graph(np.stack([keys % self.nodes, keys // self.nodes]), self.nodes)

    def with_loops(self):
        """An edge of weight 1 from every node to itself more, where there is none."""
        s, t = self.source.numpy(), self.target.numpy()
        new = np.setdiff1d(np.arange(self.targets), s[s == t])
        weight = self.weight
        if weight is not None:
            from ..ops.joining import cat
            weight = cat([weight, _core.ones(len(new))], 0)
        return Graph(np.stack([np.concatenate([s, new]), np.concatenate([t, new])]), self.nodes, self.targets, weight)

    def normalized(self):
        """The graph with loops and weights w_ij / sqrt(d_i d_j), d the sums of weights into the nodes; made once."""
        if self._normalized is None:
            out = self.with_loops()
            weight = _core.ones(out.source.shape[0]) if out.weight is None else out.weight
            d = out.in_degree(True).clamp(min=1e-12).rsqrt()
            out.weight = weight * d.index_select(0, out.source) * d.index_select(0, out.target)
            self._normalized = out
        return self._normalized

    def sum(self, x, weight=None):
        """What the nodes receive: y[i] = sum over edges j -> i of w x[j].

        x: [nodes, D], weight: [E] (None: the graph's own); or x: [nodes, H, D], weight: [E, H]. Returns [targets, ...].
        """
        weight = self.weight if weight is None else weight
        if weight is not None and weight.dtype is not x.dtype:
            weight = weight.to(x.dtype)
        if x.ndim == 3:
            return spmm_rows(self.rows, weight, x)
        return spmm_rows(self.rows, None if weight is None else weight.unsqueeze(1), x.unsqueeze(1)).squeeze(1)

    def mean(self, x):
        """The mean over the edges into each node of x[source], [targets, D]; 0 for a node without one."""
        return self.sum(x) / self.in_degree(True).clamp(min=1e-12).to(x.dtype).unsqueeze(1)

    def max(self, x):
        """The largest entry over the edges into each node of x[source], [targets, D]; 0 for a node without one."""
        index = self.target.unsqueeze(1).expand(-1, x.shape[1])
        zeros = _core.zeros(self.targets, x.shape[1], dtype=x.dtype)
        return zeros.scatter_reduce(0, index, x.index_select(0, self.source), "amax", include_self=False)

    def softmax(self, scores):
        """Scores [E, H] as shares that sum to 1 over the edges into each node."""
        return segment_softmax(scores, self.crow)


def batch_graphs(graphs):
    """Several graphs as one that is not connected, and which of them each node belongs to.

    Returns (Graph, int64 [nodes]), for `pool`.

    >>> import udlfast as torch
    >>> pair = torch.tensor([[0, 1], [1, 0]])
    >>> batch_graphs([Graph(pair), Graph(pair)])
    (Graph(4 nodes, 4 edges), tensor([0, 0, 1, 1]))
    """
    graphs = list(graphs)
    starts = np.concatenate([[0], np.cumsum([g.nodes for g in graphs])])
    edges = [g.edges().numpy() + s for g, s in zip(graphs, starts)]
    weight = None
    if any(g.weight is not None for g in graphs):
        from ..ops.joining import cat
        weight = cat([_core.ones(g.source.shape[0]) if g.weight is None else g.weight for g in graphs], 0)
    whole = Graph(np.concatenate([np.zeros((2, 0), np.int64), *edges], 1), int(starts[-1]), weight=weight)
    return whole, from_numpy(np.repeat(np.arange(len(graphs)), [g.nodes for g in graphs]))


def pool(x, batch, how="mean", graphs=None):
    """One vector for each graph of a batch: the sum, mean or maximum over its nodes.

    x: [nodes, D]. batch: int64 [nodes] from `batch_graphs`. how: "sum", "mean" or "max". graphs: how many (None: the largest
    number + 1). Returns [graphs, D]; an empty graph gives 0. Raises ValueError for another how.

    >>> import udlfast as torch
    >>> pool(torch.tensor([[1.], [3.], [5.]]), torch.tensor([0, 0, 1])).flatten().tolist()
    [2.0, 5.0]
    """
    if how not in ("sum", "mean", "max"):
        raise ValueError(f'pool: how must be "sum", "mean" or "max", got {how!r}')
    n = batch.shape[0]
    if x.ndim != 2 or x.shape[0] != n:
        raise ValueError(f"pool: expected x [{n}, D], a row for each entry of batch, got {list(x.shape)}")
    graphs = (int(batch.max()) + 1 if n else 0) if graphs is None else graphs
    members = Graph(np.stack([np.arange(n), batch.numpy()]), max(n, graphs), graphs)
    if members.nodes > n:  # graphs without nodes
        members.nodes, members.rows = n, Rows(graphs, n, members.target, members.source)
    return getattr(members, how)(x)


def sample_neighbours(graph, seeds, counts, rng):
    """Some of the nodes that the results at `seeds` depend on: one smaller graph for each layer.

    Each node asks at most so many of its neighbours, drawn without replacement; what it gets is then a sample of what it would get.

    graph: a Graph. seeds: int64 [S], different nodes. counts: neighbours asked by a node, one number for each layer, the first
    layer first (None: all). rng: a NumPy Generator or a seed.
    Returns (nodes int64 [M], [Graph for each layer]): layer k maps features of its nodes to its targets, which are the first of
    them; the first layer takes x[nodes], the last one gives the seeds.

    >>> import udlfast as torch
    >>> ring = Graph(torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]]))
    >>> nodes, layers = sample_neighbours(ring, torch.tensor([2]), [1, 1], 0)
    >>> nodes.tolist(), layers
    ([2, 1, 0], [Graph(3 nodes, 2 edges to 2 of them), Graph(2 nodes, 1 edges to 1 of them)])

    Source: Hamilton, Ying, Leskovec, Inductive representation learning on large graphs, 2017; Understanding Deep Learning,
    section 13.7.
    """
    if isinstance(rng, (int, np.integer)):
        rng = np.random.default_rng(rng)
    nodes = np.array(seeds.numpy() if isinstance(seeds, _core.Tensor) else seeds, np.int64)
    if len(np.unique(nodes)) != len(nodes):
        raise ValueError("sample_neighbours: a seed stands twice")
    if nodes.size and (nodes.min() < 0 or nodes.max() >= graph.targets):
        raise IndexError(f"sample_neighbours: a seed lies outside the {graph.targets} nodes")
    crow, source, place = graph.crow.numpy(), graph.source.numpy(), np.full(graph.nodes, -1)
    layers = []
    for count in reversed(list(counts)):
        degree = crow[nodes + 1] - crow[nodes]
        owner = np.repeat(np.arange(len(nodes)), degree)
        first = np.cumsum(degree) - degree
        entry = np.arange(len(owner)) - first[owner] + crow[nodes][owner]
        if count is not None and len(owner):
            order = np.lexsort((rng.random(len(owner)), owner))
            kept = np.sort(order[np.arange(len(owner)) - first[owner] < count])
            owner, entry = owner[kept], entry[kept]
        found = source[entry]
        place[nodes] = np.arange(len(nodes))
        new = np.unique(found[place[found] < 0])
        place[new] = len(nodes) + np.arange(len(new))
        weight = None if graph.weight is None else graph.weight[from_numpy(entry)]
        targets, nodes = len(nodes), np.concatenate([nodes, new])
        layers.insert(0, Graph(np.stack([place[found], owner]), len(nodes), targets, weight))
        place[nodes] = -1
    return from_numpy(nodes), layers
