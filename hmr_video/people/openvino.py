"""The detector's network in OpenVINO: a frame on each core at a time, in bfloat16 where the processor has it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_ACTIVATIONS = {"Swish", "Relu", "HSwish", "Mish", "LeakyRelu"}
_BFLOAT16 = {"amx_bf16", "avx512_bf16"}


class OpenVino:
    """An exported network, compiled for this processor.

    Where that multiplies in bfloat16, all but the last layers do: they put out coordinates, of which bfloat16 would round off
    pixels. So keypoints are torch's to a tenth of a pixel or two; elsewhere to the last digits.
    """

    def __init__(self, path: Path) -> None:
        import openvino

        core = openvino.Core()
        model = _with_byte_images(core.read_model(path))
        fast = has_bfloat16()
        settings = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": "bf16" if fast else "f32"}
        cuts = _last_activations(model) if fast else []
        if cuts:
            front = core.compile_model(openvino.Model(cuts, model.get_parameters()), "CPU", settings)
            back = core.compile_model(_from(cuts, model), "CPU", settings | {"INFERENCE_PRECISION_HINT": "f32"})
            self._parts = [front, back]
        else:
            self._parts = [core.compile_model(model, "CPU", settings)]
        self._own = threading.local()
        self._pool = ThreadPoolExecutor(self._parts[0].get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"), "detect")

    def __call__(self, images: Array) -> Array:
        """Raw predictions (N, C, A) float32 of images (N, H, W, 3) uint8."""
        return np.concatenate(list(self._pool.map(self._predict, images)))

    def _predict(self, image: Array) -> Array:
        if not hasattr(self._own, "requests"):
            self._own.requests = [part.create_infer_request() for part in self._parts]
        values = [image[None]]
        for request in self._own.requests:
            request.infer(values, share_inputs=True)
            values = [tensor.data for tensor in request.output_tensors]
        return np.array(values[0])


def has_bfloat16() -> bool:
    """Whether this processor multiplies in bfloat16 (only Linux tells)."""
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.is_file() and not _BFLOAT16.isdisjoint(cpuinfo.read_text().split())


def _with_byte_images(model: Any) -> Any:
    """The model, but reading (N, H, W, 3) bytes where it read (N, 3, H, W) in 0..1."""
    from openvino import Type
    from openvino.preprocess import PrePostProcessor

    images = PrePostProcessor(model)
    images.input().tensor().set_element_type(Type.u8).set_layout("NHWC")
    images.input().preprocess().convert_element_type(Type.f32).scale(255.0)
    images.input().model().set_layout("NCHW")
    return images.build()


def _last_activations(model: Any) -> list[Any]:
    """The outputs of those layers with an activation between which and the result there is none."""
    found, seen = {}, set()
    ahead = list(model.get_results()[0].input_values())
    while ahead:
        value = ahead.pop()
        node = value.get_node()
        if node.get_type_name() in _ACTIVATIONS:
            found[node.get_friendly_name()] = value
        elif node.get_friendly_name() not in seen:
            seen.add(node.get_friendly_name())
            ahead += node.input_values()
    return [found[name] for name in sorted(found)]


def _from(cuts: list[Any], model: Any) -> Any:
    """The rest of a model behind ``cuts``. The model is used up."""
    import openvino
    from openvino import op

    inputs = []
    for value in cuts:
        begin = op.Parameter(value.get_element_type(), value.get_partial_shape())
        for reader in value.get_target_inputs():
            reader.replace_source_output(begin.output(0))
        inputs.append(begin)
    return openvino.Model(model.get_results(), inputs)
