"""Text from a language model, one token after another: greedy, sampled, or with beams."""
import math

from .. import _core
from ..errors import ArgumentError
from ..ops.joining import cat
from ..ops.random import multinomial
from ..ops.softmax import log_softmax, softmax
from ..ops.sort import sort, topk


def generate(model, input_ids, max_new_tokens, *, temperature=None, top_k=None, top_p=None, num_beams=1,
             length_penalty=1.0, eos_token_id=None, pad_token_id=None, use_cache=True, memory=None, memory_mask=None,
             generator=None):
    """Continue each row of input_ids by max_new_tokens tokens.

    Without further options the most probable token is taken each time. p = softmax(logits / temperature), cut to its
    top_k largest, then to the fewest that sum to top_p, is drawn from if any of the three is given. Beam search keeps
    the num_beams continuations of the largest sum of log p (at the end divided by length^length_penalty).

    Args:
        model: model(ids [B, T]) gives logits [B, T, V]. With model.new_cache(batch, length) and model(ids, cache=...,
            last_only=...), as GPT2 has, each token is computed once; the tokens are the same either way.
            model.max_length: how many tokens it can look at; it is given the last ones of a longer text.
        input_ids: [B, T] (T > 0) or [T], int64
        max_new_tokens: how many
        temperature, top_k, top_p: see above; each asks for drawing
        num_beams: 1 = no beams; more cannot be combined with drawing
        length_penalty: above 1 favours long continuations
        eos_token_id: ends a row
        pad_token_id: follows after the end; None: eos_token_id
        use_cache: False computes everything anew for each token
        memory, memory_mask: an encoder's output and its mask, for a model with decode(ids, memory, memory_mask, ...)
        generator: a Generator to draw from; None: the default one
    Returns: [B, T + n] or [T + n], n = max_new_tokens or less when all rows have ended
    Raises: ArgumentError

    >>> import udlfast as torch
    >>> counts = lambda ids: torch.nn.functional.one_hot((ids + 1) % 5, 5).float()  # after k comes k + 1
    >>> generate(counts, torch.tensor([[2]]), 4).tolist()
    [[2, 3, 4, 0, 1]]

    Source: Holtzman et al. 2020 (top-p); Fan et al. 2018 (top-k); Understanding Deep Learning, section 12.7.4.
    """
    drawing = temperature is not None or top_k is not None or top_p is not None
    _check(input_ids, max_new_tokens, temperature, top_k, top_p, num_beams, drawing)
    single = input_ids.ndim == 1
    ids = input_ids.unsqueeze(0) if single else input_ids
    pad = eos_token_id if pad_token_id is None else pad_token_id
    was_training = getattr(model, "training", False)
    if was_training:
        model.eval()
    try:
        with _core.no_grad():
            steps = Steps(model, ids, max_new_tokens, num_beams, use_cache, memory, memory_mask)
            if num_beams > 1:
                out = _beams(steps, ids, max_new_tokens, num_beams, length_penalty, eos_token_id, pad)
            else:
                pick = _drawer(temperature, top_k, top_p, generator) if drawing else lambda x: x.argmax(-1)
                out = _one_by_one(steps, ids, max_new_tokens, pick, eos_token_id, pad)
    finally:
        if was_training:
            model.train()
    return out.squeeze(0) if single else out


class Steps:
    """Logits of the next token, with or without a cache."""

    def __init__(self, model, ids, new, beams, use_cache, memory, memory_mask):
        B, T = ids.shape
        self.run, self.options = model, {}
        if memory is not None:
            self.run = model.decode
            self.options = {"memory": _repeat(memory, beams), "memory_mask": _repeat(memory_mask, beams)}
        self.most = getattr(model, "max_length", None)
        self.cache = None
        if use_cache and hasattr(model, "new_cache"):
            length = T + new if self.most is None else min(T + new, self.most)
            self.cache = model.new_cache(B * beams, length)
            self.options["last_only"] = True

    def __call__(self, ids):
        """[rows, V] after ids [rows, T]"""
        cache, options = self.cache, self.options
        if cache is not None and ids.shape[1] <= cache.length:
            out = self.run(ids.narrow(1, cache.used, ids.shape[1] - cache.used), cache=cache, **options)
        else:  # no cache, or the text has grown out of it: its positions would all move
            T = ids.shape[1]
            keep = T if self.most is None else min(T, self.most)
            out = self.run(ids.narrow(1, T - keep, keep), **options)
        return out.select(1, out.shape[1] - 1)


def _repeat(x, n):
    """Each example n times in a row."""
    return x if x is None or n == 1 else x.repeat_interleave(n, 0)


