"""Graphs, their layers and networks, pooling and sampling: against dense matrices, and learning what there is to learn."""

import numpy as np
import pytest
from harness import check_raises

import udlfast as torch
from udlfast.data import block_graph, karate_club, random_graph
from udlfast.models import GAT, GCN, GATConv, GCNConv, Graph, GraphSAGE, SAGEConv, batch_graphs, pool, sample_neighbours
from udlfast.nn import functional as F
from udlfast.ops._spmm import Rows


def some_graph(rng, nodes=9, edges=30, weighted=False):
    at = rng.integers(0, nodes, (2, edges))
    weight = rng.uniform(0.5, 2, edges).astype(np.float32) if weighted else None
    dense = np.zeros((nodes, nodes))  # dense[i, j]: from j to i
    np.add.at(dense, (at[1], at[0]), 1 if weight is None else weight)
    return Graph(at, nodes, weight=None if weight is None else torch.from_numpy(weight)), dense


def check_same(got, want, tolerance=1e-5):
    np.testing.assert_allclose(got.detach().numpy(), want, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("weighted", [False, True])
def test_sums_means_and_maxima(rng, weighted):
    graph, dense = some_graph(rng, weighted=weighted)
    x = rng.standard_normal((9, 4)).astype(np.float32)
    t = torch.from_numpy(x)
    check_same(graph.sum(t), dense @ x)
    check_same(graph.in_degree(True), dense.sum(1))
    check_same(graph.mean(t), dense @ x / np.maximum(dense.sum(1, keepdims=True), 1e-12))
    check_same(graph.max(t), np.stack([x[dense[i] > 0].max(0) if dense[i].any() else np.zeros(4) for i in range(9)]))
    shares = graph.softmax(torch.ones(30, 2))
    check_same(torch.zeros(9, 2).index_add(0, graph.target, shares), np.repeat(np.diff(graph.crow.numpy())[:, None] > 0, 2, 1))


@pytest.mark.parametrize("weighted", [False, True])
def test_graph_convolution_is_the_dense_formula(rng, weighted):
    graph, dense = some_graph(rng, weighted=weighted)
    x, layer = torch.from_numpy(rng.standard_normal((9, 4)).astype(np.float32)), GCNConv(4, 3)
    with_loops = dense + np.diag(np.diag(dense) == 0)
    d = 1 / np.sqrt(with_loops.sum(1))
    check_same(layer(x, graph), d[:, None] * with_loops * d @ x.numpy() @ layer.linear.weight.detach().numpy().T)


def test_attention_is_the_dense_formula(rng):
    at = np.array(np.nonzero(rng.random((7, 7)) < 0.4))[::-1]
    graph = Graph(at, 7)
    linked = np.zeros((7, 7), bool)
    linked[at[1], at[0]] = True
    linked |= np.eye(7, dtype=bool)
    x = rng.standard_normal((7, 4)).astype(np.float32)
    for concat in (True, False):
        layer = GATConv(4, 3, heads=2, concat=concat)
        h = (x @ layer.linear.weight.detach().numpy().T).reshape(7, 2, 3)
        e = (h * layer.receive.detach().numpy()).sum(2)[:, None] + (h * layer.send.detach().numpy()).sum(2)[None]
        e = np.where(linked[:, :, None], np.where(e > 0, e, 0.2 * e), -np.inf)
        share = np.exp(e - e.max(1, keepdims=True))
        share /= share.sum(1, keepdims=True)
        want = np.einsum("ijh,jhd->ihd", share, h)
        check_same(layer(torch.from_numpy(x), graph), want.reshape(7, 6) if concat else want.mean(1))


@pytest.mark.parametrize("make", [lambda: GCNConv(3, 2), lambda: SAGEConv(3, 2), lambda: SAGEConv(3, 2, "max"),
                                  lambda: SAGEConv(3, 2, "sum"), lambda: GATConv(3, 2, 2)])  # fmt: skip
def test_gradients(rng, make):
    graph, _ = some_graph(rng, 5, 12)
    layer = make().double()
    x = torch.tensor(rng.standard_normal((5, 3)), requires_grad=True)
    names, weights = zip(*layer.named_parameters())

    def apply(x, *weights):
        return torch.func.functional_call(layer, dict(zip(names, weights)), (x, graph))

    assert torch.autograd.gradcheck(apply, (x, *weights))


def test_weights_of_edges_get_gradients(rng):
    at = torch.tensor([[0, 1, 2, 0], [1, 2, 0, 2]])
    weight, x = torch.tensor(rng.uniform(1, 2, 4).astype("float32"), requires_grad=True), torch.ones(3, 2)
    Graph(at, 3, weight=weight).sum(x).sum().backward()
    assert weight.grad.tolist() == [2.0] * 4


def test_undirected_and_loops():
    graph = Graph(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 2]]), 3)
    both = graph.undirected()
    assert {tuple(e) for e in both.edges().t().tolist()} == {(0, 1), (1, 0), (1, 2), (2, 1), (2, 2)} and both.source.shape[0] == 5
    assert sorted(map(tuple, graph.with_loops().edges().t().tolist())) == [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 2)]
    assert graph.normalized() is graph.normalized()


def test_the_transposed_structure_is_made_once():
    rows = Rows(2, 3, torch.tensor([0, 1]), torch.tensor([2, 0]))
    made = rows.t().forward
    assert rows.transposed is made and rows.t().transposed is rows.forward and rows.t().t().forward is rows.forward


