"""The published weights of HMMR and HMR: which of their variables becomes which of our tensors, and the import."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hmr_video.checkpoints.saving import save_model
from hmr_video.checkpoints.tf_bundle import Bundle
from hmr_video.errors import InputError
from hmr_video.features.resnet50 import ResNet50
from hmr_video.files import sha256
from hmr_video.geometry import Array
from hmr_video.model import HMMR
from hmr_video.model.discriminator import PoseDiscriminator
from hmr_video.model.presets import hmmr_paper

# Our module -> the scope of its variables.
_SCOPES: tuple[tuple[str, str], ...] = (
    (r"model\.temporal\.blocks\.(\d)\.conv(\d)\.linear", r"AZ_FC_block2_conv\2block_\1"),
    (r"model\.temporal\.blocks\.(\d)\.norm(\d)\.norm", r"AZ_FC_block_preact_gn\2block_\1"),
    (r"model\.hallucinator\.(fc\d)", r"fc2_res/\1"),
    (r"model\.regressor\.(fc\d)", r"single_view_ief/3D_module/\1"),
    (r"model\.regressor_(past|future)\.(fc\d)", r"single_view_ief_\g<1>5/3D_module/\2"),
    (r"discriminator\.shared\.0", r"D_pose/D_conv1"),
    (r"discriminator\.shared\.2", r"D_pose/D_conv2"),
    (r"discriminator\.joints\.(\d+)", r"D_pose/pose_out_j\1"),
    (r"discriminator\.pose\.0", r"D_pose/D_alljoints_fc1"),
    (r"discriminator\.pose\.2", r"D_pose/D_alljoints_fc2"),
    (r"discriminator\.pose\.4", r"D_pose/D_alljoints_out"),
    (r"image_encoder\.(conv1|postnorm)", r"resnet_v2_50/\1"),
    (r"image_encoder\.blocks\.(\d)\.(\d)\.norm(\d)", r"resnet_v2_50/block<\1>/unit_<\2>/bottleneck_v2/conv\3/BatchNorm"),
    (r"image_encoder\.blocks\.(\d)\.(\d)\.(\w+)", r"resnet_v2_50/block<\1>/unit_<\2>/bottleneck_v2/\3"),
)
_KERNEL_LEAVES = {"weight": "weights", "bias": "biases"}
_NORM_LEAVES = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
_OPTIMISER = re.compile(r".*/Adam(_1)?|beta[12]_power(_1)?|global_step")


@dataclass(frozen=True)
class Entry:
    """One tensor of ours: its name, the official variable and that one's shape, and how to turn it into ours."""

    name: str
    official: str
    shape: tuple[int, ...]
    convert: Callable[[Array], Array]


@dataclass
class ImportReport:
    """What an import did: tensors taken, optional variables that were missing, variables without a use here (by name)."""

    taken: int = 0
    missing: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)


def hmmr_entries() -> list[Entry]:
    """The temporal encoder, the regressors and the hallucinator, and the SMPL constants that they were trained with."""
    with torch.device("meta"):
        model = HMMR(hmmr_paper())
    entries = [_entry(f"model.{name}", tensor) for name, tensor in model.state_dict().items() if name != "mean_theta"]
    mean = Entry("model.mean_theta", "mean_param", (1, hmmr_paper().theta_size), lambda array: array[0])
    return [*entries, mean, *SMPL_ENTRIES]


def discriminator_entries() -> list[Entry]:
    """The pose discriminator, which only further training needs."""
    with torch.device("meta"):
        return [_entry(f"discriminator.{name}", tensor) for name, tensor in PoseDiscriminator().state_dict().items()]


def image_encoder_entries() -> list[Entry]:
    """ResNet-v2-50, which lies in HMR's checkpoint."""
    with torch.device("meta"):
        state = ResNet50().state_dict()
    return [_entry(f"image_encoder.{name}", tensor) for name, tensor in state.items() if not name.endswith("num_batches_tracked")]


SMPL_ENTRIES = [
    Entry("smpl.v_template", "v_template", (6890, 3), lambda array: array),
    Entry("smpl.shapedirs", "shapedirs", (10, 20670), lambda array: array.T.reshape(6890, 3, 10)),
    Entry("smpl.posedirs", "posedirs", (207, 20670), lambda array: array.T.reshape(6890, 3, 207)),
    Entry("smpl.J_regressor", "J_regressor", (6890, 24), lambda array: array.T),
    Entry("smpl.weights", "lbs_weights", (6890, 24), lambda array: array),
    Entry("smpl.keypoint_regressor", "cocoplus_regressor", (6890, 25), lambda array: array.T),
]


