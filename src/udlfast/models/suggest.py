"""The selection guide: which family of networks fits the data, and why."""

import numpy as np

KINDS = ("tabular", "image", "text", "sequence", "graph")
# examples: below FEW augmentation or pretrained weights help; above MANY attention does without the assumptions of convolution
FEW, MANY = 10_000, 1_000_000
SMALL = 64  # pixels: images up to this size are trained on as they are
LARGE_GRAPH = 100_000  # nodes that one step over the whole graph is still for


class Suggestion:
    """What `suggest` says.

    kind: of the data. family: the name of the class in udlfast.models (or "scikit-learn: ..."). why: sentences. code: a line that makes the
    model for this data (`model` in it). others: {family: when to take it instead}. compared: of a table, what
    `train.compare_tabular` measured, else None.
    """

    def __init__(self, kind, family, code, why, others, compared=None):
        self.kind, self.family, self.code, self.why, self.others, self.compared = kind, family, code, list(why), dict(others), compared

    def report(self):
        """All of it in a few lines."""
        lines = [f"{self.kind} data: {self.family}", f"    {self.code}", *(f"- {sentence}" for sentence in self.why)]
        if self.compared is not None:
            lines += ["", *self.compared.report().split("\n")]
        return "\n".join([*lines, *(f"or {family}: {when}" for family, when in self.others.items())])

    def __repr__(self):
        return f"Suggestion({self.kind}: {self.family})"


def suggest(data, y=None, *, kind=None, generate=False, compare=True, **options):
    """Which family of networks fits `data`, and why: the book's selection guide.

    Arguments:
        data: examples as a tensor or array: a table [N, D], sequences [N, C, L] or rows of word numbers [N, L] (whole numbers), images
            [N, C, H, W]; a list of strings, or of arrays of different lengths [L, C]; a `Graph` or `GraphData`.
        y: labels or numbers to predict [N], or None. kind: "tabular", "image", "text", "sequence" or "graph", where the form does
            not tell. generate: whether new examples are wanted, not predictions.
        compare: for a table with y: measure, by cross-validation, a perceptron against gradient boosting; options: of
            `train.compare_tabular` (folds, seed, epochs).

    Returns: a Suggestion; `print(suggestion.report())`.
    Raises: TypeError or ValueError for data of no known form; ImportError without scikit-learn where it would compare.

    Example:
        >>> import udlfast as torch
        >>> found = suggest(torch.zeros(500, 1, 28, 28), torch.arange(500) % 10)
        >>> found.kind, found.family
        ('image', 'LeNet')
        >>> suggest(torch.zeros(500, 1, 28, 28), generate=True).family
        'Diffusion'

    Source: Understanding Deep Learning, chapters 4, 10 to 18 (what each family assumes about its data).
    """
    if kind is not None and kind not in KINDS:
        raise ValueError(f"suggest: unknown kind {kind!r}; known: {', '.join(KINDS)}")
    if kind == "graph" or hasattr(data, "edges"):
        return _graph(data, y)
    known, shape = kind_and_shape(data)
    kind = kind or known
    if len(shape) < {"image": 4, "sequence": 2, "tabular": 2, "text": 1}[kind]:
        raise ValueError(f"suggest: data of shape {list(shape)} is not {kind} data")
    if generate:
        return _generation(kind, shape)
    outputs = _outputs(y, shape[0])
    if kind == "tabular":
        return _tabular(data, y, shape, outputs, compare, options)
    return {"image": _image, "text": _text, "sequence": _sequence}[kind](data, shape, outputs)


def kind_and_shape(data):
    """("image", (N, C, H, W)) and the like; None stands for lengths that differ."""
    if isinstance(data, (list, tuple)) and len(data):
        if all(isinstance(d, str) for d in data):
            return "text", (len(data), None)
        shapes = {tuple(getattr(d, "shape", ())) for d in data}
        if () in shapes or len({s[1:] for s in shapes}) > 1:
            raise TypeError("suggest: a list must hold strings, or arrays [length, channels]; give a table as one array [N, D]")
        return "sequence", (len(data), *(next(iter(shapes))[1:] or (1,)), None)
    if not hasattr(data, "shape") or not hasattr(data, "dtype"):
        raise TypeError(f"suggest: expected a tensor, an array, a list or a graph, got {type(data).__name__}")
    shape, whole = tuple(data.shape), str(data.dtype).rpartition(".")[2] in ("int32", "int64")
    if not 2 <= len(shape) <= 4:
        raise ValueError(f"suggest: expected [N, D], [N, C, L] or [N, C, H, W], got {list(shape)}")
    if len(shape) == 2:
        return ("text" if whole else "tabular"), shape
    return ("sequence" if len(shape) == 3 else "image"), shape


