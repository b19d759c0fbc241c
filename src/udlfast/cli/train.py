"""python -m udlfast train: a network on real data, from nothing to a test accuracy, a checkpoint and a picture."""
import os

from . import positive

HELP = "Train a network on digits, MNIST-1D or a folder of MNIST's files."
VALIDATION, PATIENCE, CLIP, WEIGHT_DECAY = 0.1, 15, 1.0, 1e-2

# Found by trying a few step sizes on the validation part; epochs are what the one-cycle schedule needs to settle.
RECIPES = {
    "digits": {"epochs": 40, "batch_size": 32, "lr": 6e-3, "augment": {"degrees": 8.0, "shift": 0.06, "scale": 0.08}},
    "mnist1d": {"epochs": 40, "batch_size": 64, "lr": 6e-3, "augment": None},
    "folder": {"epochs": 10, "batch_size": 64, "lr": 4e-3, "augment": None},
}


def add_arguments(parser):
    from ..models import LARGE, NAMES

    parser.add_argument("--data", default="digits",
                        help="digits, mnist1d, or a folder with MNIST's IDX files (default: %(default)s)")
    parser.add_argument("--model", default="lenet", choices=(*NAMES, *LARGE), metavar="NAME",
                        help=f"{', '.join((*NAMES, *LARGE))} (default: %(default)s)")
    parser.add_argument("--epochs", type=positive, help="times through the training part (default: the data set's)")
    parser.add_argument("--batch-size", type=positive, help="samples in a step (default: the data set's)")
    parser.add_argument("--lr", type=float, help="largest step size (default: the data set's)")
    parser.add_argument("--seed", type=int, default=0,
                        help="of weights, order of samples and augmentation (default: %(default)s)")
    parser.add_argument("--out", default="run", metavar="DIR",
                        help="folder for checkpoint, history and picture (default: %(default)s)")
    parser.add_argument("--threads", type=positive, help="width of the thread pool (default: see info)")
    parser.add_argument("--resume", action="store_true",
                        help="keep the state of the run in DIR/state.pt after each epoch, and go on from it if it is there")
    parser.add_argument("--quiet", action="store_true", help="print only the result")


def run(options):
    import udlfast

    from ..data import hold_out
    from ..models import build
    from ..train import Progress, evaluate, fit

    recipe = _recipe(options)
    rank, size = _join()
    if options.threads:
        udlfast.set_num_threads(options.threads)
    if rank == 0:
        os.makedirs(options.out, exist_ok=True)
    data = _load(options.data)
    x, y, x_valid, y_valid = hold_out(data.x_train, data.y_train, VALIDATION)
    udlfast.manual_seed(options.seed)
    classes = int(data.y_train.max().item()) + 1
    model = build(options.model, tuple(x.shape[1:]), classes)
    quiet = options.quiet or rank != 0
    if not quiet:
        print(f"{options.data}: {len(x)} training, {len(x_valid)} validation, {len(data.x_test)} test samples; "
              f"{options.model} with {sum(p.numel() for p in model.parameters()):,} parameters; "
              f"{udlfast.isa()}, threads: {udlfast.get_num_threads()}; seed {options.seed}" + (f"; {size} processes" if size > 1 else ""))
    train = _loader(x, y, recipe["batch_size"], options.seed)
    optimizer = udlfast.optim.AdamW(model.parameters(), lr=recipe["lr"], weight_decay=WEIGHT_DECAY)
    schedule = udlfast.optim.lr_scheduler.OneCycleLR(optimizer, recipe["lr"],
                                                     total_steps=recipe["epochs"] * len(train))
    whole = model
    if size > 1:
        model = udlfast.nn.parallel.DistributedDataParallel(model)
    augment = _augmentation(recipe["augment"], options.seed, rank, size)
    history = fit(model, train, _loader(x_valid, y_valid, 256), epochs=recipe["epochs"], optimizer=optimizer,
                  step_scheduler=schedule, patience=PATIENCE, clip=CLIP, seed=options.seed if size > 1 else None,
                  augment=augment if recipe["augment"] else None, callbacks=[augment], generators=[augment.rng],
                  checkpoint=os.path.join(options.out, "state.pt") if options.resume else None,
                  progress=None if quiet else Progress())
    if rank:
        return 0
    model = whole
    accuracy = evaluate(model, _loader(data.x_test, data.y_test, 256))["accuracy"]
    print(f"test accuracy: {100 * accuracy:.1f} %")
    _write(options, recipe, model, history, accuracy)
    return 0


def _recipe(options):
    known = options.data in RECIPES and options.data != "folder"
    recipe = dict(RECIPES[options.data if known else "folder"])
    for name in ("epochs", "batch_size", "lr"):
        if getattr(options, name) is not None:
            recipe[name] = getattr(options, name)
    if not 0 < recipe["lr"] < float("inf"):
        raise ValueError(f"--lr must be a positive number, got {recipe['lr']}")
    return recipe


def _load(name):
    from .. import data

    if name in ("digits", "mnist1d"):
        return getattr(data, name)()
    if not os.path.isdir(name):
        raise FileNotFoundError(f"--data: expected digits, mnist1d or a folder, and there is no folder {name!r}")
    return data.mnist(name)


def _loader(x, y, batch_size, seed=None):
    """Batches of (x, y); in an order drawn from `seed`, or as they are without one."""
    from .. import Generator
    from ..utils.data import DataLoader, TensorDataset

    generator = None if seed is None else Generator().manual_seed(seed)
    return DataLoader(TensorDataset(x, y), batch_size=batch_size, shuffle=seed is not None, generator=generator)


def _join():
    """(number, how many) of this process among those that mpiexec started, if it did."""
    from ..distributed import get_rank, get_world_size, init
    from ..distributed._world import launched_size

    if launched_size()[0] > 1:
        init()
    return get_rank(), get_world_size()


def _augmentation(options, seed, rank, size):
    """Random affine maps of images; a process among several draws from a stream for each epoch and process."""
    import numpy as np

    from ..data import random_affine
    from ..train import Callback

    class Augmentation(Callback):
        rng = np.random.default_rng(seed)
        drawn = None  # the epoch of the stream

        def start(self, run):
            self.run = run

        def __call__(self, x):
            if size > 1 and self.drawn != self.run.epoch:
                self.drawn = self.run.epoch
                self.rng.bit_generator.state = np.random.default_rng([seed, self.drawn, rank]).bit_generator.state
            return random_affine(x, self.rng, **options) if x.ndim == 4 else x

    return Augmentation()


def _write(options, recipe, model, history, accuracy):
    import json

    from ..train import plot_history, save_checkpoint

    meta = {"data": options.data, "model": options.model, "seed": options.seed, "test_accuracy": accuracy,
            "best_epoch": history.best_epoch, **recipe}
    checkpoint = save_checkpoint(os.path.join(options.out, "model.safetensors"), model, meta)
    print(f"checkpoint: {checkpoint}")
    with open(os.path.join(options.out, "history.json"), "w") as f:
        json.dump({**meta, "history": history.as_dict()}, f, indent=1)
    try:
        picture = plot_history(history, os.path.join(options.out, "curves.png"), test_accuracy=accuracy,
                               title=f"{options.model} on {os.path.basename(os.path.normpath(options.data))}")
    except ImportError as e:
        print(f"picture: none ({e})")
    else:
        print(f"picture: {picture}")