def _check(ids, new, temperature, top_k, top_p, beams, drawing):
    op = "generate"
    if not isinstance(ids, _core.Tensor) or ids.dtype is not _core.int64 or ids.ndim not in (1, 2) or not ids.shape[-1]:
        got = f"{ids.dtype} {list(ids.shape)}" if isinstance(ids, _core.Tensor) else type(ids).__name__
        raise ArgumentError(f"{op}: expected input_ids [B, T] of int64 with at least one token, got {got}")
    for name, value, fits, needs in (
            ("max_new_tokens", new, new >= 0, "at least 0"),
            ("temperature", temperature, temperature is None or temperature > 0, "above 0 (None: no drawing)"),
            ("top_k", top_k, top_k is None or top_k >= 1, "at least 1"),
            ("top_p", top_p, top_p is None or 0 < top_p <= 1, "above 0 and at most 1"),
            ("num_beams", beams, beams >= 1, "at least 1")):
        if not fits:
            raise ArgumentError(f"{op}: {name} must be {needs}, got {value}")
    if beams > 1 and drawing:
        raise ArgumentError(f"{op}: beams take the best continuations and draw nothing; give num_beams, or temperature, "
                            f"top_k and top_p, not both")


def _drawer(temperature, top_k, top_p, generator):
    """A function from logits [B, V] to drawn tokens [B]"""

    def pick(logits):
        logits = logits.float()
        if temperature is not None:
            logits = logits / temperature
        if top_k is not None and top_k < logits.shape[-1]:
            least = topk(logits, top_k, -1)[0].narrow(-1, top_k - 1, 1)
            logits = logits.masked_fill(logits < least, -math.inf)
        p = softmax(logits, -1)
        if top_p is not None and top_p < 1:
            ranked, order = sort(p, -1, True)
            before = ranked.cumsum(-1) - ranked
            ranked = ranked.masked_fill(before >= top_p, 0.0)  # the first always stays
            p = _core.zeros(tuple(p.shape), dtype=p.dtype).scatter(-1, order, ranked)
        return multinomial(p, 1, generator=generator).squeeze(-1)
    return pick


def _one_by_one(steps, ids, new, pick, eos, pad):
    ended = None
    for _ in range(new):
        token = pick(steps(ids))
        if eos is not None:
            token = token if ended is None else token.masked_fill(ended, pad)
            ended = (token == eos) if ended is None else ended | (token == eos)
        ids = cat((ids, token.unsqueeze(1)), 1)
        if ended is not None and bool(ended.all()):
            break
    return ids


def _beams(steps, ids, new, beams, length_penalty, eos, pad):
    import numpy as np

    B, T = ids.shape
    ids = _repeat(ids, beams)
    score = np.full((B, beams), -np.inf)
    score[:, 0] = 0.0  # all beams of an example start alike: let one of them go on
    done = [[] for _ in range(B)]  # (score, tokens) of ended continuations
    for n in range(1, new + 1):
        log_p = log_softmax(steps(ids).float(), -1).numpy().astype(np.float64)
        V = log_p.shape[-1]
        total = (score[:, :, None] + log_p.reshape(B, beams, V)).reshape(B, beams * V)
        rows, tokens = np.zeros((B, beams), np.int64), np.zeros((B, beams), np.int64)
        best = np.argsort(-total, axis=1, kind="stable")[:, :2 * beams]
        array = ids.numpy()
        for b in range(B):
            kept = 0
            for rank, c in enumerate(best[b]):
                row, token = b * beams + c // V, c % V
                if token == eos:
                    if rank < beams and total[b, c] > -np.inf:
                        done[b].append((total[b, c] / n**length_penalty, [*array[row, T:].tolist(), eos]))
                elif kept < beams:
                    rows[b, kept], tokens[b, kept], score[b, kept] = row, token, total[b, c]
                    kept += 1
            for k in range(kept, beams):  # fewer words than beams
                rows[b, k], tokens[b, k], score[b, k] = b * beams, 0, -np.inf
            done[b] = sorted(done[b], key=lambda d: -d[0])[:beams]
        picked = _core.from_numpy(rows.reshape(-1))
        ids = cat((ids.index_select(0, picked), _core.from_numpy(tokens.reshape(-1, 1))), 1)
        if steps.cache is not None and ids.shape[1] <= steps.cache.length:
            steps.cache.select(picked)
        if eos is not None and all(_settled(done[b], score[b], beams, n, length_penalty) for b in range(B)):
            break
    array, ends = ids.numpy(), []
    for b in range(B):
        rest = [(score[b, k] / max(n if new else 1, 1)**length_penalty, array[b * beams + k, T:].tolist()) for k in range(beams)]
        ends.append(max(done[b] + rest, key=lambda d: d[0])[1])
    longest = max(len(e) for e in ends)
    filled = [[*array[b * beams, :T].tolist(), *e, *[pad] * (longest - len(e))] for b, e in enumerate(ends)]
    return _core.from_numpy(np.array(filled, dtype=np.int64))


def _settled(done, score, beams, n, length_penalty):
    """Can no running continuation become better than the ended ones?"""
    return len(done) >= beams and done[-1][0] >= score.max() / n**length_penalty
