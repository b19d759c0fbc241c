"""Learning-rate schedules: call step() once after each epoch (or batch), after optimizer.step()."""

from .base import *  # noqa: F403
from .compose import *  # noqa: F403
from .cosine import *  # noqa: F403
from .cycle import *  # noqa: F403
from .cyclic import *  # noqa: F403
from .decay import *  # noqa: F403
from .plateau import *  # noqa: F403

_LRScheduler = LRScheduler  # noqa: F405  (the name that scripts of before 2022 subclass)
