"""Write docs/pytorch.md: which names of PyTorch are there, which are missing, and what differs.

    python scripts/list_pytorch.py          writes it (needs PyTorch)
    python scripts/list_pytorch.py --check  says whether it is up to date (exit status 1 if not)
"""

import importlib
import pathlib
import re
import sys
import textwrap
import types
import warnings

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "pytorch.md"
SPACES = ["", *"""
Tensor nn nn.functional nn.init nn.utils nn.utils.rnn optim optim.lr_scheduler utils.data autograd linalg fft special signal.windows
distributions random testing func sparse amp
""".split()]

# names that are left out, by family: regular expressions
LEFT_OUT = {
    "sparse and nested tensors": r"""
        (is_)?(sparse|nested|jagged)\w* to_(sparse|mkldnn|padded_tensor|dense)\w* (to_)?\w*_(csr|csc|bsr|bsc|coo)
        (h|d|ss?)p?s?p?(add)?mm hspmm spmm smm saddmm sspaddmm coalesce (c?col|c?row|crow)_indices\w* indices indices_copy values
        values_copy dense_dim sparse_\w+ is_coalesced slice_inverse masked\w*_nested resize_as_sparse_
    """,
    "quantised tensors": r"""
        (de|fake_|un)?quantize\w* quantized_\w+ q_\w+ qu?int\w* QU?[iI]nt\w* qscheme per_(channel|tensor)_\w+ int_repr
        choose_qparams\w* fbgemm\w* fused_moving_avg\w* empty_quantized quantization ao
    """,
    "complex numbers": r"""
        (c(double|float|half)|complex\w*|Complex\w*|imag|view_as_(complex|real)\w*|polar|adjoint_complex|is_conj\w*)
    """,
    "elements of 8 bits and less": r"""
        float(8\w*|4\w*) u?int[1-7] bit\w*[0-9]\w* bit
    """,
    "named dimensions": r"""
        names rename_? refine_names align_(to|as|tensors) has_names
    """,
    "other devices, and libraries for them": r"""
        (cudnn|miopen|mkldnn|cuda|mps|mtia|xpu|ipu|hpu|vulkan|xla|maia|accelerator|cpu)(_\w+)? Stream Event get_device_module
        record_stream DeviceObjType has_(lapack|mkl|openmp|spectral) compiled_with\w* set_rng_state_device is_vulkan_available
        OutOfMemoryError AcceleratorError
    """,
    "compiling, tracing and exporting": r"""
        jit fx compiler export onnx _?dynamo cond while_loop vmap_impl sym_\w+ Sym\w+ Script\w* script\w* parse_\w+ import_ir\w*
        merge_type\w* unify_type\w* \w+Type Graph\w* Function(Schema|Count) CompilationUnit Code CallStack Capsule Value Use Node
        Block Argument\w* AliasDb Tag Dispatch\w* ExcludeDispatch\w* ErrorReport FileCheck FatalError JITException LiteScript\w*
        LoggerBase LockingLogger NoopLogger OperatorInfo PyTorchFile\w* \w*StorageContext StaticModule TracingState
        ThroughputBenchmark Benchmark\w* Execution\w* IODescriptor Future Await\w* ScriptObject\w* DeepCopyMemoTable
        CompleteArgument\w* DisableTorch\w* AggregationType AVG SUM fork wait library overrides package classes profiler\w*
        module_load as_subclass
    """,
    "inner parts of other functions": r"""
        native_\w+ batch_norm_\w+ constant_pad_nd convolution\w* conv_tbc grid_sampler\w* embedding_renorm_ hash_tensor
        max_pool1d_with_indices norm_except_dim nonzero_static_out \w+_symint get_file_path prepare_multiprocessing\w*
        autocast_\w+ \w*_autocast_\w+ is_autocast_\w+ clear_autocast_cache storage_type thread_safe_generator init_num_threads
        is_anomaly\w* set_anomaly\w* ScriptModuleSerializer Type legacy_contiguous_format USE_\w+ PRIVATE_OPS TYPE_CHECKING
        BufferDict from_file torch_version
    """,
    "removed or deprecated in PyTorch": r"""
        eig symeig lstsq solve matrix_rank volatile reinforce cholesky_\w* lobpcg lu_solve triangular_solve Storage\w* \w+Storage
        to_dlpack chain_matmul orgqr geqrf ormqr range
    """,
}

