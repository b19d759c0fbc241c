"""Ways in which gradients travel."""

from . import ddp_comm_hooks as ddp_comm_hooks
