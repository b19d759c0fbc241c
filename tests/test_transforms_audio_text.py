"""Transforms of sounds and sentences: what they do to known ones, their seeds, and what they refuse."""

import sys

import numpy as np
import pytest

import udlfast as torch
from udlfast.data.transforms import audio as A
from udlfast.data.transforms import text as X

RATE = 16000
TONE = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)


def pitch(sound):
    """The frequency of the strongest line."""
    return np.abs(np.fft.rfft(sound * np.hanning(len(sound)))).argmax() * RATE / len(sound)


def decibels(x):
    return 10 * np.log10((np.asarray(x, float) ** 2).mean())


def test_gain_and_noise_have_the_drawn_strength():
    x = np.stack([TONE] * 200)
    gains = np.array([decibels(y) for y in A.Gain(-6, 3, seed=0)(x)]) - decibels(TONE)
    assert -6 <= gains.min() < -5.5 and 2.5 < gains.max() <= 3.001
    quiet = np.array([decibels(y) for y in A.AddGaussianSNR(10, 20, seed=0)(x) - x]) - decibels(TONE)
    assert -20.2 < quiet.min() < -19 and -11 < quiet.max() < -9.8
    size = (A.AddGaussianNoise(0.1, 0.2, seed=0)(x) - x).std(1)
    assert 0.098 < size.min() < 0.11 and 0.19 < size.max() < 0.203
    assert not A.AddGaussianSNR(seed=0)(np.zeros((2, 50), np.float32)).any()


def test_shift_moves_and_brings_in_silence():
    x = np.arange(1, 11, dtype=np.float32)
    assert np.array_equal(A.Shift(0.2, 0.2)(x), np.roll(x, 2))
    assert np.array_equal(A.Shift(-0.3, -0.3, rollover=False)(x), [4, 5, 6, 7, 8, 9, 10, 0, 0, 0])


