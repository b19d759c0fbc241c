"""Random changes of sounds: waveforms [..., T] of floats, and spectrograms [..., F, T].

Classes on waveforms have audiomentations' names and arguments, masks of spectrograms those of torchaudio. Pitch and tempo are changed by
librosa (extra `[audio]`). Each waveform or spectrogram of a batch gets draws of its own; `seed` is that of `transforms.Transform`.
"""
import numpy as np

from ..._core import from_numpy
from ._base import Randomness, probability, span


class AudioTransform:
    """A change of sounds: call it with a tensor or array of floats [..., T] (masks: [..., F, T]); it gives back what it was given, changed.

    A class of your own defines `change(sounds, rng)`, sounds being an array [N, T] or [N, F, T] that must not be written to.
    """

    axes = 1

    def __init__(self, p=1.0, *, seed=None):
        self.p, self._randomness = probability(type(self).__name__, p), Randomness(seed)

    def __call__(self, x):
        tensor, name = not isinstance(x, np.ndarray), type(self).__name__
        if tensor and not hasattr(x, "numpy"):
            raise TypeError(f"{name}: expected a tensor or an array, got {type(x).__name__}")
        a = x.detach().numpy() if tensor else x
        if a.dtype not in (np.float32, np.float64):
            raise TypeError(f"{name}: expected float32 or float64, got {a.dtype}")
        if a.ndim < self.axes:
            wanted = "a waveform [..., T]" if self.axes == 1 else "a spectrogram [..., F, T]"
            raise ValueError(f"{name}: expected {wanted}, got {list(a.shape)}")
        lead = a.shape[:a.ndim - self.axes]
        sounds, rng = a.reshape(int(np.prod(lead)), *a.shape[a.ndim - self.axes:]), self._randomness.generator()
        chosen = rng.random(len(sounds)) < self.p
        out = sounds.copy()
        if chosen.all() and len(sounds):
            out = self.change(sounds, rng)
        elif chosen.any():
            made = self.change(sounds[chosen], rng)
            if made.shape[1:] != sounds.shape[1:]:
                raise ValueError(f"{name}: the length changes, so that p must be 1 for a batch")
            out[chosen] = made
        out = np.ascontiguousarray(out.astype(a.dtype, copy=False)).reshape(*lead, *out.shape[1:])
        return from_numpy(out) if tensor else out

    def change(self, sounds, rng):
        raise NotImplementedError(f"{type(self).__name__} does not define change(sounds, rng)")

    def __repr__(self):
        shown = {k: v for k, v in vars(self).items() if not k.startswith("_")}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in shown.items())})"


class Gain(AudioTransform):
    """Louder or softer by a number of decibels drawn from min_gain_db to max_gain_db.

    >>> Gain(20, 20)(np.float32([0.25])).tolist()
    [2.5]
    """

    def __init__(self, min_gain_db=-12.0, max_gain_db=12.0, p=1.0, *, seed=None):
        super().__init__(p, seed=seed)
        self.gain_db = span("Gain", (min_gain_db, max_gain_db))

    def change(self, sounds, rng):
        return sounds * (10 ** (rng.uniform(*self.gain_db, (len(sounds), 1)) / 20)).astype(sounds.dtype)


class AddGaussianSNR(AudioTransform):
    """Normal noise, as loud as the sound minus a number of decibels drawn from min_snr_db to max_snr_db; silence stays silent.

    >>> y = AddGaussianSNR(20, 20, seed=0)(np.sin(np.arange(20000, dtype=np.float32)))
    >>> noise = y - np.sin(np.arange(20000, dtype=np.float32))
    >>> round(float(10 * np.log10(0.5 / (noise ** 2).mean())))
    20
    """

    def __init__(self, min_snr_db=5.0, max_snr_db=40.0, p=1.0, *, seed=None):
        super().__init__(p, seed=seed)
        self.snr_db = span("AddGaussianSNR", (min_snr_db, max_snr_db))

    def change(self, sounds, rng):
        loud = np.sqrt((sounds.astype(np.float64) ** 2).mean(1, keepdims=True)) if sounds.shape[1] else 0.0
        size = loud * 10 ** (-rng.uniform(*self.snr_db, (len(sounds), 1)) / 20)
        return sounds + (size * rng.standard_normal(sounds.shape, np.float32)).astype(sounds.dtype)


class AddGaussianNoise(AudioTransform):
    """Normal noise of a deviation drawn from min_amplitude to max_amplitude."""

    def __init__(self, min_amplitude=0.001, max_amplitude=0.015, p=1.0, *, seed=None):
        super().__init__(p, seed=seed)
        self.amplitude = span("AddGaussianNoise", (min_amplitude, max_amplitude), least=0)

    def change(self, sounds, rng):
        size = rng.uniform(*self.amplitude, (len(sounds), 1)).astype(sounds.dtype)
        return sounds + size * rng.standard_normal(sounds.shape, np.float32).astype(sounds.dtype)


class Shift(AudioTransform):
    """Moved in time by a part of the length drawn from min_shift to max_shift; what leaves comes in again (rollover) or is silence."""

    def __init__(self, min_shift=-0.5, max_shift=0.5, rollover=True, p=1.0, *, seed=None):
        super().__init__(p, seed=seed)
        self.shift, self.rollover = span("Shift", (min_shift, max_shift)), rollover

    def change(self, sounds, rng):
        n, length = sounds.shape
        by = np.rint(rng.uniform(*self.shift, (n, 1)) * length).astype(np.int64)
        place = np.arange(length) - by
        moved = np.take_along_axis(sounds, place % max(1, length), 1)
        return moved if self.rollover else np.where((place >= 0) & (place < length), moved, 0)


