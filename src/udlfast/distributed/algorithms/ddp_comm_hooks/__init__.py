"""What DistributedDataParallel.register_comm_hook takes."""

from . import default_hooks as default_hooks
