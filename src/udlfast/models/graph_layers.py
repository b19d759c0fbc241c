"""Networks on graphs: graph convolution, GraphSAGE and graph attention, as layers and as networks."""
from .. import nn
from ..nn import functional as F
from .graph import Graph


def _check(name, x, graph, inputs):
    if not isinstance(graph, Graph):
        raise TypeError(f"{name}: expected a Graph, got {type(graph).__name__}")
    if x.ndim != 2 or tuple(x.shape) != (graph.nodes, inputs):
        raise ValueError(f"{name}: expected x [{graph.nodes}, {inputs}], a row for each node, got {list(x.shape)}")


class GCNConv(nn.Module):
    """Graph convolution: each node gets the mean of itself and its neighbours, scaled by their degrees, through a linear map.

        y = D^(-1/2) (A + I) D^(-1/2) x W^T + b

    inputs, outputs: features. bias: whether there is b. Input x [nodes, inputs] and a Graph; output [targets, outputs].

    >>> import udlfast as torch
    >>> graph = Graph(torch.tensor([[0, 1], [1, 0]]))
    >>> tuple(GCNConv(3, 2)(torch.ones(2, 3), graph).shape)
    (2, 2)

    Source: Kipf and Welling, Semi-supervised classification with graph convolutional networks, 2017; Understanding Deep Learning,
    section 13.8.
    """

    def __init__(self, inputs, outputs, bias=True):
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=False)
        nn.init.xavier_uniform_(self.linear.weight)
        self.register_parameter("bias", nn.Parameter(self.linear.weight.new_zeros(outputs)) if bias else None)

    def forward(self, x, graph):
        _check("GCNConv", x, graph, self.linear.in_features)
        y = graph.normalized().sum(self.linear(x))
        return y if self.bias is None else y + self.bias


class SAGEConv(nn.Module):
    """GraphSAGE: a linear map of the node itself and one of what its neighbours send.

        y_i = W x_i + b + V aggregate(x_j, j -> i)

    inputs, outputs: features. aggregate: "mean", "max" or "sum". Input x [nodes, inputs] and a Graph, whose targets are its first
    nodes; output [targets, outputs].

    >>> import udlfast as torch
    >>> graph = Graph(torch.tensor([[1, 2], [0, 0]]), targets=1)
    >>> tuple(SAGEConv(3, 2, "max")(torch.ones(3, 3), graph).shape)
    (1, 2)

    Source: Hamilton, Ying, Leskovec, Inductive representation learning on large graphs, 2017.
    """

    def __init__(self, inputs, outputs, aggregate="mean"):
        super().__init__()
        if aggregate not in ("mean", "max", "sum"):
            raise ValueError(f'SAGEConv: aggregate must be "mean", "max" or "sum", got {aggregate!r}')
        self.own, self.others, self.aggregate = nn.Linear(inputs, outputs), nn.Linear(inputs, outputs, bias=False), aggregate

    def forward(self, x, graph):
        _check("SAGEConv", x, graph, self.own.in_features)
        received = getattr(graph, self.aggregate)(x)
        return self.own(x.narrow(0, 0, graph.targets)) + self.others(received)


