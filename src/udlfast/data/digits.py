"""The 1,797 handwritten digits of 8x8 pixels that scikit-learn carries."""
from .split import Split, as_split, stratified


def digits() -> Split:
    """Handwritten digits, 8x8 pixels in 0..1: 1,797 images, a stratified fifth of them the test part.

    Returns Split: x [N, 1, 8, 8] float32, y [N] int64 in 0..9. The cut is fixed, so accuracies can be compared.
    Raises ImportError when scikit-learn, which carries the images, is not installed. Reads no network.

    >>> x_train, y_train, x_test, y_test = digits()
    >>> tuple(x_train.shape), tuple(x_test.shape)
    ((1438, 1, 8, 8), (359, 1, 8, 8))

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits (test part), UCI repository, 1998.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as e:
        raise ImportError("digits: scikit-learn is not installed; install it with: pip install 'udlfast[data]'") from e
    images, labels = load_digits(return_X_y=True)
    train, test = stratified(labels, 0.2, seed=0)
    return as_split(images.reshape(-1, 1, 8, 8) / 16.0, labels, train, test)
