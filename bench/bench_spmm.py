"""Products with sparse matrices: message passing on a random graph, forward and a step of a graph convolution."""
import numpy as np
from race import Cases, Race, bench, f32, leaf, size

cases = Cases("spmm")


def graph(rng, nodes, edges):
    """A random adjacency matrix in order of rows: row, column, value."""
    at = np.sort(rng.integers(0, nodes * nodes, edges))
    return at // nodes, at % nodes, f32(rng, edges)


def product(nodes, edges, width, train):
    def make(rng):
        row, column, value = graph(rng, nodes, edges)
        x, g = f32(rng, nodes, width), f32(rng, nodes, width)
        crow = np.searchsorted(row, np.arange(nodes))
        filled = np.unique(row)

        def multiply(crow, filled, column, value, x):
            y = np.zeros_like(x)
            y[filled] = np.add.reduceat(value[:, None] * x[column], crow[filled], axis=0)
            return y

        order = np.argsort(column, kind="stable")
        back = (np.searchsorted(column[order], np.arange(nodes)), np.unique(column), row[order], value[order])

        def numpy():
            y = multiply(crow, filled, column, value, x)
            return (y, multiply(*back, g)) if train else y

        def other(torch):
            a = torch.sparse_coo_tensor(torch.from_numpy(np.stack([row, column])), torch.from_numpy(value), (nodes, nodes)).coalesce()
            tx, tg = leaf(torch, x) if train else torch.from_numpy(x), torch.from_numpy(g)

            def step():
                y = torch.sparse.mm(a, tx)
                if not train:
                    return y
                tx.grad = None
                y.backward(tg)
                return y, tx.grad
            return step

        times = 2 if train else 1
        return Race(numpy, other, times * 2.0 * edges * width, times * (4 * edges * width + 20 * edges + size(x)))
    return make


cases.add("nodes_2708_edges_10556x64", product(2708, 10556, 64, False))
cases.add("nodes_20000_edges_200000x64_train", product(20000, 200000, 64, True))

test_spmm = bench(cases)