@pytest.mark.slow  # librosa compiles itself on first use
def test_pitch_and_tempo_change_one_without_the_other():
    pytest.importorskip("librosa")
    higher = A.PitchShift(RATE, 12, 12)(TONE)
    assert higher.shape == TONE.shape and abs(pitch(higher[2000:-2000]) - 880) < 15
    pulses = TONE * (np.arange(RATE) < RATE // 2)
    faster = A.TimeStretch(2, 2, leave_length_unchanged=False)(pulses)
    assert abs(len(faster) - RATE // 2) < 2 and abs(pitch(faster[:RATE // 5]) - 440) < 12
    kept = A.TimeStretch(2, 2)(pulses)
    assert len(kept) == RATE and decibels(kept[:RATE // 5]) > -6 and decibels(kept[RATE // 2:] + 1e-9) < -60
    pair = A.PitchShift(RATE, seed=0)(np.stack([TONE, TONE]))
    assert not np.array_equal(*pair) and np.array_equal(pair, A.PitchShift(RATE, seed=0)(np.stack([TONE, TONE])))


def test_librosa_is_asked_for_by_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "librosa", None)
    with pytest.raises(ImportError, match=r"udlfast\[audio\]"):
        A.PitchShift(RATE)


def test_spec_augment_masks_bands():
    x = np.random.default_rng(0).uniform(1, 2, (300, 16, 40)).astype(np.float32)
    y = A.SpecAugment(1, 10, 0, 0, zero_masking=True, seed=0)(x)
    frames = (y == 0).all(1)
    assert np.array_equal(frames, (y == 0).any(1)), "a frame is hidden as a whole"
    widths = frames.sum(1)
    assert set(widths) == set(range(11)) and all((np.diff(f.astype(int)) == 1).sum() <= 1 for f in frames)
    assert frames[:, 0].any() and frames[:, -1].any()
    bands = (A.FrequencyMasking(5, iid_masks=True, seed=0)(x) == 0).all(2).sum(1)
    assert set(bands) == set(range(6))
    assert (A.SpecAugment(1, 40, 0, 0, p=0.25, zero_masking=True, seed=0)(x) == 0).all(1).sum(1).max() == 10
    same = A.TimeMasking(10, seed=1)(x) == 0
    assert (same == same[0]).all() and not (frames == frames[0]).all()
    meant = A.SpecAugment(2, 10, 2, 5, seed=0)(x[0])
    assert np.allclose(meant[meant != x[0]], x[0].mean()) and (meant != x[0]).any()


@pytest.mark.parametrize("make", [lambda s: A.Gain(seed=s), lambda s: A.AddGaussianSNR(seed=s), lambda s: A.Shift(p=0.5, seed=s),
                                  lambda s: A.SpecAugment(1, 9, 1, 4, seed=s)])  # fmt: skip
def test_sounds_keep_kind_and_shape_and_seed(make):
    x = torch.rand(3, 4, 10, 20)
    y = make(1)(x)
    assert isinstance(y, torch.Tensor) and y.shape == x.shape and torch.equal(y, make(1)(x)) and not torch.equal(y, make(2)(x))
    assert np.array_equal(make(1)(x.numpy()), y.numpy()) and make(1)(x.numpy().astype(float)).dtype == np.float64
    torch.manual_seed(0)
    first = make(None)(x)
    torch.manual_seed(0)
    assert torch.equal(first, make(None)(x)) and make(1)(x[:0]).shape == (0, 4, 10, 20)


THESAURUS = {"good": ["fine", "great"], "day": ["date"], "house": "home"}


def test_synonyms_keep_capitals_and_what_stands_between():
    change = X.SynonymReplacement(THESAURUS, p=1, seed=0)
    made = {change("Good day, HOUSE! (no) day-long") for _ in range(30)}
    assert made == {"Fine date, HOME! (no) day-long", "Great date, HOME! (no) day-long"}
    assert X.SynonymReplacement(lambda w: ["x"] if w == "a" else None, 1)(["a", "b"]) == ["x", "b"]
    words = ["good"] * 2000
    assert 0.17 < np.mean([w != "good" for w in X.SynonymReplacement(THESAURUS, 0.2, seed=0)(words)]) < 0.23
    assert X.SynonymReplacement({"a": ["a"]}, 1)("a a") == "a a"


def test_insertion_deletion_and_swap():
    assert X.RandomInsertion({"day": ["date"]}, 1)("Nice day.") == "Nice date day date."
    assert X.RandomInsertion(THESAURUS, 1)("no word known") == "no word known"
    left = X.RandomDeletion(0.3, seed=0)([str(k) for k in range(2000)])
    assert 1300 < len(left) < 1500 and left == sorted(left, key=int)
    assert len(X.RandomDeletion(1, seed=0)("one two, three").split()) == 1 and X.RandomDeletion(1)("") == ""
    made = {X.RandomDeletion(0.5, seed=k)("a b, c.") for k in range(40)}
    assert made <= {"a b, c.", "b, c.", "a, c.", "a b.", "a.", "b.", "c.", "a b,.", "a,.", "b,.", ", c."}, made
    swapped = X.RandomSwap(3, seed=1)("one two three four")
    assert sorted(swapped.split()) == ["four", "one", "three", "two"] and swapped != "one two three four"
    words = ["a", "b", "c"]
    assert X.RandomSwap(1, seed=0)(words) != words == ["a", "b", "c"] and X.RandomSwap(2)("one") == "one"


def test_back_translation_goes_there_and_back():
    there = {"a big house": "ein grosses Haus"}
    change = X.BackTranslation(there.__getitem__, lambda s: {"ein grosses Haus": "a large house"}[s])
    assert change("a big house") == "a large house"
    assert X.BackTranslation(str.upper, str, p=0)("a") == "a"
    share = np.mean([c == "A" for c in map(X.BackTranslation(str.upper, str, 0.3, seed=0), "a" * 1000)])
    assert 0.25 < share < 0.35
    with pytest.raises(TypeError, match="NoneType"):
        X.BackTranslation(str, lambda s: None)("a")


def test_seeds_of_sentences():
    text = "good day to a good house " * 5
    for make in (lambda s: X.SynonymReplacement(THESAURUS, 0.5, seed=s), lambda s: X.RandomDeletion(0.5, seed=s),
                 lambda s: X.RandomSwap(4, seed=s)):
        change = make(3)
        first = change(text)
        assert first == make(3)(text) != change(text)
        torch.manual_seed(1)
        one = make(None)(text)
        torch.manual_seed(1)
        assert one == make(None)(text)


@pytest.mark.parametrize("make, error, text", [
    (lambda: A.Gain(3, -3), ValueError, "low <= high"), (lambda: A.Gain()(np.zeros(3, int)), TypeError, "int64"),
    (lambda: A.Gain()([0.0]), TypeError, "list"), (lambda: A.SpecAugment(1, -1, 0, 0), ValueError, "negative"),
    (lambda: A.TimeMasking(3)(np.zeros(3, np.float32)), ValueError, "spectrogram"), (lambda: A.Shift(p=2), ValueError, "probability"),
    (lambda: X.SynonymReplacement(3), TypeError, "thesaurus|dictionary"), (lambda: X.RandomDeletion(-1), ValueError, "probability"),
    (lambda: X.RandomSwap(-1), ValueError, "negative"), (lambda: X.RandomSwap()(3), TypeError, "string"),
    (lambda: X.BackTranslation(1, 2), TypeError, "functions"), (lambda: X.BackTranslation(str, str)(["a"]), TypeError, "string"),
])  # fmt: skip
def test_bad_sounds_and_sentences_are_refused(make, error, text):
    with pytest.raises(error, match=text):
        make()
