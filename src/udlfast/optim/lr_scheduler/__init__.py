"""Learning-rate schedules: call step() once after each epoch (or batch), after optimizer.step()."""
from .base import *
from .compose import *
from .cosine import *
from .cycle import *
from .decay import *
from .plateau import *