def _outputs(y, n):
    """How many numbers the network gives: classes, or 1."""
    if y is None:
        return 1
    y = y.detach().numpy() if hasattr(y, "detach") else np.asarray(y)
    if len(y) != n:
        raise ValueError(f"suggest: {n} examples, but {len(y)} targets")
    return len(np.unique(y)) if y.dtype.kind != "f" else int(np.prod(y.shape[1:]))


def _tabular(data, y, shape, outputs, compare, options):
    n, features = shape
    code = f"model = models.MLP(({features}, 128, 128, {outputs}), dropout=0.1)"
    why = ["columns have no order, no neighbourhood and scales of their own: a network cannot share weights between them",
           "boosted trees split one column at a time, which fits such data; perceptrons catch up with more rows and smooth relations"]
    others = {"MLP": "as a part of a larger network, or to be trained on from new data"}
    if y is None or not compare:
        others = {"MLP": "when the two are equal on your rows: train.compare_tabular(x, y) measures it"}
        return Suggestion("tabular", "scikit-learn: gradient boosting", code, why, others)
    from ..train import compare_tabular

    found = compare_tabular(data, y, **options)
    if found.better == "MLP":
        return Suggestion("tabular", "MLP", code, [*why, "on these rows the perceptron is clearly better"],
                          {"scikit-learn: gradient boosting": "for a model that trains without a choice of rate and width"}, found)
    last = "on these rows boosting is clearly better" if found.better else "on these rows neither is clearly better: take the simpler one"
    return Suggestion("tabular", "scikit-learn: gradient boosting", code, [*why, last], others, found)


def _image(data, shape, outputs):
    n, channels, height, width = shape
    why = ["a thing looks the same wherever it stands in an image: convolution shares its weights over places (chapter 10)"]
    others = {}
    if max(height, width) > SMALL:
        family = "resnet18" if n < FEW else "resnet50"
        code = f"model = models.{family}(num_classes={outputs})"
        why.append("residual connections keep deep networks trainable (chapter 11)")
        if n < FEW:
            why.append(f"{n} images are few for {height}x{width} pixels: start from pretrained weights, and augment (data.transforms)")
        others["vit_b_16"] = "with a million images or pretrained weights"
        if n >= MANY:
            family, code = "vit_b_16", f"model = models.vit_b_16(num_classes={outputs})"
            why.append(f"with {n} images attention learns what convolution assumes, and more (chapter 12)")
            others = {"resnet50": "when training time counts"}
        if channels != 3:
            code = f"model = models.build({family if family != 'vit_b_16' else 'resnet50'!r}, {tuple(shape[1:])}, {outputs})"
        return Suggestion("image", family, code, why, others)
    if n < 1000 or min(height, width) < 8 or channels == 1 and n < FEW:
        family, code = "LeNet", f"model = models.LeNet({channels}, ({height}, {width}), {outputs})"
        why.append(f"{n} small images are enough for a few filters; augment them (data.transforms)")
        others["ResNet"] = "when LeNet underfits"
        if min(height, width) < 4:
            family, code = "MLP", f"model = models.MLP(({channels * height * width}, 128, {outputs}))"
            why, others = ["images of so few pixels have no neighbourhoods to speak of"], {}
    else:
        family, code = "ResNet", f"model = models.ResNet({channels}, {outputs}, widths=(16, 32, 64), blocks=2)"
        why.append("residual connections keep deep networks trainable (chapter 11)")
        others["LeNet"] = "for a first run in a minute"
    others["UNet"] = "when each pixel gets an answer (segmentation)"
    return Suggestion("image", family, code, why, others)


def _text(data, shape, outputs):
    n = shape[0]
    why = ["what a word means depends on words anywhere in the text: attention connects them all in one step (chapter 12)"]
    if n < 1000 and isinstance(data, (list, tuple)):
        why.append(f"{n} texts are too few to learn a language from: take sentence vectors of pretrained weights, and a linear layer")
        code = f"model = nn.Linear(384, {outputs})  # on the vectors of models.SentenceEncoder"
        return Suggestion("text", "SentenceEncoder", code, why, {"Bert": "trained on, from pretrained weights, with some thousand texts"})
    why.append("start from pretrained weights where there are any for the language; from nothing only with very many texts")
    words = 30522 if isinstance(data, (list, tuple)) else int(data.max()) + 1 if n and shape[1] else 1
    code = f"model = models.Bert({words}, 128, 4, 4, 512)  # and nn.Linear(128, {outputs}) on models.mean_pooling of its output"
    return Suggestion("text", "Bert", code, why, {"GPT2": "when text is to be written", "T5": "when text is to be turned into text",
                                                  "an LSTM (nn.LSTM)": "with little memory, one word after the other"})  # fmt: skip