def _entry(name: str, tensor: Tensor) -> Entry:
    module, leaf = name.rsplit(".", 1)
    scope = next(re.sub(pattern, scope, module) for pattern, scope in _SCOPES if re.fullmatch(pattern, module))
    scope = re.sub(r"<(\d)>", lambda match: str(int(match[1]) + 1), scope)  # TensorFlow-Slim counts blocks and units from 1
    is_norm = "norm" in module or "preact" in module
    official = f"{scope}/{(_NORM_LEAVES if is_norm else _KERNEL_LEAVES)[leaf]}"
    if tensor.ndim == 4:
        out, into, height, width = tensor.shape
        return Entry(name, official, (height, width, into, out), lambda array: array.transpose(3, 2, 0, 1))
    if tensor.ndim == 1:
        return Entry(name, official, tuple(tensor.shape), lambda array: array)
    out, into = tensor.shape
    shape: tuple[int, ...] = (into, out)
    if "temporal" in name:
        shape = (3, 1, into // 3, out)  # the taps, one after the other
    elif "shared" in name:
        shape = (1, 1, into, out)
    return Entry(name, official, shape, lambda array: array.reshape(into, out).T)


def import_official(hmmr: Path, hmr: Path | None, faces: Path | None, output: Path, overwrite: bool = False) -> ImportReport:
    """Writes the published checkpoint with the prefix ``hmmr`` (and the image encoder in that of ``hmr``) as our weight file.

    ``faces`` (.npy) are the triangles of SMPL's mesh, which no checkpoint holds; without them the body cannot be drawn.
    Raises InputError when a file is missing, damaged, or another network's; OutputError when the output cannot be written.
    """
    report = ImportReport()
    bundle = Bundle(hmmr)
    tensors = _read(bundle, hmmr_entries(), discriminator_entries(), report)
    sources = {path.name: sha256(path) for path in (bundle.index_path, *bundle.data_paths)}
    if hmr is not None:
        bundle = Bundle(hmr)
        tensors |= _read(bundle, image_encoder_entries(), [], report)
        sources |= {f"hmr/{path.name}": sha256(path) for path in (bundle.index_path, *bundle.data_paths)}
    if faces is not None:
        tensors["smpl.f"] = _faces(faces, len(tensors["smpl.v_template"]))
        sources[faces.name] = sha256(faces)
    with torch.device("meta"):
        model = HMMR(hmmr_paper())
    state = {name.removeprefix("model."): tensors.pop(name) for name in list(tensors) if name.startswith("model.")}
    model.load_state_dict(state, assign=True)
    save_model(output, model, _provenance(sources), tensors, overwrite=overwrite)
    return report


def _read(bundle: Bundle, required: list[Entry], optional: list[Entry], report: ImportReport) -> dict[str, Tensor]:
    """All entries as tensors. A missing optional one is reported; a missing required one or a wrong shape is an InputError."""
    absent = [entry.official for entry in required if entry.official not in bundle.variables]
    if absent:
        raise InputError(
            f"{bundle.index_path} lacks {len(absent)} of {len(required)} variables, among them {', '.join(absent[:3])}.",
            "Give the checkpoint of HMMR with --hmmr and that of HMR, which holds the image encoder, with --hmr.",
        )
    present = [entry for entry in [*required, *optional] if entry.official in bundle.variables]
    for entry in present:
        found = bundle.variables[entry.official].shape
        if found != entry.shape:
            raise InputError(
                f"{entry.official} in {bundle.index_path} has the shape {found} where {entry.shape} is meant.",
                "Only the networks of the paper can be imported.",
            )
    tensors = {entry.name: _tensor(bundle, entry) for entry in present}
    used = {entry.official for entry in [*required, *optional]}
    report.taken += len(tensors)
    report.missing += [entry.official for entry in optional if entry.official not in bundle.variables]
    report.unused += sorted(name for name in bundle.variables if name not in used and not _OPTIMISER.fullmatch(name))
    return tensors


def _tensor(bundle: Bundle, entry: Entry) -> Tensor:
    array = np.ascontiguousarray(entry.convert(bundle.read(entry.official)), np.float32)
    if not np.isfinite(array).all():
        raise InputError(f"{entry.official} in {bundle.index_path} holds numbers that are not finite.", "Download it again.")
    return torch.from_numpy(array)


def _faces(path: Path, vertices: int) -> Tensor:
    """Triangles (F, 3) of an .npy file, checked against the number of vertices. Raises InputError."""
    try:
        faces = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as .npy.", "Give an array (F, 3) of vertex numbers saved by NumPy.") from error
    fits = isinstance(faces, np.ndarray) and faces.ndim == 2 and faces.shape[1] == 3 and faces.dtype.kind in "iu"
    if not fits or faces.min(initial=0) < 0 or faces.max(initial=0) >= vertices:
        raise InputError(f"{path} does not hold triangles of {vertices} vertices.", "Give SMPL's own, integers (13776, 3).")
    return torch.from_numpy(faces.astype(np.int32))


def _provenance(sources: dict[str, str]) -> dict[str, str]:
    return {
        "name": "HMMR (Kanazawa et al., CVPR 2019)",
        "source": json.dumps(sources),
        "licence": "that of the published checkpoint; its SMPL constants are for non-commercial research only",
        "trained_on": "the video datasets named in the paper, by its authors",
    }
