"""Chapter 19: a small policy gradient: REINFORCE with a baseline keeps a pole upright on a cart.

    pip install 'udlfast[train]' && python examples/ch19_policy_gradient.py

Thirty-two carts at a time, in NumPy; an episode ends when the pole leans by 12 degrees, the cart leaves the track, or after 200 steps.
Each action's log-probability is weighed by the reward that followed it less what the value network expected. Prints the mean length of
the episodes. The picture: it over the updates.
"""
import argparse

import numpy as np

import udlfast as torch
from udlfast import nn
from udlfast.train.plots import new_figure

LIMIT = 200


def move(s: np.ndarray, right: np.ndarray) -> np.ndarray:
    """One step of 0.02 s: position, speed, angle and turning of each cart, pushed with 10 N to one side (Barto et al. 1983)."""
    _, v, angle, turn = s.T
    sin, cos, force = np.sin(angle), np.cos(angle), np.where(right, 10.0, -10.0)
    pull = (force + 0.05 * turn**2 * sin) / 1.1
    bend = (9.8 * sin - cos * pull) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
    new: np.ndarray = s + 0.02 * np.stack([v, pull - 0.05 * bend * cos / 1.1, turn, bend], 1)
    return new


def episodes(policy: nn.Module, count: int, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, float]:
    """States, actions and discounted rewards to come of `count` episodes, and their mean length."""
    s, alive = rng.uniform(-0.05, 0.05, (count, 4)), np.ones(count, bool)
    states, actions, lives = [], [], []
    for _ in range(LIMIT):
        with torch.no_grad():
            p = torch.softmax(policy(torch.tensor(s, dtype=torch.float32)), 1)[:, 1].numpy()
        action = rng.random(count) < p
        states.append(s)
        actions.append(action)
        lives.append(alive)
        s = np.where(alive[:, None], move(s, action), s)
        alive = alive & (np.abs(s[:, 0]) < 2.4) & (np.abs(s[:, 2]) < np.deg2rad(12))
        if not alive.any():
            break
    life, to_come = np.stack(lives), np.zeros((len(lives) + 1, count))
    for t in reversed(range(len(lives))):
        to_come[t] = life[t] * (1 + 0.98 * to_come[t + 1])
    return (torch.tensor(np.stack(states)[life], dtype=torch.float32), torch.tensor(np.stack(actions)[life]).long(),
            torch.tensor(to_come[:-1][life], dtype=torch.float32), float(life.sum() / count))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--updates", type=int, default=100)
    parser.add_argument("--quick", action="store_true", help="three updates")
    parser.add_argument("--out", default="ch19_policy_gradient.png")
    options = parser.parse_args()
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    policy, value = (nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, n)) for n in (2, 1))
    adam = torch.optim.Adam([*policy.parameters(), *value.parameters()], lr=1e-2)
    lengths = []
    for update in range(3 if options.quick else options.updates):
        states, actions, to_come, length = episodes(policy, 32, rng)
        lengths.append(length)
        expected = value(states)[:, 0]
        advantage = (to_come - expected).detach()
        advantage = advantage / (advantage.std() + 1e-6)
        chosen = torch.log_softmax(policy(states), 1).gather(1, actions.unsqueeze(1))[:, 0]
        loss = -(advantage * chosen).mean() + 0.005 * ((to_come - expected) ** 2).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        if update % 10 == 9:
            print(f"update {update + 1:3d}: {np.mean(lengths[-10:]):5.1f} steps upright", flush=True)
    print(f"last update: {lengths[-1]:.1f} of {LIMIT} steps upright")
    figure = new_figure(figsize=(5, 3), dpi=90, layout="constrained")
    ax = figure.subplots()
    ax.plot(range(1, len(lengths) + 1), lengths)
    ax.set(xlabel="update", ylabel="steps upright", ylim=(0, LIMIT * 1.05))
    figure.savefig(options.out)


if __name__ == "__main__":
    main()
