"""Random changes of training images, under the names of torchvision.transforms: `from udlfast.data import transforms as T`.

`transforms.functional` has the changes without chance, `transforms.audio` those of sounds, `transforms.text` those of sentences.
"""
from . import audio as audio
from . import functional as functional
from . import text as text
from ._base import Transform as Transform
from .colour import ColorJitter as ColorJitter
from .colour import ConvertImageDtype as ConvertImageDtype
from .colour import GaussianBlur as GaussianBlur
from .colour import GaussianNoise as GaussianNoise
from .colour import Grayscale as Grayscale
from .colour import Normalize as Normalize
from .colour import PILToTensor as PILToTensor
from .colour import RandomAdjustSharpness as RandomAdjustSharpness
from .colour import RandomAutocontrast as RandomAutocontrast
from .colour import RandomEqualize as RandomEqualize
from .colour import RandomGrayscale as RandomGrayscale
from .colour import RandomInvert as RandomInvert
from .colour import RandomPosterize as RandomPosterize
from .colour import RandomSolarize as RandomSolarize
from .colour import ToPILImage as ToPILImage
from .colour import ToTensor as ToTensor
from .compose import Compose as Compose
from .compose import Lambda as Lambda
from .compose import RandomApply as RandomApply
from .compose import RandomChoice as RandomChoice
from .compose import RandomOrder as RandomOrder
from .geometry import CenterCrop as CenterCrop
from .geometry import Pad as Pad
from .geometry import RandomAffine as RandomAffine
from .geometry import RandomCrop as RandomCrop
from .geometry import RandomErasing as RandomErasing
from .geometry import RandomHorizontalFlip as RandomHorizontalFlip
from .geometry import RandomPerspective as RandomPerspective
from .geometry import RandomResizedCrop as RandomResizedCrop
from .geometry import RandomRotation as RandomRotation
from .geometry import RandomVerticalFlip as RandomVerticalFlip
from .geometry import Resize as Resize
from .policies import RandAugment as RandAugment
from .policies import TrivialAugmentWide as TrivialAugmentWide

__all__ = ["CenterCrop", "ColorJitter", "Compose", "ConvertImageDtype", "GaussianBlur", "GaussianNoise", "Grayscale", "Lambda", "Normalize",
           "PILToTensor", "Pad", "RandAugment", "RandomAdjustSharpness", "RandomAffine", "RandomApply", "RandomAutocontrast",
           "RandomChoice", "RandomCrop", "RandomEqualize", "RandomErasing", "RandomGrayscale", "RandomHorizontalFlip", "RandomInvert",
           "RandomOrder", "RandomPerspective", "RandomPosterize", "RandomResizedCrop", "RandomRotation", "RandomSolarize",
           "RandomVerticalFlip", "Resize", "ToPILImage", "ToTensor", "Transform", "TrivialAugmentWide", "audio", "functional", "text"]
