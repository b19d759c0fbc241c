"""The whole state of a run in one file, so that it goes on with the same bits after any interruption."""

import json
import os

from .. import get_rng_state, set_rng_state
from ..errors import ArgumentError
from .history import History

FORMAT = 1


class Saved:
    """Saves and restores everything that decides how training goes on: weights, moments, schedules, averages, the best
    weights so far, the history, and the state of all random generators that are known.

    Arguments:
        path: of the file, written all or nothing.
        parts: {name: object with state_dict() and load_state_dict()}.
        generators: random generators of NumPy or of udlfast that data or augmentation draw from, always in one order.
        team: the processes that train together. The state is that of the model without its wrapper, so that any number of
            processes can go on from it.
    """

    def __init__(self, path, parts, generators, team):
        self.path, self.parts, self.generators, self.team = os.fspath(path), parts, list(generators), team

    def save(self, epoch, history, best_loss, best_state):
        """Write the state after `epoch` epochs: the first process does, with what the others bring."""
        from .. import save

        for part in self.parts.values():
            if hasattr(part, "consolidate_state_dict"):
                part.consolidate_state_dict(0)
        if not self.team.first:
            return

        save({"format": FORMAT, "epoch": epoch, "history": json.dumps(history.as_dict()), "best_loss": best_loss,
              "best_state": best_state, "seed": self.team.seed, "random": json.dumps(self._random()), "torch_random": get_rng_state(),
              "parts": {name: part.state_dict() for name, part in self.parts.items()}}, self.path)  # fmt: skip

    def load(self):
        """Restore it; returns (epochs done, history, best loss, best weights or None), or None where there is no file."""
        from .. import load

        source = self.team.read(self.path)
        if source is None:
            return None
        state = load(source)
        if not isinstance(state, dict) or state.get("format") != FORMAT:
            raise ArgumentError(f"fit: {self.path} is not the state of a run; give another checkpoint= or resume=False")
        if set(state["parts"]) != set(self.parts):
            raise ArgumentError(f"fit: {self.path} was written by a run with {', '.join(state['parts'])}; "
                                f"this one has {', '.join(self.parts)}")  # fmt: skip
        for name, part in self.parts.items():
            part.load_state_dict(state["parts"][name])
        self.team.seed = state.get("seed", self.team.seed)
        self._set_random(json.loads(state["random"]))
        set_rng_state(state["torch_random"])
        return state["epoch"], History.from_dict(json.loads(state["history"])), state["best_loss"], state["best_state"]

    def _random(self):
        import random

        import numpy as np

        kind, keys, *rest = np.random.get_state(legacy=True)
        own = []
        for g in self.generators:
            if hasattr(g, "bit_generator"):
                own.append(_plain(g.bit_generator.state))
            else:
                own.append(g.get_state().tolist())
        return {"numpy": [kind, keys.tolist(), *rest], "python": random.getstate(), "own": own}

    def _set_random(self, state):
        import random

        import numpy as np

        np.random.set_state(tuple(state["numpy"]))
        version, inner, gauss = state["python"]
        random.setstate((version, tuple(inner), gauss))
        if len(state["own"]) != len(self.generators):
            raise ArgumentError(f"fit: {self.path} holds {len(state['own'])} random generators; got {len(self.generators)}")
        for g, saved in zip(self.generators, state["own"], strict=True):
            if hasattr(g, "bit_generator"):
                g.bit_generator.state = saved
            else:
                from .. import tensor

                g.set_state(tensor(saved, dtype=g.get_state().dtype))


def _plain(value):
    """A bit generator's state without NumPy's types."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return value.tolist() if hasattr(value, "tolist") else value