INNER = r"[A-Z]\w*|boolean_dispatch|has_torch_function\w*|handle_torch\w*|assert_int\w*|\w+_notes|\w+_with_indices"
DIFFERS = """
- Elements are `bool`, `uint8`, `int8`, `int16`, `int32`, `int64`, `uint16`, `uint32`, `uint64`, `float16`, `bfloat16`, `float32`,
  `float64`. With unsigned ones of 16 bits and more works what works in PyTorch (storing, converting, choosing, sorting, products,
  equality, bits, sums); the rest, and promotion with other integers, is refused. float16 saves
  memory, not time: all but copies and element-wise operations convert to float32 and back. There are no quantised, nested or named tensors.
- Complex numbers are `ComplexTensor`, a class of its own around a real tensor of pairs; so are sparse tensors (`SparseTensor`):
  coordinates or compressed rows, with products with dense matrices, sums and scalings. Gradients are always dense.
- Devices are `"cpu"` and, with an NVIDIA GPU and the extra `[cuda]`, `"cuda"` ([cuda.md](cuda.md)); without one, `"cuda"` raises with a
  sentence that says why.
- Random numbers come from Philox: the same seed gives other numbers than PyTorch's, and the same on any number of threads.
- Results have the same bits for any number of threads; `use_deterministic_algorithms` is accepted and changes nothing.
- Exceptions are those of PyTorch and of Python at once (`ShapeError` is a `RuntimeError` and a `ValueError`); messages name the
  operation, what it got and what it needs.
- Tensors have at most 8 dimensions.
- Tensors made in `inference_mode` say so (`is_inference()`), and are usable in recorded operations and in place afterwards.
- Nodes of the tape are called after our operations, so `grad_fn=<...>` often shows another name. `saved_tensors_hooks` see the tensors
  that operations here save: other ones than PyTorch's, and off the tape; where a hook gives the tensor itself back, changing it in
  place raises. Forward mode (`torch.autograd.forward_ad`, `torch.func.jvp`, `jacfwd`) takes two backward passes: what lies between has
  to be recorded, and a dual tensor requires a gradient.
- `torch.fx` has names that libraries import (`wrap` changes nothing); to trace raises. So do `torch.overrides`, `torch._dynamo` and
  `torch.ops.aten` (names; to call one raises). Classes of tensors of one's own (`as_subclass`, `__torch_function__`) are not part.
  `flex_attention` makes the scores in full. The names of 8-bit types (`torch.float8_e4m3fn`) are there, tensors of them are not.
- `FlopCounterMode` counts products, convolutions and attention as their kernels do them, and does not tell layers apart.
- A list of lists as an index is one array, as NumPy's; a list that holds tensors or slices is a tuple, as PyTorch's.
- Of PyTorch's warnings about old forms only some are given.
- `torch.jit.script` and `trace` give back what they got; TorchScript files are neither written nor read.
- `memory_format` and `layout` are accepted and ignored: dense results are contiguous in the order of their dimensions.
- `out=` and in-place forms compute the result first and store it then, so memory that input and output share does no harm.
- A list of lists or tensors as an index is one index, as PyTorch announces: `x[[a, b]]` is `x[tensor([a, b])]`, where PyTorch 2.13
  still takes `x[a, b]` and warns; write `x[a, b]`.
- Rows of attention in which every key is masked give zeros; in PyTorch often NaN.
- Of optimisers, the state of bfloat16 and float16 parameters is float32, the step count of `optimizer.state` is a Python number (in
  `state_dict()` a tensor), and `load_state_dict` copies. A parameter given twice is refused.
- Slices need a positive step, as in PyTorch; `tensor.view(dtype)` refuses tensors that require a gradient.
- Some gradients of gradients are not offered; such a call raises `GradError` and names the operation.
- In-place forms are differentiated also where PyTorch lacks the rule (`acosh_`, `asinh_`, `atanh_`).
- `as_strided_scatter` gives replaced elements a gradient of zero; PyTorch lets theirs through.
- After `share_memory_()` the processes that get a tensor as an argument share its memory; queues copy it.
- `torch.load(weights_only=False)` makes modules of classes that are imported already, and nothing else; it calls no class.
"""

