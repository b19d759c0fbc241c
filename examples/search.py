"""Hyperparameters of a perceptron for handwritten digits, sought in the book's order of priority with Optuna.

    pip install 'udlfast[data,train,search]' && python examples/search.py

Learning rate, batch size, depth and width, regularisation, optimiser: the table says what each stage gained, and whether that is more than
another seed changes. With --study FILE a search that was stopped goes on. The picture: every trial and the best so far.
"""
import argparse

from udlfast import data, nn, train


def network(depth: int, width: int, dropout: float) -> nn.Module:
    """`depth` hidden layers of `width` units on images of 8x8 pixels."""
    layers: list[nn.Module] = [nn.Flatten()]
    for k in range(depth):
        layers += [nn.Linear(width if k else 64, width), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear(width, 10))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--seconds", type=float, help="at most so long")
    parser.add_argument("--study", help="a file to go on from")
    parser.add_argument("--quick", action="store_true", help="a handful of trials of two epochs")
    parser.add_argument("--out", default="search.png")
    options = parser.parse_args()
    digits = data.digits()
    x, y, x_valid, y_valid = data.hold_out(digits.x_train, digits.y_train, 0.25)
    found = train.search(network, (x, y), (x_valid, y_valid), trials=6 if options.quick else options.trials, seconds=options.seconds,
                         epochs=2 if options.quick else 20, storage=options.study, progress=print)
    print(found.report())
    accuracy = train.evaluate(found.model, [(digits.x_test, digits.y_test)])["accuracy"]
    print(f"test accuracy of the model it left: {100 * accuracy:.1f} %")
    found.plot(options.out)


if __name__ == "__main__":
    main()
