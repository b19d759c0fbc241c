"""Chapter 13: networks on graphs: who joins which karate club, and a graph too large to look at whole.

    pip install 'udlfast[data,train]' && python examples/ch13_graphs.py

A GCN, a GraphSAGE and a GAT see the clubs of the two leaders only and tell those of the other 32 members. Then GraphSAGE learns the
communities of a random graph from samples of neighbours. Prints the accuracies. The picture: the club, coloured by the GCN's answer.
"""
import argparse

import networkx

import udlfast as torch
from udlfast.data import block_graph, karate_club
from udlfast.models import GAT, GCN, Graph, GraphNet, GraphSAGE, sample_neighbours
from udlfast.nn import functional as F
from udlfast.train.plots import new_figure


def clubs(net: GraphNet, steps: int) -> torch.Tensor:
    """The probability of the officers' club for each member."""
    data = karate_club()
    graph, leaders = Graph(data.edges, data.nodes), torch.tensor([0, 33])
    adam = torch.optim.Adam(net.parameters(), lr=1e-2, weight_decay=5e-3)
    for _ in range(steps):
        adam.zero_grad()
        F.cross_entropy(net(data.x, graph)[leaders], data.y[leaders]).backward()
        adam.step()
    with torch.no_grad():
        p: torch.Tensor = F.softmax(net(data.x, graph), 1)[:, 1]
    print(f"{type(net).__name__:10s} {int(((p > 0.5) == (data.y == 1)).sum())} of 34 members right")
    return p


def sampled(nodes: int, epochs: int) -> float:
    """Accuracy on nodes that were not trained on; each step sees 64 nodes and at most 8 + 4 neighbours of each."""
    data = block_graph(nodes=nodes, communities=5, noise=3.0)
    graph, net = Graph(data.edges, data.nodes), GraphSAGE((16, 64, 5))
    adam = torch.optim.Adam(net.parameters(), lr=1e-2)
    half = nodes // 2
    for _ in range(epochs):
        for seeds in torch.randperm(half).split(64):
            near, layers = sample_neighbours(graph, seeds, [4, 8], int(seeds[0]))
            adam.zero_grad()
            F.cross_entropy(net(data.x[near], layers), data.y[seeds]).backward()
            adam.step()
    with torch.no_grad():
        return float((net(data.x, graph).argmax(1) == data.y)[half:].float().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few steps")
    parser.add_argument("--out", default="ch13_graphs.png")
    options = parser.parse_args()
    steps = 20 if options.quick else 200
    torch.manual_seed(0)
    answers = [clubs(net, steps) for net in (GCN((34, 8, 2)), GraphSAGE((34, 8, 2)), GAT((34, 8, 2), heads=2))]
    accuracy = sampled(500 if options.quick else 5000, 1 if options.quick else 3)
    print(f"GraphSAGE on samples of neighbours: {100 * accuracy:.1f} % of the unseen nodes right")
    club = networkx.karate_club_graph()
    place = networkx.spring_layout(club, seed=3)
    figure = new_figure(figsize=(5, 3.4), dpi=90, layout="constrained")
    ax = figure.subplots()
    for a, b in club.edges():
        ax.plot(*zip(place[a], place[b]), color="0.85", lw=0.8, zorder=1)
    at = [place[k] for k in range(34)]
    ax.scatter(*zip(*at), c=answers[0], cmap="coolwarm", vmin=0, vmax=1, s=90, zorder=2,
               edgecolors=["C3" if club.nodes[k]["club"] != "Mr. Hi" else "C0" for k in range(34)], linewidths=1.5)
    ax.axis("off")
    figure.savefig(options.out)


if __name__ == "__main__":
    main()