RUNS = """
## Programs that run

`python scripts/as_torch.py SCRIPT` runs a script with `import torch` as it stands; `torch.__version__` is then that of the PyTorch
whose names these are. What it prints was compared with PyTorch's, but for some of the examples (gcn, gat, vision_transformer and others),
which ran to their end here alone:

- The notebooks of *Understanding Deep Learning*, chapters 8 to 11 and 20: all of them to their end, 20.2 with its 1.1 million epochs too.
  There one hidden layer has learned 4,000 shuffled labels after 380,665 epochs (0.0 % wrong after 500,000), and the three models that the
  notebook leaves as one linear layer for its reader have 62.5 % wrong after 200,000. After 20,000 epochs, from other initial weights of the
  same law: 34.9 % here and 35.4 % with PyTorch; 64.8 % and 65.2 %. From the same weights the errors of 300 epochs are the same to the
  last digit.
- pytorch/examples, with datasets of their shapes made up: mnist, mnist_rnn, mnist_hogwild, mnist_forward_forward, vae, dcgan, regression,
  siamese_network, word_language_model (LSTM, GRU, RNN, Transformer, and generate), time_sequence_prediction, reinforcement_learning
  (both solve CartPole), gcn, gat, vision_transformer, super_resolution, fast_neural_style, imagenet (ResNet-18). nanoGPT: train.py
  (with and without compile, and resumed).
- Not: fx (programs are not traced into graphs of Python), language_translation and legacy/snli (they need packages that no longer
  work with PyTorch either: torchtext), the examples under distributed (they need several GPUs or RPC) and cpp.
- timm, whose own code makes the models: 26 architectures (ResNet, EfficientNet, MobileNet, ConvNeXt, ViT, Swin, MLP-Mixer, RegNet,
  DenseNet, ResNeSt, GhostNet, MobileViT, PoolFormer, DeiT, BEiT, EdgeNeXt, CaiT, NFNet, LeViT, gMLP, CoAtNet, MaxViT, CrossViT, PVT,
  FastViT, HRNet) give PyTorch's outputs, losses and gradients to four digits. transformers, likewise: BERT, GPT-2, Llama, Mistral,
  Qwen2, Mixtral, T5, DistilBERT, RoBERTa, GPT-NeoX, DeBERTa, BART and Gemma2, with the same texts from greedy search and beams.
- PyTorch Lightning (Trainer on the CPU: checkpoints, resuming, accumulation, bfloat16, averaged weights; Fabric), PyTorch Geometric
  (27 layers, pooling, norms, loaders, transforms, explanations), Pyro (guides, NUTS, enumeration, flows), GPyTorch (exact, variational
  and multitask processes), x-transformers, denoising-diffusion-pytorch, peft, accelerate, kornia (80 functions), MONAI (networks and
  losses), stable-baselines3 (PPO, A2C, DQN, SAC, TD3, DDPG), nflows, normflows, torchsde, auraloss and pytorch-msssim, each over a
  script of typical use, with PyTorch's values, losses and gradients from the same weights. The safetensors library reads and writes.
  Not: Geometric's sparse adjacencies, `to_hetero` and saved `Data`; MONAI's transforms and metrics on MetaTensor (a class of tensors);
  e3nn (torch.fx); `from_pretrained` of transformers and sentence_transformers, and `init_empty_weights` (tensors on the device "meta":
  make the model from its configuration and load the state_dict); Pyro's saved parameter stores.
- torchmetrics, torchdiffeq, skorch, einops, TabNet, entmax, pytorch-crf, torchinfo, torch_optimizer (19 of 20), lion, ema_pytorch,
  pytorch_metric_learning, captum, vit_pytorch and rotary_embedding_torch, each over a short script; Trainer of transformers
  with the same losses. Not: higher, and Mamba in transformers (they reach into PyTorch's inside); checkpoints of Trainer (it gives
  torch.save an object of its own class).
"""