def _sequence(data, shape, outputs):
    n, channels, length = shape if len(shape) == 3 else (shape[0], 1, shape[1])
    if length is None:
        why = ["lengths differ: a recurrent network takes them one step after the other (nn.utils.rnn.pack_sequence)",
               "its gates keep what matters over many steps"]
        code = f"model = nn.LSTM({channels}, 128, batch_first=True)"
        return Suggestion("sequence", "LSTM", code, why, {"a transformer (nn.TransformerEncoder)": "with many examples, padded and masked"})
    why = ["a pattern means the same wherever it stands in the sequence: convolution shares its weights over time (chapter 10)"]
    if n < FEW:
        why.append(f"{n} sequences are few for attention, which assumes nothing about order")
    code = f"model = models.ResNet({channels}, {outputs}, dims=1, widths=(32, 64, 128))"
    others = {"an LSTM (nn.LSTM)": "when values come one at a time, or lengths differ",
              "a transformer (nn.TransformerEncoder)": "when far places depend on each other and examples are many"}
    return Suggestion("sequence", "ResNet", code, why, others)


def _graph(data, y):
    if not hasattr(data, "edges"):
        raise TypeError(f"suggest: a graph is a models.Graph or a data.GraphData, got {type(data).__name__}")
    edges = data.edges() if callable(data.edges) else data.edges
    edges = np.asarray(edges.numpy() if hasattr(edges, "numpy") else edges)
    y, nodes, features = getattr(data, "y", None) if y is None else y, data.nodes, getattr(data, "x", None)
    inputs, outputs = (features.shape[1] if features is not None else 16), _outputs(y, nodes)
    why = ["nodes are known by their neighbours, in no order: weights are shared over all edges (chapter 13)"]
    others = {"GAT": "when some neighbours count more than others"}
    alike = None
    if y is not None and edges.shape[1]:
        labels = np.asarray(y.numpy() if hasattr(y, "numpy") else y)
        alike = float((labels[edges[0]] == labels[edges[1]]).mean())
        chance = float(((np.unique(labels, return_counts=True)[1] / len(labels)) ** 2).sum())
        why.append(f"{100 * alike:.0f} % of the edges join nodes of one label (by chance {100 * chance:.0f} %)")
    if nodes > LARGE_GRAPH:
        family = "GraphSAGE"
        why.append(f"{nodes} nodes are many for a step over the whole graph: train on samples of neighbours (models.sample_neighbours)")
    elif alike is not None and alike < (1 + chance) / 2:
        family = "GraphSAGE"
        why.append("neighbours often differ: GraphSAGE keeps a node's own features apart from its neighbours', which GCN averages away")
        others["MLP"] = "on the features alone, to see whether edges help at all"
    else:
        family = "GCN"
        why.append("the mean of like neighbours takes noise away; GCN is the simplest network that does it")
        others["GraphSAGE"] = "when nodes are added later, or the graph is too large for one step"
    return Suggestion("graph", family, f"model = models.{family}(({inputs}, 64, {outputs}))", why, others)


def _generation(kind, shape):
    if kind == "text":
        return Suggestion("text", "GPT2", "model = models.GPT2(256, n_positions=256, n_embd=128, n_layer=4, n_head=4)",
                          ["text is written one word after the other, each given those before (chapter 12)"],
                          {"T5": "when it answers another text"})  # fmt: skip
    if kind != "image":
        size = int(np.prod([s for s in shape[1:] if s]))
        why = ["a flow gives the density itself, so that its samples and its likelihood can be checked (chapter 16)"]
        others = {"VAE": "when few hidden numbers explain the data", "Diffusion": "with a network of your own, when samples count most"}
        return Suggestion(kind, "Flow", f"model = models.Flow({size})", why, others)
    channels, height, width = shape[1:]
    if height % 4 or width % 4:
        why = ["the convolutional generators here need sides that are multiples of 4 (data.transforms.Pad); a VAE does not"]
        return Suggestion("image", "VAE", f"model = models.VAE({tuple(shape[1:])})", why, {"Diffusion": "after padding"})
    why = ["diffusion models make the best images and train stably, one noise level at a time; sampling takes many steps (chapter 18)"]
    code = f"model = models.Diffusion(models.DiffusionUNet({channels}, widths=(32, 64)), ({channels}, {height}, {width}), steps=200)"
    others = {"GAN": "when a sample must take one step; training is less stable", "Flow": "when the likelihood is wanted",
              "VAE": "when a code of each image is wanted; samples are smooth"}  # fmt: skip
    return Suggestion("image", "Diffusion", code, why, others)