def test_pooling_and_batches(rng):
    graphs = [Graph(torch.tensor([[0, 1], [1, 0]]), 2), Graph(np.zeros((2, 0), np.int64), 1), Graph(torch.tensor([[0, 2], [1, 1]]), 3)]
    whole, batch = batch_graphs(graphs)
    assert batch.tolist() == [0, 0, 1, 2, 2, 2] and sorted(map(tuple, whole.edges().t().tolist())) == [(0, 1), (1, 0), (3, 4), (5, 4)]
    x = rng.standard_normal((6, 3)).astype(np.float32)
    parts = np.split(x, [2, 3])
    for how, f in (("sum", np.sum), ("mean", np.mean), ("max", np.max)):
        check_same(pool(torch.from_numpy(x), batch, how), np.stack([f(p, axis=0) for p in parts]))
        more = pool(torch.from_numpy(x), batch, how, graphs=8)
        check_same(more, np.concatenate([np.stack([f(p, axis=0) for p in parts]), np.zeros((5, 3))]))
    net = GCN((3, 5, 2))
    apart = [net(torch.from_numpy(p), g) for p, g in zip(parts, graphs)]
    check_same(net(torch.from_numpy(x), whole), np.concatenate([a.detach().numpy() for a in apart]))


def test_sampling_all_neighbours_changes_nothing(rng):
    graph, _ = some_graph(rng, 40, 150, weighted=True)
    x, seeds = torch.from_numpy(rng.standard_normal((40, 5)).astype(np.float32)), torch.tensor([7, 3, 30])
    nodes, layers = sample_neighbours(graph, seeds, [None, None], 0)
    net = GraphSAGE((5, 8, 2))
    assert nodes[:3].tolist() == seeds.tolist() and len(set(nodes.tolist())) == len(nodes)
    check_same(net(x.index_select(0, nodes), layers), net(x, graph).index_select(0, seeds).detach().numpy())


def test_samples_are_neighbours_without_replacement_and_fair():
    hub = Graph(np.stack([np.arange(1, 21), np.zeros(20, np.int64)]), 21)
    rng, seen = np.random.default_rng(0), np.zeros(21)
    for _ in range(400):
        nodes, (layer,) = sample_neighbours(hub, [0, 5], [4], rng)
        drawn = nodes[layer.source].tolist()
        assert len(drawn) == len(set(drawn)) == 4 and layer.target.tolist() == [0] * 4
        seen[drawn] += 1
    assert seen[0] == 0 and abs(seen[1:] - 80).max() < 40  # 400 draws of 4 from 20: 80 each, standard deviation 8
    one, two = (sample_neighbours(hub, [0], [4], 3)[0].tolist() for _ in range(2))
    assert one == two


def test_generated_graphs():
    data = block_graph(nodes=300, communities=3, seed=1)
    edges = data.edges.numpy()
    assert {tuple(e) for e in edges.T} == {tuple(e) for e in edges[::-1].T} and len({tuple(e) for e in edges.T}) == edges.shape[1]
    inside = (data.y.numpy()[edges[0]] == data.y.numpy()[edges[1]]).mean()
    assert 0.7 < inside < 0.9 and 8 < edges.shape[1] / 300 < 11  # 8 of 10 neighbours
    one, two, other = (block_graph(50, seed=s).x for s in (3, 3, 0))
    assert torch.equal(one, two) and not torch.equal(one, other)
    assert torch.equal(random_graph(9, 20, 1), random_graph(9, 20, 1)) and int(random_graph(9, 2000).max()) == 8


@pytest.mark.parametrize("make", [lambda: GCN((34, 8, 2)), lambda: GraphSAGE((34, 8, 2)), lambda: GAT((34, 8, 2), heads=2)])
def test_the_karate_club_from_two_members(make):
    """The leaders' clubs are known; those of the other 32 follow from who knows whom."""
    pytest.importorskip("networkx")
    club = karate_club()
    graph, known = Graph(club.edges, club.nodes), torch.tensor([0, 33])
    torch.manual_seed(0)
    net = make()
    adam = torch.optim.Adam(net.parameters(), lr=0.01, weight_decay=5e-3)
    for _ in range(150):
        adam.zero_grad()
        F.cross_entropy(net(club.x, graph).index_select(0, known), club.y.index_select(0, known)).backward()
        adam.step()
    right = (net(club.x, graph).argmax(1) == club.y).sum().item()
    assert right >= 29, f"{right} of 34"


def test_mistakes(rng):
    graph, _ = some_graph(rng)
    check_raises(ValueError, ["[2, E]"], Graph, torch.ones(3, 2).long())
    check_raises(ValueError, ["whole numbers"], Graph, torch.ones(2, 2))
    check_raises(IndexError, ["outside"], Graph, [[0], [5]], 3)
    check_raises(IndexError, ["outside"], Graph, [[0], [-1]], 3)
    check_raises(ValueError, ["weight [1]"], Graph, [[0], [1]], 2, None, torch.ones(2))
    for layer in (GCNConv(3, 2), SAGEConv(3, 2), GATConv(3, 2)):
        check_raises(ValueError, ["[9, 3]", "[9, 4]"], layer, torch.ones(9, 4), graph)
        check_raises(TypeError, ["Graph"], layer, torch.ones(9, 3), torch.ones(9, 9))
    check_raises(ValueError, ["aggregate"], SAGEConv, 3, 2, "median")
    check_raises(ValueError, ["how"], pool, torch.ones(2, 1), torch.tensor([0, 0]), "min")
    check_raises(ValueError, ["pool", "[3, 1]"], pool, torch.ones(3, 1), torch.tensor([0, 0]))
    check_raises(ValueError, ["GCN", "sizes"], GCN, (3,))
    check_raises(ValueError, ["2 layers"], GCN((3, 2, 2)), torch.ones(9, 3), [graph])
    check_raises(ValueError, ["twice"], sample_neighbours, graph, [1, 1], [2], 0)
    check_raises(IndexError, ["outside"], sample_neighbours, graph, [9], [2], 0)
