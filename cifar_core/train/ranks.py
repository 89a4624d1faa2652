"""The processes that train one network together, called ranks: which pictures each one computes, and how they agree.

Each rank computes its part of every batch. The gradients are summed by DistributedDataParallel, and the logits of the
whole batch reach every rank, so that what follows from them (losses, pruning, records, early stopping) is the same on
all of them and a checkpoint of rank 0 is whole. Rank 0 alone hears requests and tells them to the others.

A training of one process takes `ALONE`, which changes and costs nothing.
"""

import contextlib
import math
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from cifar_core.errors import ConfigError, LostRankError
from cifar_core.lifecycle.ranks.environment import rank_here
from cifar_core.lifecycle.states import EndRequest

_LOCAL_RANK, _LOCAL_WORLD = "LOCAL_RANK", "LOCAL_WORLD_SIZE"  # as torchrun names those on one machine
JOIN_SECONDS = 60.0  # until all ranks have come
BEGIN_SECONDS = 600.0  # until rank 0 has drawn and checked the dataset
STEP_SECONDS = 45.0  # for another rank in the middle of a training; one that takes longer is frozen
_STREAM = 7  # keeps the random numbers of dropout independent of other uses of the seed
_LOOK_SECONDS = 0.05  # between two looks whether all ranks have come
_REQUESTS = (None, *EndRequest)  # the place of a request is the number that stands for it between ranks
# What torch says where another process is gone: gloo raises a plain RuntimeError for it.
_LOST = re.compile(
    r"gloo|connection|timed out|timeout|broken pipe|socket|nccl|process ?group|(TCP|File)Store", re.IGNORECASE
)


@dataclass(frozen=True)
class Part:
    """The pictures of a batch that a rank computes."""

    rows: slice  # of the batch
    over: float  # each picture's gradient is divided by it; infinite for a picture that another rank computes too

    @property
    def is_own(self) -> bool:
        """False where a batch has fewer pictures than ranks, and this rank computes one that counts for nothing."""
        return math.isfinite(self.over)


class Ranks(Protocol):
    """What a training needs of the ranks that it is divided among."""

    rank: int  # 0 to world - 1; 0 alone writes
    world: int

    def part(self, count: int) -> Part:
        """The part of a batch of so many pictures that this rank computes."""

    def parallel(self, net: nn.Module) -> nn.Module:
        """The network whose backward pass gives the gradients of all ranks' parts together."""

    def whole(self, logits: torch.Tensor, part: Part, count: int) -> Callable[[], torch.Tensor]:
        """Begin to collect the logits of a batch of `count`; what is returned waits for them: float32 [count, K]."""

    def agreed(self, request: EndRequest | None) -> EndRequest | None:
        """After a batch: tell the request of rank 0, and return the one that all ranks obey after this batch."""

    def decide(self, request: EndRequest | None) -> EndRequest | None:
        """The request of rank 0, at once."""

    def share(self, tensors: Iterable[torch.Tensor]) -> None:
        """Overwrite these tensors by those of rank 0."""

    def total(self, values: torch.Tensor) -> torch.Tensor:
        """The sum of these values over all ranks."""

    def seed(self, *numbers: int) -> None:
        """Begin a stream of random numbers (for dropout) of this rank and of these numbers."""


class Alone:
    """A training of one process."""

    rank, world = 0, 1

    def part(self, count: int) -> Part:
        """All of it."""
        return Part(slice(0, count), count)

    def parallel(self, net: nn.Module) -> nn.Module:
        """The network itself."""
        return net

    def whole(self, logits: torch.Tensor, part: Part, count: int) -> Callable[[], torch.Tensor]:
        """The logits themselves."""
        return lambda: logits

    def agreed(self, request: EndRequest | None) -> EndRequest | None:
        """The request, which counts at once."""
        return request

    decide = agreed

    def share(self, tensors: Iterable[torch.Tensor]) -> None:
        """There is nobody to share with."""

    def total(self, values: torch.Tensor) -> torch.Tensor:
        """The values themselves."""
        return values

    def seed(self, *numbers: int) -> None:
        """The one stream goes on."""


