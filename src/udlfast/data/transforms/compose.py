"""Several transforms together: one after the other, some of them, one of them."""
import numpy as np

from ._base import Randomness, Transform, on_chosen, opened, probability, with_chance


class Compose:
    """Transforms one after the other. Any callable may stand among them (`ToTensor`, a function).

    seed: of those that have none of their own (`Transform`).

    >>> from udlfast.data import transforms as T
    >>> change = T.Compose([T.RandomCrop(6), T.RandomHorizontalFlip(), T.Normalize([0.5], [0.5])], seed=0)
    >>> change(np.zeros((4, 1, 8, 8), np.float32)).shape
    (4, 1, 6, 6)
    """

    def __init__(self, transforms, *, seed=None):
        self.transforms, self._randomness = list(transforms), Randomness(seed)
        for t in self.transforms:
            if not callable(t):
                raise TypeError(f"Compose: {t!r} is not callable")

    def __call__(self, x):
        return self.with_generator(x, None)

    def with_generator(self, x, rng):
        """`__call__` with a generator of the caller's, which this one's seed goes before."""
        if rng is None or self._randomness.seed is not None:
            rng = self._randomness.generator()
        k = 0
        while k < len(self.transforms):
            t = self.transforms[k]
            if not isinstance(t, Transform):
                x, k = t.with_generator(x, rng) if isinstance(t, Compose) else t(x), k + 1
                continue
            images, close = opened(type(t).__name__, x)  # opened once for all that follow each other
            while k < len(self.transforms) and isinstance(self.transforms[k], Transform):
                images, k = self.transforms[k].draw_and_change(images, rng), k + 1
            x = close(images)
        return x

    generator = Transform.generator

    def __repr__(self):
        return f"Compose({self.transforms!r})"


class _Group(Transform):
    """What stands inside is applied to arrays [N, C, H, W]."""

    def __init__(self, transforms, seed):
        super().__init__(seed=seed)
        self.transforms = list(transforms)
        for t in self.transforms:
            if not isinstance(t, Transform):
                raise TypeError(f"{type(self).__name__}: expected transforms of images, got {t!r}")
        if not self.transforms:
            raise ValueError(f"{type(self).__name__}: no transform is given")


class RandomApply(_Group):
    """All of them, one after the other, with probability p."""

    def __init__(self, transforms, p=0.5, *, seed=None):
        super().__init__(transforms, seed)
        self.p = probability("RandomApply", p)

    def change(self, images, rng):
        def all_of_them(part, rng):
            for t in self.transforms:
                part = t.draw_and_change(part, rng)
            return part

        return with_chance(images, rng, self.p, all_of_them)


class RandomChoice(_Group):
    """One of them for each image, with probabilities p (None: equal ones)."""

    def __init__(self, transforms, p=None, *, seed=None):
        super().__init__(transforms, seed)
        if p is not None and (len(p) != len(self.transforms) or min(p) < 0 or not sum(p) > 0):
            raise ValueError(f"RandomChoice: expected {len(self.transforms)} probabilities, got {p!r}")
        self.p = p

    def change(self, images, rng):
        p = None if self.p is None else np.asarray(self.p, float) / sum(self.p)
        which = rng.choice(len(self.transforms), len(images), p=p)
        for k, t in enumerate(self.transforms):
            images = on_chosen(images, which == k, lambda part, t=t: t.draw_and_change(part, rng))
        return images


class RandomOrder(_Group):
    """All of them, in random order (one order a call)."""

    def __init__(self, transforms, *, seed=None):
        super().__init__(transforms, seed)

    def change(self, images, rng):
        for k in rng.permutation(len(self.transforms)):
            images = self.transforms[k].draw_and_change(images, rng)
        return images


class Lambda:
    """A function of your own as a transform."""

    def __init__(self, lambd):
        if not callable(lambd):
            raise TypeError(f"Lambda: {lambd!r} is not callable")
        self.lambd = lambd

    def __call__(self, x):
        return self.lambd(x)

    def __repr__(self):
        return f"Lambda({self.lambd!r})"
