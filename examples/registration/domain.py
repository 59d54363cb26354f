"""A volume cut into slabs, one per MPI rank, and the exchange of the slices at the cuts.

Does not know what the slices mean: voxels of an image and nodes of the displacement map are both
cut with this class. `comm` is an mpi4py communicator; nothing else of mpi4py is needed here.
"""

import numpy as np
from errors import RegistrationError

LOWER, UPPER = 1, 2  # message tags: which way a slice travels


class Slab:
    """Slices `start` to `stop` (exclusive) of `total`, held by this rank.

    Arrays are `(..., slice, row, column)`: the third axis from the end is the one that is cut.
    """

    def __init__(self, comm, total, start, stop):
        self.comm = comm
        self.total = total
        self.start = start
        self.stop = stop
        self.lower_rank = comm.rank - 1 if comm.rank > 0 else None
        self.upper_rank = comm.rank + 1 if comm.rank + 1 < comm.size else None

    @classmethod
    def share_of(cls, comm, total):
        """Cut `total` slices as evenly as can be and take this rank's share."""
        start = total * comm.rank // comm.size
        stop = total * (comm.rank + 1) // comm.size
        return cls(comm, total, start, stop)

    @property
    def n_slices(self):
        return self.stop - self.start

    def require_thickness(self, n_slices, purpose):
        """Refuse a cut so fine that the neighbours' slices would not be enough."""
        thinnest = self.comm.allreduce(self.n_slices, op=min)
        if thinnest < n_slices:
            most = self.total // n_slices
            raise RegistrationError(
                f"the thinnest slab has {thinnest} slices, but {purpose} needs {n_slices}: "
                f"use at most {most} ranks for these {self.total} slices"
            )

    def with_halo(self, own, width):
        """Return `own` with `width` slices of each neighbour around it.

        At the two outer ends of the volume the last slice is repeated instead.
        """
        first, last = own[..., :1, :, :], own[..., -1:, :, :]
        padded = np.concatenate([first.repeat(width, -3), own, last.repeat(width, -3)], axis=-3)
        from_lower, from_upper = self._swap(own[..., :width, :, :], own[..., -width:, :, :])
        if from_lower is not None:
            padded[..., :width, :, :] = from_lower
        if from_upper is not None:
            padded[..., -width:, :, :] = from_upper
        return padded

    def without_halo(self, padded, width):
        """Give the halo's values back to their owners, who add them: the transpose of `with_halo`.

        What lies beyond the outer ends of the volume is dropped.
        """
        own = padded[..., width:-width, :, :].copy()
        from_lower, from_upper = self._swap(padded[..., :width, :, :], padded[..., -width:, :, :])
        if from_lower is not None:
            own[..., :width, :, :] += from_lower
        if from_upper is not None:
            own[..., -width:, :, :] += from_upper
        return own

    def sum(self, value):
        return self.comm.allreduce(float(value))

    def max(self, value):
        return self.comm.allreduce(float(value), op=max)

    def dot(self, a, b):
        """Scalar product of two distributed arrays."""
        return self.sum(np.vdot(a, b))

    def _swap(self, to_lower, to_upper):
        """Send one block down and one up; return what came from below and from above."""
        requests, received = [], {}
        for rank, block, sent, expected in (
            (self.lower_rank, to_lower, LOWER, UPPER),
            (self.upper_rank, to_upper, UPPER, LOWER),
        ):
            if rank is None:
                continue
            received[rank] = np.empty(block.shape)
            requests.append(self.comm.Irecv(received[rank], source=rank, tag=expected))
            requests.append(self.comm.Isend(np.ascontiguousarray(block), dest=rank, tag=sent))
        for request in requests:
            request.Wait()
        return received.get(self.lower_rank), received.get(self.upper_rank)
