"""What a search found, and which hyperparameter mattered."""

import statistics


class Search:
    """The outcome of `search`.

    best: the hyperparameters of the best trial, with those that were fixed. value: its figure. model: the best of the trainings
    that were repeated with other seeds; repeated: their figures; noise: their standard deviation (None for a single one). trials: a list of
    dicts: stage, params, value (None: pruned or diverged), state, seconds. stages: a list of dicts: name, trials, pruned, before and
    after (the best figure), gain, spread (what a middling choice would have cost: the median of its complete trials against the best).
    study: Optuna's.
    """

    def __init__(self, study, metric, titles, fixed, repeated, model):
        self.study, self.metric, self.repeated, self.model = study, metric, repeated, model
        ended = [t for t in study.get_trials(deepcopy=False) if t.state.name in ("COMPLETE", "PRUNED")]
        self.trials = [{"stage": t.user_attrs.get("stage"), "params": dict(t.params), "state": t.state.name.lower(),
                        "value": t.value if t.state.name == "COMPLETE" else None, "seconds": t.user_attrs.get("seconds")}
                       for t in ended]  # fmt: skip
        complete = [t for t in self.trials if t["value"] is not None]
        best = self._least(complete, key=lambda t: t["value"]) if complete else {"params": {}, "value": None}
        self.best, self.value = {**fixed, **best["params"]}, best["value"]
        self.noise = statistics.stdev(repeated) if len(repeated) > 1 else None
        self.stages = self._stages(titles)

    @property
    def _least(self):
        return min if self.metric == "loss" else max

    def _stages(self, titles):
        rows, so_far = [], None
        for title in titles:
            mine = [t for t in self.trials if t["stage"] == title]
            values = [t["value"] for t in mine if t["value"] is not None]
            before = values[0] if so_far is None and values else so_far
            so_far = self._least([v for v in (so_far, *values) if v is not None], default=None)
            known = before is not None
            rows.append({"name": title, "trials": len(mine), "pruned": len(mine) - len(values), "before": before, "after": so_far,
                         "gain": abs(before - so_far) if known else 0.0,
                         "spread": abs(statistics.median(values) - self._least(values)) if values else 0.0})  # fmt: skip
        return rows

    def matters(self):
        """Names of the stages whose gain is more than twice the noise, the greatest first."""
        limit = 2 * (self.noise or 0.0)
        return [row["name"] for row in sorted(self.stages, key=lambda r: -r["gain"]) if row["gain"] > limit]

    def report(self):
        """A table of the stages in a few lines, and what can be concluded."""
        lines = [f"{'stage':16s} {'trials':>6s} {'pruned':>6s} {'before':>9s} {'after':>9s} {'gain':>9s} {'spread':>9s}"]
        for r in self.stages:
            before, after = (("-" if v is None else f"{v:.4g}") for v in (r["before"], r["after"]))
            lines.append(f"{r['name']:16s} {r['trials']:6d} {r['pruned']:6d} {before:>9s} {after:>9s} {r['gain']:9.3g} {r['spread']:9.3g}")
        shown = ", ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in self.best.items())
        lines.append(f"best: {shown}: validation {self.metric} {self.value:.4g}" if self.value is not None else "no trial ended")
        again = f"the same with {len(self.repeated)} other seeds: {', '.join(f'{v:.4g}' for v in self.repeated)}"
        lines.append(again + (f" (deviation {self.noise:.2g})" if self.noise is not None else ""))
        found = self.matters()
        lines.append(f"what mattered: {', '.join(found)}" if found else "what mattered: nothing beyond chance")
        small = [r["name"] for r in self.stages if r["name"] not in found]
        if small and self.noise is not None:
            lines.append(f"within chance (a gain below twice the deviation): {', '.join(small)}")
        return "\n".join(lines)

    def __repr__(self):
        return f"Search({len(self.trials)} trials, best {self.metric} {self.value})"

    def plot(self, path):
        """Draw each trial's figure, the stages side by side, and the best so far; save the picture as PNG. Returns path."""
        from ..plots import INK, MUTED, TRAIN, VALID, new_figure

        figure = new_figure(figsize=(7, 3.4), dpi=120, layout="constrained")
        ax, so_far, best = figure.subplots(), None, []
        for trial in self.trials:
            so_far = self._least([v for v in (so_far, trial["value"]) if v is not None], default=None)
            best.append(so_far)
        where = [(k + 1, t["value"]) for k, t in enumerate(self.trials) if t["value"] is not None]
        ax.plot(*zip(*where), "o", color=TRAIN, ms=4, label="trial") if where else None
        ax.step([k + 1 for k, b in enumerate(best) if b is not None], [b for b in best if b is not None], color=VALID, lw=2, where="post",
                label="best so far")  # fmt: skip
        at = 0.5
        for row in self.stages:
            if row["trials"]:
                ax.axvline(at, color="#e0e0e0", lw=0.8)
                ax.text(at + 0.2, 1.01, row["name"], transform=ax.get_xaxis_transform(), fontsize=7, color=INK)
                at += row["trials"]
        if where and self.metric == "loss" and min(v for _, v in where) > 0:
            ax.set_yscale("log")
        ax.set(xlabel="trial", ylabel=f"validation {self.metric}")
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(colors=MUTED)
        ax.legend(frameon=False, fontsize=8)
        figure.savefig(path, format="png", metadata={"Software": "udlfast"})
        return path