def _librosa(name):
    try:
        import librosa
    except ImportError as e:
        raise ImportError(f"{name}: librosa is not installed; install it with: pip install 'udlfast[audio]'") from e
    return librosa


class PitchShift(AudioTransform):
    """Higher or lower by a number of semitones drawn from min_semitones to max_semitones, of the same length. Needs librosa.

    sample_rate: samples a second.
    """

    def __init__(self, sample_rate, min_semitones=-4.0, max_semitones=4.0, p=1.0, *, seed=None):
        super().__init__(p, seed=seed)
        if not sample_rate > 0:
            raise ValueError(f"PitchShift: sample_rate must be above 0, got {sample_rate}")
        self.sample_rate, self.semitones = sample_rate, span("PitchShift", (min_semitones, max_semitones))
        self._effects = _librosa("PitchShift").effects

    def change(self, sounds, rng):
        steps = rng.uniform(*self.semitones, len(sounds))
        return np.stack([self._effects.pitch_shift(s, sr=self.sample_rate, n_steps=k) for s, k in zip(sounds, steps)])


class TimeStretch(AudioTransform):
    """Faster or slower by a factor drawn from min_rate to max_rate, at the same pitch. Needs librosa.

    leave_length_unchanged: a longer result is cut, a shorter one gets silence at the end; else only one waveform can be changed at a time.
    """

    def __init__(self, min_rate=0.8, max_rate=1.25, leave_length_unchanged=True, p=1.0, *, seed=None):
        super().__init__(p, seed=seed)
        self.rate, self.leave_length_unchanged = span("TimeStretch", (min_rate, max_rate), least=1e-3), leave_length_unchanged
        self._effects = _librosa("TimeStretch").effects

    def change(self, sounds, rng):
        length, made = sounds.shape[1], []
        if len(sounds) > 1 and not self.leave_length_unchanged:
            raise ValueError("TimeStretch: leave_length_unchanged=False makes waveforms of different lengths; change them one by one")
        for sound, rate in zip(sounds, rng.uniform(*self.rate, len(sounds))):
            y = self._effects.time_stretch(sound, rate=rate)
            if self.leave_length_unchanged:
                y = np.pad(y[:length], (0, max(0, length - len(y))))
            made.append(y)
        return np.stack(made)


class SpecAugment(AudioTransform):
    """Bands of time and of frequency of a spectrogram painted over.

    Each time mask covers t frames, t drawn from 0 to time_mask_param (at most the part p of all); each frequency mask f of 0 to
    freq_mask_param bands. iid_masks: other masks for each spectrogram of a batch. zero_masking: with zeros, else with the mean of the
    spectrogram.

    >>> y = SpecAugment(1, 4, 1, 3, zero_masking=True, seed=3)(np.ones((2, 8, 20), np.float32))
    >>> y.shape, bool((y == 0).any())
    ((2, 8, 20), True)

    Source: Park et al., SpecAugment: a simple data augmentation method for automatic speech recognition, 2019.
    """

    axes = 2

    def __init__(self, n_time_masks, time_mask_param, n_freq_masks, freq_mask_param, iid_masks=True, p=1.0, zero_masking=False, *,
                 seed=None):
        super().__init__(seed=seed)
        if min(n_time_masks, time_mask_param, n_freq_masks, freq_mask_param) < 0:
            raise ValueError(f"{type(self).__name__}: numbers and sizes of masks must not be negative")
        self.n_time_masks, self.time_mask_param, self.part = n_time_masks, time_mask_param, probability("SpecAugment: p", p)
        self.n_freq_masks, self.freq_mask_param = n_freq_masks, freq_mask_param
        self.iid_masks, self.zero_masking = iid_masks, zero_masking

    def change(self, sounds, rng):
        n, bands, frames = sounds.shape
        n = n if self.iid_masks else min(n, 1)
        hidden = np.zeros((n, bands, frames), bool)
        for _ in range(self.n_time_masks):
            hidden |= _band(rng, n, frames, min(self.time_mask_param, int(self.part * frames)))[:, None, :]
        for _ in range(self.n_freq_masks):
            hidden |= _band(rng, n, bands, self.freq_mask_param)[:, :, None]
        fill = 0 if self.zero_masking else sounds.mean((1, 2), keepdims=True)
        return np.where(hidden, np.asarray(fill, sounds.dtype), sounds)


def _band(rng, n, length, most):
    """bool [N, length]: true in a stretch of 0 to `most`, anywhere."""
    size = rng.integers(0, min(most, length) + 1, n)
    start = (rng.random(n) * (length - size + 1)).astype(np.int64)
    place = np.arange(length)
    return (place >= start[:, None]) & (place < (start + size)[:, None])


class TimeMasking(SpecAugment):
    """One stretch of up to time_mask_param frames set to 0 (`SpecAugment`)."""

    def __init__(self, time_mask_param, iid_masks=False, p=1.0, *, seed=None):
        super().__init__(1, time_mask_param, 0, 0, iid_masks, p, True, seed=seed)


class FrequencyMasking(SpecAugment):
    """One stretch of up to freq_mask_param bands set to 0 (`SpecAugment`)."""

    def __init__(self, freq_mask_param, iid_masks=False, *, seed=None):
        super().__init__(0, 0, 1, freq_mask_param, iid_masks, 1.0, True, seed=seed)
