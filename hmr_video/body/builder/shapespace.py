"""Ten numbers for a person's shape, and joints that follow from the mesh."""

from dataclasses import dataclass

import numpy as np

from hmr_video.body.builder.surface import symmetric_points
from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import JOINT_NAMES, MIRRORED_JOINTS

NUM_BETAS = 10
_CANDIDATES = 800  # vertices that a joint is regressed from
_RIDGE = 1e-6  # square metres


@dataclass(frozen=True)
class ShapeSpace:
    """mean (V, 3); directions (V, 3, 10) metres per standard deviation; the same for joints (24, 3), (24, 3, 10)."""

    mean: Array
    directions: Array
    joint_mean: Array
    joint_directions: Array


def shape_space(vertices: Array, joints: Array, faces: Array, traits: list[Array], partner: Array) -> ShapeSpace:
    """The ten principal shapes (weighted by area) of vertices (N, V, 3) and their joints (N, 24, 3), turned within their span:
    beta k runs along ``traits[k]`` (N,), made orthogonal to those before; the others are the principal shapes of the rest.

    Each beta has mean 0 and variance 1 over the sample.
    """
    count = len(vertices)
    mean, joint_mean = vertices.mean(0), joints.mean(0)
    deviation = vertices - mean
    weight = np.sqrt(_vertex_areas(mean, faces))[:, None]
    rows = (deviation * weight).reshape(count, -1)
    values, vectors = np.linalg.eigh((rows @ rows.T).astype(np.float64))
    scores = vectors[:, np.argsort(values)[::-1][:NUM_BETAS]] * np.sqrt(count)  # (N, 10), whitened
    directions = np.einsum("nk,nvc->vck", scores, deviation) / count
    turn = _turn_to_traits(scores, (directions * weight[..., None]).reshape(-1, NUM_BETAS), traits)
    joint_directions = np.einsum("nk,njc->jck", scores, joints - joint_mean) / count @ turn
    return ShapeSpace(
        symmetric_points(mean, partner),
        _symmetric_directions(directions @ turn, partner),
        symmetric_points(joint_mean, np.array(MIRRORED_JOINTS)),
        _symmetric_directions(joint_directions, np.array(MIRRORED_JOINTS)),
    )


def _symmetric_directions(directions: Array, partner: Array) -> Array:
    return np.moveaxis(symmetric_points(np.moveaxis(directions, -1, 0), partner), 0, -1)


def _vertex_areas(vertices: Array, faces: Array) -> Array:
    """A third of the faces around each vertex (V,), as shares of the whole."""
    a, b, c = np.moveaxis(vertices[faces], 1, 0)
    areas = np.bincount(faces.ravel(), np.repeat(np.linalg.norm(np.cross(b - a, c - a), axis=1), 3), len(vertices))
    return np.asarray(areas / areas.sum())


def _turn_to_traits(scores: Array, weighted: Array, traits: list[Array]) -> Array:
    """An orthogonal matrix (10, 10) whose first columns are the directions in score space along which the traits grow."""
    columns: list[Array] = []
    for trait in traits:
        column = np.linalg.lstsq(scores, (trait - trait.mean()) / trait.std(), rcond=None)[0]
        for earlier in columns:
            column = column - earlier * (earlier @ column)
        columns.append(column / np.linalg.norm(column))
    chosen = np.stack(columns, 1)
    rest = np.eye(NUM_BETAS) - chosen @ chosen.T
    _, vectors = np.linalg.eigh(rest @ (weighted.T @ weighted) @ rest)
    others = vectors[:, ::-1][:, : NUM_BETAS - len(traits)]
    signs = np.sign(others[np.abs(others).argmax(0), np.arange(others.shape[1])])
    return np.concatenate([chosen, others * signs], 1)


def joint_regressor(space: ShapeSpace, partner: Array) -> Array:
    """Rows (24, V) that sum to 1 and give each joint, for every shape of the space, to a quarter of a millimetre.

    Each takes the vertices nearest to the joint, weights falling off with distance, and a small correction (ridge regression)
    that follows the joint through mean and ten directions.
    """
    regressor = np.zeros((len(JOINT_NAMES), len(space.mean)))
    values = np.concatenate([space.mean[..., None], space.directions], -1)
    wanted = np.concatenate([space.joint_mean[..., None], space.joint_directions], -1)
    for joint, name in enumerate(JOINT_NAMES):
        if name.startswith("right"):
            continue
        distance = np.linalg.norm(space.mean - space.joint_mean[joint], axis=1)
        nearest = np.argsort(distance, kind="stable")[:_CANDIDATES]
        if not name.startswith("left"):
            nearest = np.union1d(nearest, partner[nearest])
        guess = 1 / (distance[nearest] + 0.02) ** 2
        guess /= guess.sum()
        system = np.concatenate([values[nearest].reshape(len(nearest), -1).T, np.ones((1, len(nearest)))])
        target = np.append(wanted[joint].reshape(-1), 1)
        gram = system @ system.T + _RIDGE * np.eye(len(system))
        row = guess + system.T @ np.linalg.solve(gram, target - system @ guess)
        regressor[joint, nearest] = row / row.sum()
        mirrored = regressor[joint][partner]
        if name.startswith("left"):
            regressor[MIRRORED_JOINTS[joint]] = mirrored
        else:
            regressor[joint] = 0.5 * (regressor[joint] + mirrored)
    return regressor
