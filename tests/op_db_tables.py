"""Which operators of PyTorch's database are ours to have, and which of them common networks use."""

OURS = ("common", "beyond", "other")
RANDOM = set("bernoulli cauchy empty empty_like empty_permuted empty_strided exponential geometric log_normal multinomial new_empty "
             "new_empty_strided normal rand_like randint randint_like randn randn_like uniform nn.functional.alpha_dropout "
             "nn.functional.dropout nn.functional.dropout2d nn.functional.dropout3d nn.functional.feature_alpha_dropout "
             "nn.functional.rrelu pca_lowrank svd_lowrank resize_ resize_as_ "
             "nn.functional.fractional_max_pool2d nn.functional.fractional_max_pool3d".split())

COMMON = set("""
__getitem__ __radd__ __rmul__ __rsub__ __rpow__ __rmatmul__ abs add addmm all allclose amax amin any arange argmax argmin argsort
baddbmm bernoulli bmm bool broadcast_tensors broadcast_to cat chunk clamp clamp_min clamp_max clone contiguous cos cumsum cumprod diag
diagonal div dot einsum empty empty_like eq equal erf exp expand expand_as expm1 eye fill flatten flip float floor full full_like gather
ge gt index_add index_select isclose isfinite isinf isnan item le lerp linspace log log10 log1p log2 log_softmax logical_and logical_not
logical_or logsumexp long lt mT T masked_fill masked_select matmul max maximum mean median meshgrid min minimum mm movedim mul
multinomial mv nan_to_num narrow ne neg new_empty new_full new_ones new_zeros nonzero norm normal ones ones_like outer permute pow prod
rand_like randn randn_like randint reciprocal relu remainder repeat repeat_interleave reshape reshape_as roll round rsqrt scatter
scatter_add select sigmoid sign sin softmax sort split split_with_sizes sqrt square squeeze stack std sub sum t tan tanh tile to topk
trace transpose tril triu trunc type_as unbind unflatten unfold uniform unique unsqueeze var var_mean view view_as where zero_ zeros
zeros_like floor_divide true_divide rsub bfloat16 double int std_mean nn.functional.adaptive_avg_pool2d nn.functional.avg_pool2d
nn.functional.batch_norm nn.functional.binary_cross_entropy nn.functional.binary_cross_entropy_with_logits nn.functional.conv1d
nn.functional.conv2d nn.functional.conv_transpose2d nn.functional.cosine_similarity nn.functional.cross_entropy nn.functional.dropout
nn.functional.elu nn.functional.embedding nn.functional.gelu nn.functional.glu nn.functional.group_norm nn.functional.hardtanh
nn.functional.interpolate nn.functional.kl_div nn.functional.l1_loss nn.functional.layer_norm nn.functional.leaky_relu
nn.functional.linear nn.functional.logsigmoid nn.functional.max_pool2d nn.functional.mse_loss nn.functional.nll_loss
nn.functional.normalize nn.functional.one_hot nn.functional.pad nn.functional.pixel_shuffle nn.functional.relu nn.functional.relu6
nn.functional.scaled_dot_product_attention nn.functional.silu nn.functional.smooth_l1_loss nn.functional.softplus nn.functional.softmin
nn.functional.unfold
""".split())

# left out: complex, sparse, half, compiled-kernel and private operators
LEFT_OUT = set("""
H mH cdouble cfloat chalf half complex conj conj_physical imag real polar angle resolve_conj resolve_neg view_as_complex view_as_real
to_sparse hash_tensor jiterator_2inputs_2outputs jiterator_4inputs_with_extra_args jiterator_binary jiterator_binary_return_by_ref
jiterator_unary native_batch_norm native_dropout_backward native_group_norm native_layer_norm max_pool2d_with_indices_backward
constant_pad_nd slice grid_sampler_2d grid_sampler_3d
""".split())
LEFT_OUT_PREFIXES = ("_", "torch.", "sparse.", "masked.")
OTHER_PREFIXES = ("linalg.", "fft.", "special.", "signal.", "nn.functional.")
OTHER = set("""
cholesky cholesky_inverse cholesky_solve geqrf householder_product inverse logdet lu lu_solve lu_unpack matrix_exp ormqr pca_lowrank
pinverse qr svd svd_lowrank triangular_solve stft istft
""".split())


def group(name):
    """common, beyond, other (its family has a module of its own), or None if it is left out."""
    if name in COMMON:
        return "common"
    if name in LEFT_OUT or (name.startswith(LEFT_OUT_PREFIXES) and not name.startswith("__")):
        return None
    return "other" if name in OTHER or name.startswith(OTHER_PREFIXES) else "beyond"


# entries that do not pass, with the reason
NO_OUT = set("nn.functional.linear nn.functional.gelu nn.functional.softplus nn.functional.avg_pool2d histogramdd".split())
# PyTorch's generated bindings take out= here, its documentation does not name it
GAPS = {
    "as_strided_scatter": "PyTorch gives input the gradient of elements that src replaced",
}
