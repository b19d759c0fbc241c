"""What the doctor found, for the terminal and as a page."""

import base64
import html
import io

REMEDIES = {  # in this order: causes before what they cause
    "non-finite numbers": ("clip gradients (clip=1.0)", "lower the step size", "look for the log of 0 or a division by 0 where they begin"),
    "data leakage": ("split before augmenting or drawing with replacement", "remove the shared rows from one part"),
    "wrong loss for the output": (
        "give cross_entropy and binary_cross_entropy_with_logits the raw scores", "give nll_loss log_softmax(scores)"),
    "evaluation in train mode": ("call model.eval() before measuring and model.train() after", "use train.evaluate"),
    "batch norm sees one number": ("use larger batches, or drop_last=True", "use group or layer normalisation"),
    "unused parameters": ("remove the layer, or use its output in the loss", "look for detach() or no_grad()"),
    "frozen parameters": ("give the optimiser model.parameters()", "set requires_grad where it should learn"),
    "zero gradients": ("do not start two layers in a row at zero", "look for a product with 0 between layer and loss"),
    "unnormalised inputs": ("subtract the mean and divide by the standard deviation of each input, both from the training part",),
    "dead ReLUs": ("lower the step size", "initialise by He's rule with zero biases", "try leaky ReLU or GELU", "normalise layers"),
    "saturated units": ("initialise with smaller weights", "normalise inputs and layers", "use ReLU-like units between layers"),
    "exploding gradients": ("initialise by He's rule", "clip gradients (clip=1.0)", "add normalisation or residual connections"),
    "vanishing gradients": ("initialise by He's rule", "add residual connections and normalisation", "use ReLU-like units, gated cells"),
    "step size too high": ("divide the step size by 3 to 10", "warm up", "see train.lr_find"),
    "labels do not match inputs": (
        "look at some pairs of input and label", "check that both were put in one order", "see train.overfit_one_batch"),
    "step size too low": ("multiply the step size by 3 to 10", "see train.lr_find"),
    "overfitting": ("more data or augmentation", "early stopping (patience=...)", "weight decay, dropout", "a smaller network"),
    "slow convergence": ("a larger step size or a schedule", "Adam or momentum", "normalisation, residual connections", "train longer"),
    "underfitting": ("a larger or deeper network", "less regularisation", "train longer", "better inputs"),
}  # fmt: skip


class Finding:
    """One thing that is wrong: name, evidence (what was measured), where (a layer or None), remedies."""

    def __init__(self, name, evidence, where=None):
        self.name, self.evidence, self.where, self.remedies = name, evidence, where, REMEDIES[name]

    def __repr__(self):
        return f"Finding({self.name!r}{', ' + repr(self.where) if self.where else ''}: {self.evidence})"


class Report:
    """Findings, the likely cause first; print it for the terminal, `to_html(path)` for a page with curves.

    Attributes: findings (empty for a healthy run), measured (what the findings rest on).
    """

    def __init__(self, findings, measured):
        order = list(REMEDIES)
        self.findings = sorted(findings, key=lambda f: order.index(f.name))
        self.measured = measured

    @property
    def names(self):
        """The names of the findings, the likely cause first."""
        return [f.name for f in self.findings]

    def __str__(self):
        if not self.findings:
            return "nothing conspicuous: " + self.measured.headline()
        lines = [self.measured.headline()]
        for i, f in enumerate(self.findings, 1):
            lines.append(f"{i}. {f.name}{f' in {f.where}' if f.where else ''}: {f.evidence}")
            lines += [f"   - {remedy}" for remedy in f.remedies]
        return "\n".join(lines)

    __repr__ = __str__

    def to_html(self, path):
        """Write a page with the findings and, if matplotlib is installed, curves of the run. Returns path."""
        rows = "".join(
            f"<section><h2>{html.escape(f.name)}{' in <code>' + html.escape(f.where) + '</code>' if f.where else ''}</h2>"
            f"<p>{html.escape(f.evidence)}</p><ul>{''.join(f'<li>{html.escape(r)}</li>' for r in f.remedies)}</ul></section>"
            for f in self.findings
        ) or "<p>Nothing conspicuous.</p>"
        page = (
            "<!doctype html><html lang='en'><meta charset='utf-8'><title>Training, examined</title><style>body{font:16px/1.5 system-ui;"
            "max-width:60rem;margin:2rem auto;color:#222}h2{margin-bottom:0;font-size:1.1rem}img{max-width:100%}</style>"
            f"<h1>Training, examined</h1><p>{html.escape(self.measured.headline())}</p>{rows}{self._picture()}</html>"
        )
        with open(path, "w", encoding="utf-8") as file:
            file.write(page)
        return path

    def _picture(self):
        m = self.measured
        if not m.losses:
            return ""
        try:
            from ..plots import INK, MUTED, TRAIN, VALID, new_figure

            figure = new_figure(figsize=(10, 3.4), dpi=110, layout="constrained")
        except ImportError:
            return ""
        left, right = figure.subplots(1, 2)
        left.plot(m.losses, color=TRAIN, lw=1, label="loss of a step")
        per = len(m.losses) / max(len(m.valid), 1)
        if m.valid:
            left.plot([per * (i + 1) for i in range(len(m.valid))], m.valid, "o-", color=VALID, ms=3, label="validation")
        left.set(xlabel="step", ylabel="loss")
        left.legend(frameon=False)
        names = list(m.layers)
        for label, column, color in (("gradient", "gradients", VALID), ("weight", "weights", MUTED), ("change of a step", "updates", INK)):
            values = [m.layers[n].typical(column) for n in names]
            right.semilogy(range(len(names)), [v if v else None for v in values], "o-", ms=3, color=color, label=label)
        right.set(xlabel="layer, from input to output", ylabel="root mean square")
        right.legend(frameon=False)
        for ax in (left, right):
            ax.spines[["top", "right"]].set_visible(False)
        data = io.BytesIO()
        figure.savefig(data, format="png")
        return f"<img alt='loss and size of gradients' src='data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}'>"
