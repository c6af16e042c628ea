"""The detector's network in OpenVINO: a frame on each core at a time, in bfloat16 where the processor has it."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

from hmr_video.errors import OutputError
from hmr_video.files import cache_folder, replacing, sha256
from hmr_video.geometry import Array
from hmr_video.people.detect.detections import Detections
from hmr_video.people.detect.heads import Heads

Result = TypeVar("Result")

_BFLOAT16 = {"amx_bf16", "avx512_bf16"}
_PARTS = 2  # version of what `hmr_video.people.detect.exporting` writes
_TRUNK, _HEADS = "trunk.xml", "heads.npz"


class OpenVinoNetwork:
    """YOLO pose weights on a CPU: the trunk compiled for this processor, the last layers computed where somebody is.

    The last layers put out coordinates, of which bfloat16 would round off pixels; they are not computed in it.

    stride: what the sides of images must be multiples of.
    """

    engine = "openvino"

    def __init__(self, weights: Path) -> None:
        folder = _exported(weights)
        from threadpoolctl import ThreadpoolController

        self._blas = ThreadpoolController()
        self._trunk = Parallel(compiled(folder / _TRUNK, folder.name), "detect")
        self._heads = Heads(folder / _HEADS)
        self.stride = int(self._heads.strides.max())

    def __call__(self, images: Iterable[Array], confidence: float, overlap: float) -> list[Detections]:
        """Who is in each of the images (H, W, 3) uint8 RGB, in their pixels.

        Detections below ``confidence`` are left out, and those that overlap a better one by more than ``overlap``.
        """
        with self._blas.limit(limits=1, user_api="blas"):  # numpy's threads would wait for each other while ours compute
            return list(self._trunk.map(partial(self._find, confidence, overlap), images))

    def _find(self, confidence: float, overlap: float, request: Any, image: Array) -> Detections:
        request.infer([image[None]], share_inputs=True)
        logits, *maps = (tensor.data[0] for tensor in request.output_tensors)
        return self._heads(logits, maps, confidence, overlap)


class Parallel:
    """A compiled network that looks at as many inputs at a time as suits this processor; ``name``: of its threads."""

    def __init__(self, network: Any, name: str) -> None:
        self._network, self._own = network, threading.local()
        self._pool = ThreadPoolExecutor(int(network.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")), name)

    def map(self, look: Callable[[Any, Array], Result], inputs: Iterable[Array]) -> Iterator[Result]:
        """What ``look`` finds in each of the inputs, by an inference request that no other thread has."""
        return self._pool.map(lambda one: look(self._request(), one), inputs)

    def _request(self) -> Any:
        if not hasattr(self._own, "request"):
            self._own.request = self._network.create_infer_request()
        return self._own.request


def compiled(path: Path, key: str, outputs: int | None = None) -> Any:
    """The network in a file, whose contents ``key`` stands for, compiled for this processor; only the first ``outputs`` of it.

    What comes of it is kept in the user's cache: loading that takes a fifth of the time. Raises what OpenVINO raises.
    """
    openvino = import_openvino()
    core = openvino.Core()
    settings = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": "bf16" if has_bfloat16() else "f32"}
    machine = core.get_property("CPU", "FULL_DEVICE_NAME"), os.cpu_count(), metadata.version("openvino")
    digest = hashlib.sha256(f"{key} {outputs} {machine} {settings}".encode()).hexdigest()[:16]
    kept = cache_folder() / "openvino" / f"{path.stem}-{digest}.blob"
    if kept.is_file():
        with suppress(RuntimeError):  # damaged: compiled anew
            return core.import_model(kept.read_bytes(), "CPU", settings)
    model = core.read_model(path)
    if outputs is not None:
        model = openvino.Model(model.outputs[:outputs], model.get_parameters(), path.stem)
    network = core.compile_model(model, "CPU", settings)
    with suppress(OutputError), replacing(kept, overwrite=True) as temporary:
        temporary.write_bytes(network.export_model().getvalue())
    return network


def has_bfloat16() -> bool:
    """Whether this processor multiplies in bfloat16 (only Linux tells)."""
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.is_file() and not _BFLOAT16.isdisjoint(cpuinfo.read_text().split())


def _exported(weights: Path) -> Path:
    """The folder with the weights' parts in the user's cache, exported at first use (seconds, no network)."""
    versions = " ".join(f"{name} {metadata.version(name)}" for name in ("openvino", "torch", "ultralytics"))
    key = hashlib.sha256(f"{sha256(weights)} {versions} {_PARTS}".encode()).hexdigest()[:16]
    folder = cache_folder() / "openvino" / f"{weights.stem}-{key}"
    if not folder.is_dir():
        from hmr_video.people.detect.exporting import export

        # Whoever is first renames a whole folder; a second process that exported meanwhile writes the same bytes.
        with replacing(folder, overwrite=True) as temporary:
            temporary.mkdir()
            export(weights, temporary / _TRUNK, temporary / _HEADS)
    return folder


def import_openvino() -> Any:
    """The module openvino, which reports even that it is imported."""
    with unreported():
        import openvino
    return openvino


@contextmanager
def unreported() -> Iterator[None]:
    """Keeps OpenVINO from reporting to its makers, which it does unasked except on CI machines."""
    before = os.environ.get("CI")
    os.environ["CI"] = "true"
    try:
        yield
    finally:
        if before is None:
            del os.environ["CI"]
        else:
            os.environ["CI"] = before
