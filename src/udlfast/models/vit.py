"""The vision transformer, under the parameter names of torchvision's vit_b_16."""
from collections import OrderedDict

from .. import _core, nn
from ..errors import check_repeats
from ..nn import _fused
from ._images import named
from .pretrained import check_heads


class EncoderBlock(nn.Module):
    """x = x + attention(norm(x)), y = x + mlp(norm(x))"""

    def __init__(self, heads, width, hidden, dropout, attention_dropout):
        super().__init__()
        self.ln_1 = nn.LayerNorm(width, eps=1e-6)
        self.self_attention = nn.MultiheadAttention(width, heads, dropout=attention_dropout, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.ln_2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, width),
                                 nn.Dropout(dropout))
        for layer in (self.mlp[0], self.mlp[3]):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.normal_(layer.bias, std=1e-6)

    def forward(self, input):
        x, attention = self.ln_1(input), self.self_attention
        if not self.training and _fused.usable(x, attention.out_proj, self.mlp[0], self.mlp[3]):
            y, _ = attention.attend(x, x, x)
            x = _fused.linear(y, attention.out_proj, residual=input)
            return _fused.linear(_fused.linear(self.ln_2(x), self.mlp[0], _fused.GELU), self.mlp[3], residual=x)
        y, _ = attention(x, x, x, need_weights=False)
        x = input + self.dropout(y)
        return x + self.mlp(self.ln_2(x))


class Encoder(nn.Module):
    """norm(blocks(dropout(x + positions)))"""

    def __init__(self, length, layers, heads, width, hidden, dropout, attention_dropout):
        super().__init__()
        check_repeats("ViT: layers", layers)
        self.pos_embedding = nn.Parameter(_core.empty((1, length, width)))
        nn.init.normal_(self.pos_embedding, std=0.02)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.Sequential(OrderedDict(
            (f"encoder_layer_{i}", EncoderBlock(heads, width, hidden, dropout, attention_dropout))
            for i in range(layers)))
        self.ln = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x):
        return self.ln(self.layers(self.dropout(x + self.pos_embedding)))


class ViT(nn.Module):
    """An image as a sequence of patches through a transformer; its parameters have the names of torchvision's vit_b_16.

        x = (class token, W patch_1 + b, ..., W patch_P + b) + positions;  blocks;  y = W_head norm(x)_0

    image_size, patch_size: the image is [C, image_size, image_size], patch_size divides image_size. num_layers,
    num_heads, hidden_dim, mlp_dim: sizes. dropout, attention_dropout: probabilities. num_classes: outputs. channels: C.
    The defaults are those of vit_b_16; the head starts from 0. Input [N, C, H, W]; output [N, num_classes].

    >>> import udlfast as torch
    >>> net = ViT(image_size=8, patch_size=4, num_layers=1, num_heads=2, hidden_dim=8, mlp_dim=16, num_classes=3)
    >>> tuple(net(torch.zeros(2, 3, 8, 8)).shape)
    (2, 3)

    Source: Dosovitskiy et al. 2021; Understanding Deep Learning, section 12.10.
    """

    def __init__(self, image_size=224, patch_size=16, num_layers=12, num_heads=12, hidden_dim=768, mlp_dim=3072,
                 dropout=0.0, attention_dropout=0.0, num_classes=1000, channels=3):
        super().__init__()
        check_heads("ViT", hidden_dim, num_heads)
        if patch_size < 1 or image_size % patch_size:
            raise ValueError(f"ViT: patches of {patch_size} pixels do not divide an image of {image_size}")
        self.image_size, self.patch_size, self.hidden_dim, self.channels = image_size, patch_size, hidden_dim, channels
        self.class_token = nn.Parameter(_core.zeros((1, 1, hidden_dim)))
        self.conv_proj = nn.Conv2d(channels, hidden_dim, patch_size, stride=patch_size)
        nn.init.trunc_normal_(self.conv_proj.weight, std=(channels * patch_size**2) ** -0.5)
        nn.init.zeros_(self.conv_proj.bias)
        self.encoder = Encoder((image_size // patch_size) ** 2 + 1, num_layers, num_heads, hidden_dim, mlp_dim, dropout,
                               attention_dropout)
        self.heads = nn.Sequential(OrderedDict([("head", nn.Linear(hidden_dim, num_classes))]))
        nn.init.zeros_(self.heads.head.weight)
        nn.init.zeros_(self.heads.head.bias)

    def forward(self, x):
        N, wanted = x.shape[0], (self.channels, self.image_size, self.image_size)
        if tuple(x.shape[1:]) != wanted:
            raise ValueError(f"ViT: expected images [N, {', '.join(map(str, wanted))}], got {list(x.shape)}")
        from ..ops.joining import cat

        x = self.conv_proj(x).flatten(2).transpose(1, 2)
        x = cat((self.class_token.expand(N, 1, self.hidden_dim), x), 1)
        return self.heads(self.encoder(x).select(1, 0))


vit_b_16 = named("vit_b_16", ViT, "The vision transformer with 12 layers and patches of 16 pixels: 86.6 million parameters.")
