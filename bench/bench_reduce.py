"""Sums, maxima, means and variances."""
from race import Cases, Race, bench, f32, size

cases = Cases("reduce")


def over(shape, axis, numpy_name, torch_name=None, **options):
    def make(rng):
        x = f32(rng, *shape)
        function = getattr(x, numpy_name)

        def other(torch):
            method = getattr(torch.from_numpy(x), torch_name or numpy_name)
            return lambda: method(*axis, **options)

        return Race(lambda: function(*axis), other, float(x.size), size(x), tolerance=1e-5)
    return make


cases.add("sum_all_16M", over((4096, 4096), (), "sum"))
cases.add("sum_rows_4096x4096", over((4096, 4096), (1,), "sum"))
cases.add("sum_columns_4096x4096", over((4096, 4096), (0,), "sum"))
cases.add("max_rows_4096x1024", over((4096, 1024), (1,), "max", "amax"))
cases.add("argmax_rows_1024x1000", over((1024, 1000), (1,), "argmax"))
cases.add("var_rows_4096x768", over((4096, 768), (1,), "var", correction=0))
cases.add("mean_digits_64x10", over((64, 10), (), "mean"))

test_reduce = bench(cases)