def resolve(root, path):
    """root.path, importing modules on the way; None if it is not there."""
    try:
        for name in filter(None, path.split(".")):
            if isinstance(root, types.ModuleType) and not hasattr(root, name):
                importlib.import_module(root.__name__ + "." + name)
            root = getattr(root, name)
        return root
    except (AttributeError, ImportError):
        return None


def names_of(space, root):
    """The public names of a space of PyTorch's that are part of it rather than imported there."""
    listed = getattr(root, "__all__", None)
    found = []
    for name in listed if listed is not None and space not in ("", "nn", "nn.functional") else dir(root):
        value = getattr(root, name, None)
        module = getattr(value, "__module__", None) or ""
        if name.startswith("_") or isinstance(value, types.ModuleType):
            continue
        if isinstance(value, type) and not module.startswith("torch"):
            continue
        if module and not module.startswith("torch") and space != "Tensor":
            continue
        if space in ("nn.functional", "nn.init") and re.fullmatch(INNER, name):
            continue
        found.append(name)
    return sorted(found)


def there(root, name):
    """Whether a name is offered."""
    try:
        return hasattr(root, name)
    except Exception:  # a property that does not fit this tensor
        return True


def family(name):
    """Why a missing name is left out, or None."""
    return next((why for why, patterns in LEFT_OUT.items() if re.fullmatch("|".join(patterns.split()), name)), None)


def paragraph(names):
    return textwrap.fill(" ".join(f"`{n}`" for n in names), 130, break_long_words=False, break_on_hyphens=False)


def text():
    """The file's contents."""
    import torch

    import udlfast

    rows, missing, left = [], [], {}
    for space in SPACES:
        theirs = resolve(torch, space)
        ours = udlfast.ones(1, 1) if space == "Tensor" else resolve(udlfast, space)
        wanted, lost, out = names_of(space, theirs), [], 0
        for name in wanted:
            if ours is not None and there(ours, name):
                continue
            why = family(name) if space in ("", "Tensor") else None
            if why is None:
                lost.append(name)
            else:
                out += 1
                left.setdefault(why, set()).add(name)
        title = "torch" + ("." + space if space else "")
        rows.append(f"| `{title}` | {len(wanted)} | {len(wanted) - len(lost) - out} | {out} | {len(lost)} |")
        if lost:
            missing.append(f"### `{title}`\n\n{paragraph(lost)}\n")
    parts = ["# PyTorch's names: what is there, what is missing, what differs\n",
             "Written by `scripts/list_pytorch.py` from PyTorch's own lists; functions are also checked by `tests/test_op_db.py`,\n"
             "value by value, on the samples of PyTorch's operator database.\n",
             "| space | public names | there | left out | missing |\n|---|---|---|---|---|\n" + "\n".join(rows) + "\n",
             "## What differs\n" + DIFFERS, RUNS.lstrip("\n"),
             "## Missing\n", *missing,
             "## Left out\n\nThese families are not planned:\n",
             *(f"### {why}\n\n{paragraph(sorted(names))}\n" for why, names in left.items())]
    return "\n".join(parts)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    new = text()
    if "--check" in sys.argv:
        sys.exit(0 if TARGET.read_text() == new else "docs/pytorch.md is out of date: run python scripts/list_pytorch.py")
    TARGET.write_text(new)