ALONE = Alone()


class Together:
    """One of several ranks. Each of them must call the same methods in the same order."""

    def __init__(self, rank: int, world: int, group: "dist.ProcessGroup | None" = None) -> None:
        """Made by `join_ranks`, for one training.

        Args:
            rank: 0 to world - 1.
            world: how many there are.
            group: connects them while they train; None: the one that also connects them before.
        """
        self.rank, self.world, self._group = rank, world, group
        self._asked: EndRequest | None = None  # of rank 0, not told yet
        self._told = self._heard = torch.zeros(1)  # the number of the request: of the newest batch, of the one before
        self._parallel: DistributedDataParallel | None = None
        self._learned: list[nn.Parameter] = []  # what `_parallel` sums the gradients of

    def part(self, count: int) -> Part:
        """The ranks' parts differ by one picture at most, and the first ones are the larger ones."""
        begin, end = (-(-rank * count // self.world) for rank in (self.rank, self.rank + 1))
        if begin == end:
            return Part(slice(0, 1), math.inf)
        return Part(slice(begin, end), count / self.world)  # the sum over ranks is divided by their number

    def parallel(self, net: nn.Module) -> nn.Module:
        """As promised; it begins with the weights of rank 0, and anew where other weights are learned than before."""
        learned = [item for item in net.parameters() if item.requires_grad]
        if self._parallel is None or list(map(id, learned)) != list(map(id, self._learned)):
            self._parallel = None  # the old one takes its hooks off the weights before the new one hangs its own on
            self._parallel, self._learned = _data_parallel(net, self._group), learned
        return self._parallel

    def whole(self, logits: torch.Tensor, part: Part, count: int) -> Callable[[], torch.Tensor]:
        """As promised; the request of rank 0 travels with them."""
        rows, classes = part.rows, logits.shape[1]
        told = torch.zeros(count * classes + 1, device=logits.device)
        if part.is_own:
            told[rows.start * classes : rows.stop * classes] = logits.detach().reshape(-1)
        if self._asked is not None:
            told[-1] = _REQUESTS.index(self._asked)
        work = dist.all_reduce(told, group=self._group, async_op=True)

        def wait() -> torch.Tensor:
            work.wait()
            self._heard, self._told = self._told, told[-1:]
            return told[:-1].view(count, classes)

        return wait

    def agreed(self, request: EndRequest | None) -> EndRequest | None:
        """As promised. All obey two batches later: what was told with the newest batch may still be computed (GPU)."""
        self._asked = request if self.rank == 0 else None
        return _REQUESTS[int(self._heard)]

    def decide(self, request: EndRequest | None) -> EndRequest | None:
        """As promised, by a broadcast."""
        told = torch.tensor([_REQUESTS.index(request)])
        self.share([told])
        return _REQUESTS[int(told)]

    def share(self, tensors: Iterable[torch.Tensor]) -> None:
        """As promised, by broadcasts."""
        for item in tensors:
            dist.broadcast(item, 0, group=self._group)

    def total(self, values: torch.Tensor) -> torch.Tensor:
        """As promised, in place."""
        dist.all_reduce(values, group=self._group)
        return values

    def seed(self, *numbers: int) -> None:
        """As promised: so a checkpoint needs no random state of any rank."""
        torch.manual_seed(int(np.random.default_rng([_STREAM, self.rank, *numbers]).integers(2**63)))

    def tell(self, content: bytes) -> bytes:
        """The bytes of rank 0, before the training; it may take `BEGIN_SECONDS`."""
        size = torch.tensor([len(content)])
        dist.broadcast(size, 0)
        data = torch.frombuffer(bytearray(content), dtype=torch.uint8) if self.rank == 0 and content else None
        data = torch.empty(int(size), dtype=torch.uint8) if data is None else data
        dist.broadcast(data, 0)
        return data.numpy().tobytes()


def _data_parallel(net: nn.Module, group: "dist.ProcessGroup | None") -> DistributedDataParallel:
    """The network with summed gradients, after a backward pass that counts for nothing.

    torch decides the order of the gradients in its messages after the first pass, and sums of three or more ranks
    depend on that order: so a resumed training is bit-exact from its first batch on. Running statistics are not shared
    at each step; `Trainer` shares them before they are used.
    """
    device = next(net.parameters()).device
    ids = [device.index or 0] if device.type == "cuda" else None
    parallel = DistributedDataParallel(net, device_ids=ids, process_group=group)
    parallel.broadcast_buffers = False  # its argument has another name from torch 2.13 on
    was_training = net.training
    net.eval()  # no dropout is drawn, no statistic changes
    for _ in range(2):  # the second one makes torch take the new order, outside of any measured step
        parallel(torch.zeros(1, 3, 32, 32, device=device).to(memory_format=torch.channels_last)).sum().backward()
        net.zero_grad()
    net.train(was_training)
    return parallel


def local_ranks() -> int:
    """How many ranks of a training share this machine."""
    return int(os.environ.get(_LOCAL_WORLD, "1")) if rank_here().world > 1 else 1


def rank_device(device: torch.device) -> torch.device:
    """The device of this rank: of several GPUs each local rank takes its own.

    Raises:
        ConfigError: there are fewer GPUs than ranks here, or it is one of a Mac, where ranks cannot exchange tensors.
    """
    if rank_here().world == 1 or device.type == "cpu":
        return device
    if device.type != "cuda":
        raise ConfigError([f"Several processes cannot train on the device {device.type}: set device to cpu."])
    local, found = int(os.environ.get(_LOCAL_RANK, "0")), torch.cuda.device_count()
    if local >= found:
        raise ConfigError(
            [f"Each process needs a GPU of its own, and this machine has {found}: start fewer, or set device to cpu."]
        )
    return torch.device("cuda", local)


def join_ranks(
    device: torch.device, *, timeout_s: float = JOIN_SECONDS, waiting: Callable[[], None] = lambda: None
) -> Alone | Together:
    """Meet the other ranks of a training; returns at once where this process trains alone.

    Args:
        device: of this rank, of `rank_device`. gloo connects ranks on a CPU, NCCL those on GPUs.
        timeout_s: how long to wait until all have come, in seconds.
        waiting: called every now and then while it waits; may raise.

    Raises:
        LostRankError: not all came in time.
        ConfigError: this build of torch lacks what it takes.
    """
    here = rank_here()
    if here.world == 1:
        return ALONE
    if not dist.is_available():
        raise ConfigError(["This build of torch cannot train on several processes: set processes to 1."])
    if device.type == "cuda":
        torch.cuda.set_device(device)
    with lost_ranks():
        wait = timedelta(seconds=timeout_s)
        store, _, _ = next(dist.rendezvous(here.rendezvous or "env://", here.rank, here.world, timeout=wait))
        _meet(store, here.world, timeout_s, waiting)
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo",
            store=store,
            rank=here.rank,
            world_size=here.world,
            timeout=timedelta(seconds=BEGIN_SECONDS),
        )
        group = dist.new_group(timeout=timedelta(seconds=STEP_SECONDS))
        assert not isinstance(group, int)  # as it would be in a process outside of the group
    return Together(here.rank, here.world, group)


def _meet(store: "dist.Store", world: int, timeout_s: float, waiting: Callable[[], None]) -> None:
    deadline, here = time.monotonic() + timeout_s, store.add("here", 1)
    while here < world:
        if time.monotonic() > deadline:
            raise LostRankError(f"Only {here} of the {world} processes of this training came within {timeout_s:.0f} s.")
        waiting()
        time.sleep(_LOOK_SECONDS)
        here = store.add("here", 0)


@contextlib.contextmanager
def lost_ranks() -> Iterator[None]:
    """Turn what torch raises where another rank is gone into a LostRankError."""
    try:
        yield
    except RuntimeError as error:  # torch's own classes of these are RuntimeErrors too
        if rank_here().world == 1 or not _LOST.search(str(error)):
            raise
        reason = str(error).strip().splitlines()[0]
        raise LostRankError(f"Another process of this training is gone ({reason}).") from error
