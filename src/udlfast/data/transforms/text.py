"""Random changes of sentences: words replaced by synonyms, put in, left out, swapped; and translated there and back.

A sentence is a string, or a list of words (a list is not a batch). Words are runs of letters, digits, apostrophes and hyphens; what stands
between them stays where it is. `seed` is that of `transforms.Transform`.
"""
import re

from ._base import Randomness, probability

WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


class TextTransform:
    """A change of sentences. A class of your own defines `change(words, rng)`, which gives a list of words for a list of words."""

    def __init__(self, *, seed=None):
        self._randomness = Randomness(seed)

    def __call__(self, sentence):
        rng = self._randomness.generator()
        if isinstance(sentence, str):
            words, between = WORD.findall(sentence), WORD.split(sentence)
            return _joined(self.change(words, rng), between)
        if not isinstance(sentence, (list, tuple)) or not all(isinstance(w, str) for w in sentence):
            raise TypeError(f"{type(self).__name__}: expected a string or a list of words, got {type(sentence).__name__}")
        return type(sentence)(w for words in self.change(list(sentence), rng) for w in (words if isinstance(words, list) else [words]))

    def change(self, words, rng):
        """A word may become a list of words (none: it is left out)."""
        raise NotImplementedError(f"{type(self).__name__} does not define change(words, rng)")

    def __repr__(self):
        shown = {k: v for k, v in vars(self).items() if not k.startswith("_") and k != "thesaurus"}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in shown.items())})"


def _joined(words, between):
    """Words put back between what stood around them; a word left out takes the space before it along."""
    text = between[0]
    for word, after in zip(words, between[1:]):
        many = word if isinstance(word, list) else [word]
        if many:
            text += " ".join(many) + after
        elif text.endswith((" ", "\n", "\t")) or not text:
            text = (text + after.lstrip(" ")) if after[:1].isspace() or not text else text.rstrip(" ") + after
        else:
            text += after
    return text


class _Thesaurus(TextTransform):
    def __init__(self, thesaurus, p, seed):
        super().__init__(seed=seed)
        if not callable(thesaurus) and not hasattr(thesaurus, "get"):
            raise TypeError(f"{type(self).__name__}: expected a dictionary from words to synonyms or a function, got "
                            f"{type(thesaurus).__name__}")
        self.thesaurus, self.p = thesaurus, probability(type(self).__name__, p)

    def synonyms(self, word):
        """Those of the word as it stands, else of the word in small letters, written as the word is."""
        look = self.thesaurus if callable(self.thesaurus) else self.thesaurus.get
        found = look(word) or look(word.lower()) or ()
        found = [found] if isinstance(found, str) else list(found)
        style = str.upper if word.isupper() and len(word) > 1 else str.capitalize if word[:1].isupper() else str
        return [style(s) for s in found if s.lower() != word.lower()]


class SynonymReplacement(_Thesaurus):
    """Every word that has synonyms replaced by one of them, with probability p.

    thesaurus: {word: synonyms} or a function word -> synonyms; words in small letters. Capitals are kept.

    >>> SynonymReplacement({"quick": ["fast"]}, p=1)("The Quick brown fox.")
    'The Fast brown fox.'

    Source: Wei and Zou, EDA: easy data augmentation techniques for boosting performance on text classification tasks, 2019.
    """

    def __init__(self, thesaurus, p=0.1, *, seed=None):
        super().__init__(thesaurus, p, seed)

    def change(self, words, rng):
        out = []
        for word in words:
            chosen, found = rng.random() < self.p, self.synonyms(word)
            out.append(found[rng.integers(len(found))] if chosen and found else word)
        return out


class RandomInsertion(_Thesaurus):
    """For every word, with probability p: a synonym of a random word of the sentence is put in after it.

    Source: Wei and Zou 2019.
    """

    def __init__(self, thesaurus, p=0.1, *, seed=None):
        super().__init__(thesaurus, p, seed)

    def change(self, words, rng):
        sources = [s for s in ([w.lower() for w in self.synonyms(word)] for word in words) if s]
        out = []
        for word in words:
            if rng.random() < self.p and sources:
                found = sources[rng.integers(len(sources))]
                out.append([word, found[rng.integers(len(found))]])
            else:
                out.append(word)
        return out


class RandomDeletion(TextTransform):
    """Every word left out with probability p; one is always kept.

    >>> RandomDeletion(p=1, seed=0)(["a", "b", "c"])
    ['a']

    Source: Wei and Zou 2019.
    """

    def __init__(self, p=0.1, *, seed=None):
        super().__init__(seed=seed)
        self.p = probability("RandomDeletion", p)

    def change(self, words, rng):
        kept = rng.random(len(words)) >= self.p
        if len(words) and not kept.any():
            kept[rng.integers(len(words))] = True
        return [word if k else [] for word, k in zip(words, kept)]


class RandomSwap(TextTransform):
    """n times two words of the sentence change places.

    >>> RandomSwap(1, seed=0)("one, two")
    'two, one'

    Source: Wei and Zou 2019.
    """

    def __init__(self, n=1, *, seed=None):
        super().__init__(seed=seed)
        if n < 0:
            raise ValueError(f"RandomSwap: n must not be negative, got {n}")
        self.n = n

    def change(self, words, rng):
        for _ in range(self.n if len(words) > 1 else 0):
            i, j = rng.choice(len(words), 2, replace=False)
            words[i], words[j] = words[j], words[i]
        return words


class BackTranslation:
    """A sentence translated into another language and back, by functions of yours, with probability p.

    forward, backward: functions string -> string (a model, a service). Both may draw random numbers of their own.

    >>> BackTranslation(lambda s: s.replace("big", "gross"), lambda s: s.replace("gross", "large"))("a big house")
    'a large house'

    Source: Sennrich, Haddow and Birch, Improving neural machine translation models with monolingual data, 2016.
    """

    def __init__(self, forward, backward, p=1.0, *, seed=None):
        if not callable(forward) or not callable(backward):
            raise TypeError("BackTranslation: expected two functions from string to string")
        self.forward, self.backward, self.p, self._randomness = forward, backward, probability("BackTranslation", p), Randomness(seed)

    def __call__(self, sentence):
        if not isinstance(sentence, str):
            raise TypeError(f"BackTranslation: expected a string, got {type(sentence).__name__}")
        if self._randomness.generator().random() >= self.p:
            return sentence
        result = self.backward(self.forward(sentence))
        if not isinstance(result, str):
            raise TypeError(f"BackTranslation: backward gave {type(result).__name__}, not a string")
        return result