class GATConv(nn.Module):
    """Graph attention: each node weighs its neighbours and itself by a softmax of learned scores, in several heads.

        h = W x,  e_ij = leaky_relu(a . h_i + c . h_j),  y_i = sum_j softmax_j(e_ij) h_j + b

    inputs: features. outputs: features of a head. heads: how many. concat: heads side by side, [targets, heads outputs]; else
    their mean, [targets, outputs]. slope: of leaky_relu. dropout: of the attention weights. The graph's own weights are not used.
    Input x [nodes, inputs] and a Graph; output as said.

    >>> import udlfast as torch
    >>> graph = Graph(torch.tensor([[0, 1], [1, 0]]))
    >>> tuple(GATConv(3, 4, heads=2)(torch.ones(2, 3), graph).shape)
    (2, 8)

    Source: Velickovic et al., Graph attention networks, 2018; Understanding Deep Learning, section 13.9.
    """

    def __init__(self, inputs, outputs, heads=1, concat=True, slope=0.2, dropout=0.0):
        super().__init__()
        self.linear = nn.Linear(inputs, heads * outputs, bias=False)
        self.receive, self.send = (nn.Parameter(self.linear.weight.new_zeros(heads, outputs)) for _ in range(2))
        for p in (self.linear.weight, self.receive, self.send):
            nn.init.xavier_uniform_(p)
        self.bias = nn.Parameter(self.linear.weight.new_zeros(heads * outputs if concat else outputs))
        self.heads, self.concat, self.slope, self.dropout = heads, concat, slope, dropout
        self._loops = (None, None)

    def forward(self, x, graph):
        _check("GATConv", x, graph, self.linear.in_features)
        if self._loops[0] is not graph:
            self._loops = graph, graph.with_loops()
        graph = self._loops[1]
        h = self.linear(x).unflatten(1, (self.heads, -1))
        receive, send = (h.narrow(0, 0, graph.targets) * self.receive).sum(2), (h * self.send).sum(2)
        score = F.leaky_relu(receive.index_select(0, graph.target) + send.index_select(0, graph.source), self.slope)
        share = F.dropout(graph.softmax(score), self.dropout, self.training)
        y = graph.sum(h, share)
        return (y.flatten(1) if self.concat else y.mean(1)) + self.bias


class GraphNet(nn.Module):
    """Layers on a graph with ReLU and dropout between them: a score vector for each node.

    layers: GCNConv, SAGEConv, GATConv. dropout: before each layer. Input x [nodes, inputs] and a Graph, or a list with a Graph for
    each layer (`sample_neighbours`); output [targets, outputs]. `GCN`, `GraphSAGE` and `GAT` make them from sizes.

    Source: Understanding Deep Learning, chapter 13.
    """

    def __init__(self, layers, dropout=0.0):
        super().__init__()
        self.layers, self.dropout = nn.ModuleList(layers), dropout

    def forward(self, x, graph):
        graphs = graph if isinstance(graph, (list, tuple)) else [graph] * len(self.layers)
        if len(graphs) != len(self.layers):
            raise ValueError(f"{type(self).__name__}: expected a graph for each of the {len(self.layers)} layers, got {len(graphs)}")
        for k, (layer, g) in enumerate(zip(self.layers, graphs)):
            x = layer(F.dropout(F.relu(x) if k else x, self.dropout, self.training), g)
        return x


def _pairs(name, sizes):
    if len(sizes) < 2:
        raise ValueError(f"{name}: expected at least two sizes (inputs, ..., outputs), got {tuple(sizes)}")
    return list(zip(sizes[:-1], sizes[1:]))


class GCN(GraphNet):
    """Graph convolutions of the given sizes (inputs, hidden..., outputs): see GraphNet, GCNConv.

    >>> import udlfast as torch
    >>> graph = Graph(torch.tensor([[0, 1], [1, 0]]))
    >>> tuple(GCN((3, 8, 2))(torch.ones(2, 3), graph).shape)
    (2, 2)
    """

    def __init__(self, sizes, dropout=0.0):
        super().__init__([GCNConv(a, b) for a, b in _pairs("GCN", sizes)], dropout)


class GraphSAGE(GraphNet):
    """GraphSAGE layers of the given sizes: see GraphNet, SAGEConv."""

    def __init__(self, sizes, aggregate="mean", dropout=0.0):
        super().__init__([SAGEConv(a, b, aggregate) for a, b in _pairs("GraphSAGE", sizes)], dropout)


class GAT(GraphNet):
    """Graph attention of the given sizes; hidden layers lay their heads side by side, the last one takes their mean: see GATConv."""

    def __init__(self, sizes, heads=4, dropout=0.0):
        pairs, layers = _pairs("GAT", sizes), []
        for k, (a, b) in enumerate(pairs):
            layers.append(GATConv(a * heads if k else a, b, heads, concat=k < len(pairs) - 1, dropout=dropout))
        super().__init__(layers, dropout)
