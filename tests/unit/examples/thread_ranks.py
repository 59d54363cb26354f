"""Ranks as threads of one process: the few calls of an mpi4py communicator that the examples use.

Does not replace a run under a real MPI (tests/integration/examples); it lets the numerics be tested
where there is none.
"""

import queue
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

TIMEOUT_S = 60


class Finished:
    """A request that is complete from the start."""

    def Wait(self) -> None:  # noqa: N802  mpi4py's name
        """Return at once."""


class Pending:
    """A receive: the message is taken out of the box when waited for."""

    def __init__(self, box: "queue.Queue[Any]", target: Any) -> None:
        self.box = box
        self.target = target

    def Wait(self) -> None:  # noqa: N802  mpi4py's name
        """Fill the buffer given to `Irecv`."""
        np.copyto(self.target, self.box.get(timeout=TIMEOUT_S))


class World:
    """What all ranks share."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.barrier = threading.Barrier(size, timeout=TIMEOUT_S)
        self.values: list[Any] = [None] * size
        ranks = range(size)
        self.boxes: dict[tuple[int, int, int], queue.Queue[Any]] = {
            (source, dest, tag): queue.Queue()
            for source in ranks
            for dest in ranks
            for tag in (1, 2)
        }


class ThreadComm:
    """One rank's view of the world, with the names of mpi4py."""

    def __init__(self, world: World, rank: int) -> None:
        self.world = world
        self.rank = rank
        self.size = world.size

    def Isend(self, block: Any, dest: int, tag: int) -> Finished:  # noqa: N802  mpi4py's name
        self.world.boxes[self.rank, dest, tag].put(block.copy())
        return Finished()

    def Irecv(self, target: Any, source: int, tag: int) -> Pending:  # noqa: N802  mpi4py's name
        return Pending(self.world.boxes[source, self.rank, tag], target)

    def gather(self, value: Any, root: int = 0) -> list[Any] | None:
        values = self._share(value)
        return values if self.rank == root else None

    def allreduce(self, value: Any, op: Callable[..., Any] = lambda a, b: a + b) -> Any:
        result, *others = self._share(value)
        for other in others:
            result = op(result, other)
        return result

    def _share(self, value: Any) -> list[Any]:
        self.world.values[self.rank] = value
        self.world.barrier.wait()
        values = list(self.world.values)
        self.world.barrier.wait()
        return values


def on_ranks(size: int, program: Callable[[Any], Any]) -> list[Any]:
    """Run `program(comm)` on each rank; return what the ranks return, or raise what one raised."""
    world = World(size)
    results: list[Any] = [None] * size
    errors: list[BaseException] = []

    def run(rank: int) -> None:
        try:
            results[rank] = program(ThreadComm(world, rank))
        except BaseException as error:  # noqa: BLE001  handed on to the caller below
            errors.append(error)
            world.barrier.abort()

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    causes = [e for e in errors if not isinstance(e, threading.BrokenBarrierError)]
    if errors:
        raise (causes or errors)[0]
    return results
