"""Graphs as tensors: Zachary's karate club, and random graphs of any size."""
from collections import namedtuple

import numpy as np

from .._core import from_numpy

GraphData = namedtuple("GraphData", "edges x y nodes")
GraphData.__doc__ = """A graph: edges int64 [2, E] (sources, targets; both directions), x float32 [nodes, D], y int64 [nodes] (the community
of each node), nodes.
"""


def karate_club():
    """Zachary's karate club: 34 members, 78 friendships, and which of two clubs each member went to when the club broke up.

    Returns GraphData; x is the identity matrix (a member is known by its number only), y 0 for Mr. Hi's club and 1 for the officers'.
    Raises ImportError when networkx, which carries the graph, is not installed. Reads no network.

    >>> karate = karate_club()
    >>> tuple(karate.edges.shape), int(karate.y.sum())
    ((2, 156), 17)

    Source: W. W. Zachary, An information flow model for conflict and fission in small groups, 1977.
    """
    try:
        import networkx
    except ImportError as e:
        raise ImportError("karate_club: networkx is not installed; install it with: pip install 'udlfast[data]'") from e
    club = networkx.karate_club_graph()
    pairs = np.array(sorted(tuple(sorted(e)) for e in club.edges()), np.int64).T
    y = np.array([club.nodes[k]["club"] != "Mr. Hi" for k in range(len(club))], np.int64)
    return GraphData(_both(pairs), from_numpy(np.eye(len(club), dtype=np.float32)), from_numpy(y), len(club))


def block_graph(nodes: int = 400, communities: int = 4, inside: float = 8.0, outside: float = 2.0, features: int = 16, noise: float = 2.0,
                seed: int = 0):
    """A random graph of communities: a node has on average `inside` neighbours in its own community and `outside` in others.

    features: numbers a node; those of a community scatter with deviation `noise` about a mean of its own. seed: all depends on it.
    Returns GraphData; y is the community.

    >>> tuple(block_graph(nodes=100).x.shape)
    (100, 16)

    Source: Holland, Laskey, Leinhardt, Stochastic blockmodels: first steps, 1983.
    """
    rng = np.random.default_rng(seed)
    y = rng.integers(0, communities, nodes)
    order = np.argsort(y, kind="stable")
    first = np.searchsorted(y[order], np.arange(communities + 1))

    def pairs(count, same):
        a = rng.integers(0, nodes, count)
        size = (first[y[a] + 1] - first[y[a]])
        b = order[first[y[a]] + (rng.random(count) * size).astype(np.int64)] if same else rng.integers(0, nodes, count)
        kept = (a != b) & ((y[a] == y[b]) == same)
        return np.stack([a, b])[:, kept]

    among = nodes - nodes / communities
    found = np.concatenate([pairs(int(nodes * inside / 2), True), pairs(int(nodes * outside / 2 * nodes / max(among, 1)), False)], 1)
    found = np.unique(np.sort(found, 0), axis=1)
    means = rng.standard_normal((communities, features))
    x = means[y] + noise * rng.standard_normal((nodes, features))
    return GraphData(_both(found), from_numpy(x.astype(np.float32)), from_numpy(y), nodes)


def random_graph(nodes: int, edges: int, seed: int = 0):
    """int64 [2, edges]: directed edges between nodes drawn at random; a pair may come twice.

    >>> tuple(random_graph(10, 30).shape)
    (2, 30)
    """
    return from_numpy(np.random.default_rng(seed).integers(0, nodes, (2, edges)))


def _both(pairs):
    """Every edge in both directions."""
    return from_numpy(np.ascontiguousarray(np.concatenate([pairs, pairs[::-1]], 1)))
