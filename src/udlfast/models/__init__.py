"""Networks ready to train or to load: perceptron, LeNet-5, the image networks of torchvision, U-Net, BERT, GPT-2, T5, ViT."""
from .alexnet import AlexNet as AlexNet
from .alexnet import alexnet as alexnet
from .bert import Bert as Bert
from .bert import mean_pooling as mean_pooling
from .crepe import Crepe as Crepe
from .deep_resnet import DeepResNet as DeepResNet
from .deep_resnet import resnet18 as resnet18
from .deep_resnet import resnet34 as resnet34
from .deep_resnet import resnet50 as resnet50
from .deep_resnet import resnet101 as resnet101
from .deep_resnet import resnet152 as resnet152
from .deep_resnet import resnext50_32x4d as resnext50_32x4d
from .deep_resnet import wide_resnet50_2 as wide_resnet50_2
from .diffusion import Diffusion as Diffusion
from .diffusion import DiffusionUNet as DiffusionUNet
from .flow import Autoregressive as Autoregressive
from .flow import Coupling as Coupling
from .flow import Flow as Flow
from .gan import GAN as GAN
from .gan import conv_critic as conv_critic
from .gan import conv_generator as conv_generator
from .generation import generate as generate
from .googlenet import GoogLeNet as GoogLeNet
from .googlenet import GoogLeNetOutputs as GoogLeNetOutputs
from .googlenet import googlenet as googlenet
from .gpt2 import GPT2 as GPT2
from .graph import Graph as Graph
from .graph import batch_graphs as batch_graphs
from .graph import pool as pool
from .graph import sample_neighbours as sample_neighbours
from .graph_layers import GAT as GAT
from .graph_layers import GCN as GCN
from .graph_layers import GATConv as GATConv
from .graph_layers import GCNConv as GCNConv
from .graph_layers import GraphNet as GraphNet
from .graph_layers import GraphSAGE as GraphSAGE
from .graph_layers import SAGEConv as SAGEConv
from .kv_cache import KVCache as KVCache
from .lenet import LeNet as LeNet
from .mlp import MLP as MLP
from .mobilenet import EfficientNet as EfficientNet
from .mobilenet import MobileNetV2 as MobileNetV2
from .mobilenet import efficientnet_b0 as efficientnet_b0
from .mobilenet import mobilenet_v2 as mobilenet_v2
from .mtcnn import ONet as ONet
from .mtcnn import PNet as PNet
from .mtcnn import RNet as RNet
from .regularised import Ensemble as Ensemble
from .regularised import GaussianNoise as GaussianNoise
from .regularised import StochasticDepth as StochasticDepth
from .resnet import ResNet as ResNet
from .sentence import SentenceEncoder as SentenceEncoder
from .speaker import SpeakerEncoder as SpeakerEncoder
from .speaker import mel_energies as mel_energies
from .suggest import Suggestion as Suggestion
from .suggest import suggest as suggest
from .t5 import T5 as T5
from .unet import UNet as UNet
from .vae import VAE as VAE
from .vae import Autoencoder as Autoencoder
from .vgg import VGG as VGG
from .vgg import vgg11 as vgg11
from .vgg import vgg11_bn as vgg11_bn
from .vgg import vgg13 as vgg13
from .vgg import vgg13_bn as vgg13_bn
from .vgg import vgg16 as vgg16
from .vgg import vgg16_bn as vgg16_bn
from .vgg import vgg19 as vgg19
from .vgg import vgg19_bn as vgg19_bn
from .vit import ViT as ViT
from .vit import vit_b_16 as vit_b_16
from .voice import VoiceDetector as VoiceDetector

NAMES = ("mlp", "lenet", "resnet")  # take small images and sequences
LARGE = {"alexnet": 63, "vgg11": 32, "vgg11_bn": 32, "vgg13": 32, "vgg13_bn": 32, "vgg16": 32, "vgg16_bn": 32, "vgg19": 32,
         "vgg19_bn": 32, "resnet18": 1, "resnet34": 1, "resnet50": 1, "resnet101": 1, "googlenet": 15, "mobilenet_v2": 1,
         "efficientnet_b0": 1}  # the least height and width of its images


def build(name, input_shape, classes=10):
    """The model called `name` (one of NAMES or LARGE) for inputs [N, *input_shape] and `classes` outputs.

    input_shape: (C, H, W) for images or (C, L) for sequences, which mlp, lenet and resnet take. resnet18 and the like
    get a stem of full resolution for images below 64 pixels. Raises ValueError for an unknown name or shape.

    >>> build("mlp", (1, 8, 8)).layers[0].in_features
    64
    """
    import math

    channels, *size = input_shape
    if name == "mlp":
        return MLP((math.prod(input_shape), 256, 128, classes))
    if name == "lenet":
        return LeNet(channels, size, classes)
    if name == "resnet":
        return ResNet(channels, classes, dims=len(size))
    if name not in LARGE:
        raise ValueError(f"build: unknown model {name!r}; known: {', '.join([*NAMES, *LARGE])}")
    least = LARGE[name]
    if len(size) != 2 or min(size) < least:
        raise ValueError(f"build: {name} takes images (C, H, W) with H, W of at least {least}, got {tuple(input_shape)}; "
                         "lenet and resnet take smaller ones and sequences")
    options = {"num_classes": classes, "channels": channels}
    if name.startswith("resnet"):
        options["small"] = min(size) < 64
    if name == "googlenet":
        options["aux_logits"] = False  # its output is then one tensor in training as well
    return globals()[name](**options)


__all__ = ["AlexNet", "Autoencoder", "Autoregressive", "Bert", "Coupling", "Crepe", "DeepResNet", "Diffusion", "DiffusionUNet",
           "EfficientNet", "Ensemble", "Flow", "GAN", "GAT", "GATConv", "GCN", "GCNConv", "GPT2", "GaussianNoise", "GoogLeNet",
           "GoogLeNetOutputs", "Graph", "GraphNet", "GraphSAGE", "KVCache", "LARGE", "LeNet", "MLP", "MobileNetV2", "NAMES", "ONet",
           "PNet", "RNet", "ResNet", "SAGEConv", "SentenceEncoder", "SpeakerEncoder", "StochasticDepth", "Suggestion", "T5", "UNet",
           "VAE", "VGG", "ViT", "VoiceDetector", "alexnet", "batch_graphs", "build", "conv_critic", "conv_generator", "efficientnet_b0",
           "generate", "googlenet", "mean_pooling", "mel_energies", "mobilenet_v2", "pool", "resnet101", "resnet152", "resnet18",
           "resnet34", "resnet50", "resnext50_32x4d", "sample_neighbours", "suggest", "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16",
           "vgg16_bn", "vgg19", "vgg19_bn", "vit_b_16", "wide_resnet50_2"]
