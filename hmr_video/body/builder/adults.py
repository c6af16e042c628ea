"""Adult shapes of MakeHuman's parametric body, through anny (CC0 data; the face segmentation is Apache-2.0)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from hmr_video.geometry import Array

_RIG, _TOPOLOGY = "anny", "anny-noeyes-notongue"
_CAVITIES = ("eye_cavity.L", "eye_cavity.R", "mouth_cavity")
_BATCH = 50
_DENSITY = 1000.0  # kg/m^3


@dataclass(frozen=True)
class Adults:
    """N shapes of one mesh, at rest in an A-pose; metres, y up, +x the subject's left, facing +z.

    vertices (N, V, 3); heads (N, B, 3), where each bone begins; bones, their B names; weights (V, B); faces (F, 3);
    cavity (F,), whether a face lies inside an eye socket or the mouth; mass (N,) kg; female (N,) 0 to 1.
    """

    vertices: Array
    heads: Array
    bones: tuple[str, ...]
    weights: Array
    faces: Array
    cavity: Array
    mass: Array
    female: Array


def sample_adults(count: int, seed: int = 0) -> Adults:
    """Draws ``count`` adults: two fifths women, two fifths men, the rest between; heights and girths as in populations."""
    import anny

    model = anny.Anny(rig=_RIG, topology=_TOPOLOGY, phenotypes="all", phenotype_blendshapes="original").to(dtype=torch.float32)
    traits = _draw_traits(count, np.random.default_rng(seed))
    vertices, heads = _shape(model, traits)
    faces = model.faces.numpy()
    weights = np.zeros((vertices.shape[1], model.bone_count), np.float32)
    rows = np.broadcast_to(np.arange(len(weights))[:, None], model.vertex_bone_indices.shape)
    np.add.at(weights, (rows, model.vertex_bone_indices.numpy()), model.vertex_bone_weights.numpy())
    return Adults(
        vertices=vertices,
        heads=heads,
        bones=tuple(model.bone_labels),
        weights=weights,
        faces=faces,
        cavity=_cavity_faces(),
        mass=np.array([_volume(shape, faces) for shape in vertices]) * _DENSITY,
        female=traits["gender"],
    )


def _draw_traits(count: int, rng: np.random.Generator) -> dict[str, Array]:
    """MakeHuman's phenotype sliders, (count,) each, in 0..1; an age of 2/3 is 25 years, 1 is 90."""

    def around(mean: float, spread: float) -> Array:
        return np.clip(rng.normal(mean, spread, count), 0, 1)

    gender = np.where(rng.random(count) < 0.4, 0.0, np.where(rng.random(count) < 0.667, 1.0, rng.random(count)))
    traits = {
        "gender": gender,
        "age": rng.uniform(2 / 3, 1, count),
        "muscle": around(0.5, 0.2),
        "weight": around(0.6, 0.28),
        "height": around(0.40, 0.075),
        "proportions": around(0.5, 0.25),
        "cupsize": around(0.5, 0.2),
        "firmness": around(0.5, 0.2),
    }
    origins = rng.dirichlet([1, 1, 1], count)
    return traits | dict(zip(("african", "asian", "caucasian"), origins.T, strict=True))


@torch.no_grad()
def _shape(model: Any, traits: dict[str, Array]) -> tuple[Array, Array]:
    """Rest vertices (N, V, 3) and bone heads (N, B, 3) of the traits, z up turned to y up."""
    vertices, heads = [], []
    count = len(traits["age"])
    for start in range(0, count, _BATCH):
        chosen = {name: torch.tensor(values[start : start + _BATCH], dtype=torch.float32) for name, values in traits.items()}
        parsed = model._parse_parameter_kwargs(chosen, model.phenotype_labels, 0.5, "phenotype")
        empty = torch.zeros(1, 0)
        strengths = model._get_phenotype_blendshape_coefficients(parsed, empty, empty)
        vertices.append(model.template_vertices + torch.einsum("nk,kvc->nvc", strengths, model.blendshapes))
        heads.append(model.template_bone_heads + torch.einsum("nk,kbc->nbc", strengths, model.bone_heads_blendshapes))
    return _y_up(torch.cat(vertices).numpy()), _y_up(torch.cat(heads).numpy())


def _y_up(points: Array) -> Array:
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], -1).astype(np.float32)


def _cavity_faces() -> Array:
    """(F,) bool."""
    from anny.face_segmentation import get_face_segmentation_mask
    from anny.models import build_model_data
    from anny.models.model_data import RigConfig, TopologyConfig

    data = build_model_data(
        rig=RigConfig.from_string(_RIG),
        topology=TopologyConfig.from_string(_TOPOLOGY),
        local_changes="none",
        facial_actions="none",
    )
    return np.logical_or.reduce([get_face_segmentation_mask(data, [name]).numpy() for name in _CAVITIES])


def _volume(vertices: Array, faces: Array) -> float:
    a, b, c = np.moveaxis(vertices[faces].astype(np.float64), 1, 0)
    return float(abs(np.einsum("fi,fi->", np.cross(a, b), c) / 6))
