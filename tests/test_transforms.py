"""Transforms of images: what they compute, against Pillow and against udlfast's own sampling; what they draw, and from which seeds."""

import numpy as np
import pytest

import udlfast as torch
from udlfast.data import transforms as T
from udlfast.data.transforms import functional as F
from udlfast.utils.data import DataLoader, Dataset

Image = pytest.importorskip("PIL.Image")
ImageEnhance, ImageOps = pytest.importorskip("PIL.ImageEnhance"), pytest.importorskip("PIL.ImageOps")


def photo(height=37, width=50, channels=3):
    """Smooth bytes with some noise."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[:height, :width]
    a = np.stack([127 + 80 * np.sin(x / (5 + 3 * k)) * np.cos(y / (4 + k)) for k in range(channels)], -1)
    return np.clip(a + rng.normal(0, 12, a.shape), 0, 255).astype(np.uint8)


PHOTO = photo()
PIL = Image.fromarray(PHOTO)
CHW = np.ascontiguousarray(PHOTO.transpose(2, 0, 1))


def chw(image):
    return np.asarray(image).transpose(2, 0, 1).astype(int)


ENHANCED = {
    "brightness": (F.adjust_brightness, ImageEnhance.Brightness, 1), "saturation": (F.adjust_saturation, ImageEnhance.Color, 1),
    "contrast": (F.adjust_contrast, ImageEnhance.Contrast, 1), "sharpness": (F.adjust_sharpness, ImageEnhance.Sharpness, 1),
}  # fmt: skip


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.0, 1.7])
@pytest.mark.parametrize("name", ENHANCED)
def test_colours_are_those_of_pillow(name, factor):
    """Up to one level: Pillow rounds greys, means and smoothed colours to bytes before it blends."""
    ours, theirs, within = ENHANCED[name]
    got = ours(CHW, factor).astype(int)
    assert np.abs(got - chw(theirs(PIL).enhance(factor))).max() <= within * max(1, factor)
    real = ours(CHW / np.float32(255), factor)
    assert real.dtype == np.float32 and np.abs(real * 255 - got).max() < 2


def test_operations_on_bytes_are_those_of_pillow_exactly():
    for ours, theirs in (
        (F.invert(CHW), ImageOps.invert(PIL)), (F.posterize(CHW, 3), ImageOps.posterize(PIL, 3)),
        (F.solarize(CHW, 100), ImageOps.solarize(PIL, 100)),
        (F.equalize(CHW), ImageOps.equalize(PIL)), (F.hflip(CHW), ImageOps.mirror(PIL)), (F.vflip(CHW), ImageOps.flip(PIL)),
        (F.rotate(CHW, 90, expand=True), PIL.rotate(90, expand=True)), (F.crop(CHW, 3, -2, 20, 60), PIL.crop((-2, 3, 58, 23))),
    ):  # fmt: skip
        assert ours.dtype == np.uint8 and np.array_equal(ours, chw(theirs))
    assert np.abs(F.autocontrast(CHW).astype(int) - chw(ImageOps.autocontrast(PIL))).max() <= 1
    assert np.abs(F.rgb_to_grayscale(CHW).astype(int) - np.asarray(PIL.convert("L")).astype(int)).max() <= 1
    assert np.array_equal(F.pad(CHW, (1, 2, 3, 4), fill=9), chw(ImageOps.expand(PIL, (1, 2, 3, 4), (9, 9, 9))))


@pytest.mark.parametrize("shift", [-0.5, -0.2, 0.1, 0.45])
def test_hue_turns_the_wheel(shift):
    import colorsys

    whole = np.random.default_rng(0).integers(0, 256, (3, 8, 9)).astype(np.uint8)
    x = whole / np.float32(255)
    whole[:, 0, 0], x[:, 0, 0] = 77, 77 / 255  # a grey has no hue
    want = np.array([[colorsys.hsv_to_rgb((h + shift) % 1, s, v) for h, s, v in (colorsys.rgb_to_hsv(*map(float, p)) for p in row)]
                     for row in x.transpose(1, 2, 0)]).transpose(2, 0, 1)  # fmt: skip
    assert np.abs(F.adjust_hue(x, shift) - want).max() < 1e-5
    assert np.abs(F.adjust_hue(whole, shift) - want * 255).max() < 0.501


MODES = {"nearest": Image.Resampling.NEAREST, "bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


@pytest.mark.parametrize("size", [(12, 20), (80, 33), (37, 11), (1, 1)])
@pytest.mark.parametrize("mode", MODES)
def test_resize_is_that_of_pillow(mode, size):
    """Up to one level: Pillow rounds to bytes between the two directions. Its nearest is our nearest-exact."""
    got = F.resize(CHW, size, "nearest-exact" if mode == "nearest" else mode)
    assert np.abs(got.astype(int) - chw(PIL.resize(size[::-1], MODES[mode]))).max() <= (0 if mode == "nearest" else 1)


@pytest.mark.parametrize("size", [(12, 20), (80, 33)])
@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_resize_without_antialias_is_interpolate(mode, size):
    x = np.random.default_rng(0).standard_normal((2, 3, 17, 22)).astype(np.float32)
    want = torch.nn.functional.interpolate(torch.from_numpy(x), size=size, mode=mode).numpy()
    assert np.abs(F.resize(x, size, mode, antialias=False) - want).max() < 2e-5
    assert F.resize(x, 11).shape == (2, 3, 11, 14) and F.resize(x, 11, max_size=12).shape == (2, 3, 9, 12)


def test_turns_and_perspective_are_those_of_pillow():
    """Nearest: the same pixels, but for ties that rounding decides."""
    for angle in (10, -33.3, 120):
        got = F.rotate(CHW, angle, fill=7)
        assert (got != chw(PIL.rotate(angle, fillcolor=(7, 7, 7)))).mean() < 2e-3
        assert F.rotate(CHW, angle, expand=True).shape[1:] == PIL.rotate(angle, expand=True).size[::-1]
        off = F.rotate(CHW, angle, center=(5, 30))
        assert (off != chw(PIL.rotate(angle, center=(5, 30)))).mean() < 2e-3
    start, end = [(0, 0), (49, 0), (49, 36), (0, 36)], [(4, 6), (40, 2), (45, 30), (1, 36)]
    rows = [[x, y, 1, 0, 0, 0, -u * x, -u * y] for (u, v), (x, y) in zip(start, end)]
    rows += [[0, 0, 0, x, y, 1, -v * x, -v * y] for (u, v), (x, y) in zip(start, end)]
    a = np.linalg.solve(np.array(rows, float), np.array([u for u, v in start] + [v for u, v in start], float))
    want = PIL.transform(PIL.size, Image.Transform.PERSPECTIVE, tuple(a), Image.Resampling.NEAREST)
    assert (F.perspective(CHW, start, end, "nearest") != chw(want)).mean() < 2e-3


def test_affine_is_grid_sample_along_its_matrix():
    """Scale, turn and slants by a matrix written out here, in the coordinates of affine_grid."""
    x = np.random.default_rng(3).standard_normal((1, 2, 9, 9)).astype(np.float32)
    r, sx, sy, s, move = np.deg2rad(25), np.tan(np.deg2rad(10)), np.tan(np.deg2rad(-7)), 1.3, np.array([2.0, -1.0])
    a = s * np.array([[np.cos(r), -np.sin(r)], [np.sin(r), np.cos(r)]]) @ [[1, 0], [-sy, 1]] @ [[1, -sx], [0, 1]]
    back = np.linalg.inv(a)
    theta = np.concatenate([back, -(back @ move)[:, None] * 2 / 9], 1)  # half the image is 1
    grid = torch.nn.functional.affine_grid(torch.tensor(theta[None], dtype=torch.float32), (1, 2, 9, 9), align_corners=False)
    want = torch.nn.functional.grid_sample(torch.from_numpy(x), grid, align_corners=False).numpy()
    got = F.affine(x, 25, (2, -1), 1.3, (10, -7), "bilinear")
    assert np.abs(got - want).max() < 1e-5 and np.abs(got).max() > 1
    sides = F.affine(np.ones((1, 3, 8, 8), np.uint8), 0, (4, 0), fill=[1, 2, 3])
    assert [sides[0, k, 0, 0] for k in range(3)] == [1, 2, 3] and (sides[0, :, :, 4:] == 1).all()


def test_blur_is_a_gaussian_of_each_image():
    x = np.random.default_rng(1).uniform(size=(2, 1, 12, 15)).astype(np.float32)
    weight = np.exp(-0.5 * (np.arange(-2, 3) / 1.5) ** 2)
    weight /= weight.sum()
    padded = np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2)), "reflect")
    want = sum(weight[i] * weight[j] * padded[:, :, i:i + 12, j:j + 15] for i in range(5) for j in range(5))
    assert np.abs(F.gaussian_blur(x, 5, 1.5) - want).max() < 1e-6
    each = F.gaussian_blur.arrays(x, 5, (np.array([1.5, 0.5]),) * 2)
    assert np.abs(each[0] - want[0]).max() < 1e-6 and np.abs(each[1] - F.gaussian_blur(x[1], 5, 0.5)).max() < 1e-6


EVERY = {
    "RandomCrop": lambda s: T.RandomCrop(8, padding=2, seed=s), "RandomResizedCrop": lambda s: T.RandomResizedCrop(8, seed=s),
    "RandomHorizontalFlip": lambda s: T.RandomHorizontalFlip(seed=s), "RandomVerticalFlip": lambda s: T.RandomVerticalFlip(seed=s),
    "RandomRotation": lambda s: T.RandomRotation(40, seed=s),
    "RandomAffine": lambda s: T.RandomAffine(20, (0.2, 0.1), (0.8, 1.2), 10, seed=s),
    "RandomPerspective": lambda s: T.RandomPerspective(seed=s), "RandomErasing": lambda s: T.RandomErasing(seed=s),
    "ColorJitter": lambda s: T.ColorJitter(0.4, 0.4, 0.4, 0.2, seed=s), "RandomGrayscale": lambda s: T.RandomGrayscale(0.5, seed=s),
    "RandomInvert": lambda s: T.RandomInvert(seed=s), "RandomPosterize": lambda s: T.RandomPosterize(2, seed=s),
    "RandomSolarize": lambda s: T.RandomSolarize(0.5, seed=s), "RandomAutocontrast": lambda s: T.RandomAutocontrast(seed=s),
    "RandomEqualize": lambda s: T.RandomEqualize(seed=s), "RandomAdjustSharpness": lambda s: T.RandomAdjustSharpness(2, seed=s),
    "GaussianBlur": lambda s: T.GaussianBlur(3, seed=s), "RandAugment": lambda s: T.RandAugment(seed=s),
    "TrivialAugmentWide": lambda s: T.TrivialAugmentWide(seed=s),
    "RandomApply": lambda s: T.RandomApply([T.RandomInvert(1), T.RandomRotation(30)], seed=s),
    "RandomChoice": lambda s: T.RandomChoice([T.RandomInvert(1), T.RandomHorizontalFlip(1)], seed=s),
    "RandomOrder": lambda s: T.RandomOrder([T.RandomSolarize(0.4), T.ColorJitter(0.5)], seed=s),
    "Compose": lambda s: T.Compose([T.RandomCrop(8), T.ColorJitter(0.3), T.RandomErasing()], seed=s),
}  # fmt: skip


@pytest.mark.parametrize("name", EVERY)
def test_every_transform_draws_for_each_image_and_repeats_with_its_seed(name):
    make = EVERY[name]
    x = np.repeat(np.random.default_rng(0).uniform(size=(1, 3, 12, 12)).astype(np.float32), 40, 0)
    x.flags.writeable = False  # nobody writes to what it is given
    first, second = make(5), make(5)
    y = first(x)
    assert np.array_equal(y, second(x)) and not np.array_equal(y, first(x)) and not np.array_equal(y, make(6)(x))
    assert len({image.tobytes() for image in y}) > 1, "each image gets draws of its own"
    assert np.isfinite(y).all() and y.dtype == np.float32 and y.min() >= -1e-6 and y.max() <= 1 + 1e-6
    torch.manual_seed(3)
    a = make(None)(x)
    torch.manual_seed(3)
    b = make(None)(x)
    assert np.array_equal(a, b)
    tensor = make(5)(torch.from_numpy(x.copy()))
    assert isinstance(tensor, torch.Tensor) and np.array_equal(tensor.numpy(), y)
    assert make(5)(x[0]).shape == y.shape[1:] and make(5)(x.reshape(5, 8, 3, 12, 12)).shape == (5, 8, *y.shape[1:])
    empty = make(5)(x[:0])
    assert empty.shape == (0, *y.shape[1:])
    whole = make(5)((x * 255).astype(np.uint8))
    assert whole.dtype == np.uint8 and whole.shape == y.shape
    image = make(5)(Image.fromarray(photo(12, 12)))
    assert isinstance(image, Image.Image) and image.mode == "RGB" and image.size == y.shape[:1:-1]


def test_strength_of_the_policies():
    """At magnitude 0 RandAugment changes colours by nothing but equalising and contrast; at 30 shears by 0.3."""
    from udlfast.data.transforms import policies

    weak, strong = T.RandAugment(magnitude=0), T.RandAugment(magnitude=30)
    one, shape = np.ones(1), (1, 3, 331, 331)
    assert weak.size("ShearX", 0 * one, one, shape) == 0 and strong.size("ShearX", one, -one, shape) == -0.3
    assert strong.size("TranslateX", one, one, shape) == 150 and strong.size("Posterize", one, one, shape) == 4
    assert strong.size("Solarize", one, one, shape) == 0 and weak.size("Solarize", 0 * one, one, shape) == 1
    assert T.TrivialAugmentWide().size("Rotate", one, one, shape) == 135
    x = np.arange(36, dtype=np.uint8).reshape(1, 1, 6, 6)
    moved = policies.CHANGES["TranslateX"](x, np.array([2.0]), False, 0)
    assert np.array_equal(moved[0, 0, :, 2:], x[0, 0, :, :-2]) and not moved[0, 0, :, :2].any()
    x = x.repeat(600, 0).repeat(3, 1)
    made = T.TrivialAugmentWide(seed=0)(x)
    assert 0.02 < (made == x).all((1, 2, 3)).mean() < 0.5  # identity, colours of strength 0


def test_ranges_of_draws():
    x = np.ones((400, 1, 20, 20), np.float32)
    area = (T.RandomErasing(1, (0.1, 0.2), (0.5, 2), seed=0)(x) == 0).mean((1, 2, 3))
    assert 0.07 < area.min() < 0.13 and 0.17 < area.max() < 0.23
    noise = T.RandomErasing(1, (0.3, 0.3), (1, 1), "random", seed=0)(0 * x)
    assert 0.9 < noise[noise != 0].std() < 1.1
    ramp = np.broadcast_to(np.arange(20, dtype=np.float32), (400, 1, 20, 20))
    widths = np.ptp(T.RandomResizedCrop(20, (0.25, 0.25), (1, 1), seed=0)(ramp), axis=(1, 2, 3))
    assert np.allclose(widths, 9, atol=0.6)  # of the ten columns of a window
    with pytest.raises(ValueError, match="does not fit"):
        T.RandomCrop(30)(x)
    assert T.RandomCrop(30, pad_if_needed=True, seed=0)(x).shape == (400, 1, 30, 30)
    share = (T.RandomHorizontalFlip(0.3, seed=0)(ramp) != ramp).any((1, 2, 3)).mean()
    assert 0.22 < share < 0.38
    bright = T.ColorJitter(brightness=(0.2, 0.6), seed=0)(x)[:, 0, 0, 0]
    assert 0.2 <= bright.min() < 0.23 and 0.57 < bright.max() <= 0.6


def test_pillow_tensors_and_back():
    assert np.array_equal((T.ToTensor()(PIL).numpy() * 255).round(), CHW) and T.PILToTensor()(PIL).dtype == torch.uint8
    assert np.array_equal(T.ToTensor()(PHOTO).numpy(), T.ToTensor()(PIL).numpy())
    assert np.array_equal(np.asarray(T.ToPILImage()(T.ToTensor()(PIL))), PHOTO)
    grey = T.Resize(10)(PIL.convert("L"))
    assert grey.mode == "L" and min(grey.size) == 10
    x = torch.from_numpy(CHW)
    assert T.ConvertImageDtype(torch.float32)(x).max().item() <= 1
    back = T.ConvertImageDtype(torch.uint8)(T.ConvertImageDtype(torch.float32)(x))
    assert back.dtype == torch.uint8 and torch.equal(back, x)
    chain = T.Compose([T.Resize((8, 8)), T.ToTensor(), T.Normalize([0.5] * 3, [0.5] * 3), T.Lambda(lambda t: t * 2)])
    assert chain(PIL).shape == (3, 8, 8) and "Resize" in repr(chain)


class Augmented(Dataset):
    def __init__(self, change):
        self.change, self.x = change, torch.arange(2.0 * 24 * 36).reshape(24, 2, 6, 6) / 2000

    def __len__(self):
        return 24

    def __getitem__(self, k):
        return self.change(self.x[k])


@pytest.mark.parametrize("seed", [None, 4, "generator"])
def test_workers_draw_differently_and_repeatably(seed):
    """Two runs with two workers agree; two passes differ; the two workers do not draw the same."""
    def passes():
        own = np.random.default_rng(4) if seed == "generator" else seed
        loader = DataLoader(Augmented(T.RandomErasing(1, value=-1, seed=own)), batch_size=3, num_workers=2,
                            generator=torch.Generator().manual_seed(1))  # fmt: skip
        return [torch.cat(list(loader)).numpy() for _ in range(2)]

    torch.manual_seed(0)
    first, second = passes()
    torch.manual_seed(0)
    again, _ = passes()
    assert np.array_equal(first, again) and not np.array_equal(first, second)
    masks = first[:, 0] == -1
    assert not np.array_equal(masks[:3], masks[3:6]), "the batches of the two workers"


def test_fit_resumes_through_a_transform_with_the_same_bits(tmp_path):
    """Without a seed a transform draws from the default generator, with one it is named: both are kept in the checkpoint."""
    class Stop(torch.train.Callback):
        def epoch(self, run):
            if run.epoch == 1:
                raise KeyboardInterrupt

    for seed in (None, 3):
        ends = []
        for broken in (False, True):
            path = str(tmp_path / f"{seed}{broken}.pt")
            for callbacks in ([Stop()], []) if broken else ([],):
                torch.manual_seed(0)
                net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 3))
                x, y = torch.rand(12, 1, 6, 6), torch.arange(12) % 3
                change = T.RandomAffine(30, seed=seed)
                adam = torch.optim.Adam(net.parameters())
                named = [change.generator] if seed is not None else []
                try:
                    torch.train.fit(net, [(x, y)], epochs=4, optimizer=adam, augment=change, checkpoint=path, callbacks=callbacks,
                                    generators=named)
                except KeyboardInterrupt:
                    continue
            ends.append(net[1].weight.detach().numpy())
        assert np.array_equal(*ends), seed


def test_seeds_go_inwards():
    """The seed of what stands outside decides, unless an inner transform has one."""
    x = np.random.default_rng(0).uniform(size=(8, 1, 6, 6)).astype(np.float32)
    outer = lambda s, inner=None: T.Compose([T.RandomErasing(1, seed=inner), T.RandomHorizontalFlip()], seed=s)(x)  # noqa: E731
    assert np.array_equal(outer(1), outer(1)) and not np.array_equal(outer(1), outer(2))
    holes = lambda a: (a == 0).sum((1, 2, 3)).tolist()  # noqa: E731
    assert holes(outer(1, 9)) == holes(outer(2, 9)) and holes(outer(1)) != holes(outer(2))
    nested = T.Compose([T.Compose([T.RandomErasing(1)])], seed=3)
    assert np.array_equal(nested(x), T.Compose([T.Compose([T.RandomErasing(1)])], seed=3)(x))


@pytest.mark.parametrize("make, error, text", [
    (lambda: T.RandomCrop(0), ValueError, "at least 1"), (lambda: T.RandomHorizontalFlip(1.5), ValueError, "probability"),
    (lambda: T.RandomRotation(-3), ValueError, "negative"), (lambda: T.RandomAffine(0, (2, 0)), ValueError, "translate"),
    (lambda: T.ColorJitter(hue=0.7), ValueError, "hue"), (lambda: T.RandomRotation(3, "cubic"), ValueError, "bilinear"),
    (lambda: T.RandAugment(magnitude=31), ValueError, "magnitude"), (lambda: T.RandomErasing(value="x"), ValueError, "random"),
    (lambda: T.RandomChoice([]), ValueError, "no transform"), (lambda: T.RandomApply([len]), TypeError, "transforms of images"),
    (lambda: T.Compose([3]), TypeError, "callable"), (lambda: T.RandomInvert(seed="a"), TypeError, "Generator"),
    (lambda: T.RandomInvert(seed=-1), ValueError, "negative"), (lambda: T.Resize(4)([1, 2]), TypeError, "Pillow"),
    (lambda: T.Resize(4)(np.zeros((3, 3), np.float32)), ValueError, "C, H, W"),
    (lambda: T.Resize(4)(np.zeros((1, 3, 3), int)), TypeError, "int64"),
    (lambda: T.Normalize(0, 1)(CHW), TypeError, "uint8"), (lambda: T.Normalize(0, 0)(CHW / 2.0), ValueError, "deviation"),
    (lambda: F.adjust_brightness(CHW, -1), ValueError, "factor"), (lambda: F.gaussian_blur(CHW, 4), ValueError, "odd"),
    (lambda: F.perspective(CHW, [(0, 0)] * 4, [(1, 1)] * 4), ValueError, "line"),
    (lambda: F.rgb_to_grayscale(CHW[:2]), ValueError, "channels"),
    (lambda: T.RandomRotation(9, expand=True)(np.stack([CHW, CHW])), ValueError, "one by one"),
    (lambda: T.Grayscale()(PIL.convert("P")), TypeError, "mode"),
    (lambda: T.RandomApply([T.Resize(3)], 0.5, seed=0)(np.stack([CHW] * 9)), ValueError, "shape"),
    (lambda: T.ConvertImageDtype(torch.int64), TypeError, "float32"), (lambda: T.GaussianNoise()(CHW), TypeError, "uint8"),
])  # fmt: skip
def test_bad_input_is_refused_by_name(make, error, text):
    with pytest.raises(error, match=text):
        make()
