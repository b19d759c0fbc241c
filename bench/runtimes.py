"""Other programs that run an exported network, for the comparisons of `resnet18.py` and `minilm.py`."""

import os
import tempfile

RUNTIMES = ("onnxruntime", "openvino")


def exported(torch, net, example, names):
    """The bytes of a module of PyTorch as ONNX."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "net.onnx")
        torch.onnx.export(net, example, path, input_names=list(names), dynamo=True, external_data=False, verbose=False)
        with open(path, "rb") as file:
            return file.read()


def runner(runtime, model, threads, low=False):
    """function({input name: array}) -> first output, with all optimisations of the runtime; low: in bfloat16 where it can."""
    if runtime == "onnxruntime":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return lambda given: session.run(None, given)[0]
    import openvino

    core = openvino.Core()
    how = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "bf16" if low else "f32"}
    request = core.compile_model(core.read_model(model), "CPU", how).create_infer_request()
    return lambda given: request.infer(given)[0]
