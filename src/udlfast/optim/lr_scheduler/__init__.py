"""Learning-rate schedules: call step() once after each epoch (or batch), after optimizer.step()."""

from .base import *  # noqa: F403
from .compose import *  # noqa: F403
from .cosine import *  # noqa: F403
from .cycle import *  # noqa: F403
from .decay import *  # noqa: F403
from .plateau import *  # noqa: F403
