"""A process that dies inside MPI_Init, before the others know it. Its launcher ends them all, but those of Open MPI and MPICH may say no
more than that a connection broke, or nothing. So a shell waits beside each process until that has joined, and says it."""

import contextlib
import os
import socket
import subprocess

RANKS = {"OMPI_COMM_WORLD_RANK": "OMPI_COMM_WORLD_SIZE", "PMI_RANK": "PMI_SIZE", "SLURM_PROCID": "SLURM_STEP_NUM_TASKS"}  # of launchers
SAY = 'read -r joined || echo "$0" >&2'  # the pipe ends with the process


@contextlib.contextmanager
def guarded():
    """Within it the death of this process is said on its standard error, where a launcher has started it."""
    shell, name = None, next((name for name in RANKS if name in os.environ), None)
    if name is not None:
        who = f"rank {os.environ[name]} of {os.environ.get(RANKS[name], '?')} (process {os.getpid()} on {socket.gethostname()})"
        words = ["/bin/sh", "-c", SAY, f"udlfast.distributed: {who} died before it had joined the others"]
        with contextlib.suppress(OSError):
            shell = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        yield
    finally:
        if shell is not None:
            shell.communicate(b"joined\n")
