"""The mesh: closed, paired left to right."""

from collections import Counter

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import MIRRORED_JOINTS

MIRROR = np.array([-1.0, 1.0, 1.0])


def close(vertices: Array, weights: Array, faces: Array, cavity: Array) -> tuple[Array, Array, Array]:
    """Takes the cavities (F,) out and covers each hole by a fan about its middle.

    vertices (N, V, 3), weights (V, 24), faces (F, 3) -> the same for the closed, connected mesh.
    """
    kept = _largest_piece(faces[~cavity], vertices.shape[1])
    points, rows, fans = [vertices], [weights], [kept]
    for centre, rim in enumerate(_holes(kept), start=vertices.shape[1]):
        points.append(vertices[:, rim].mean(1, keepdims=True))
        rows.append(weights[rim].mean(0, keepdims=True))
        fans.append(np.array([[after, before, centre] for before, after in zip(rim, rim[1:] + rim[:1], strict=True)]))
    used, closed = np.unique(np.concatenate(fans), return_inverse=True)
    return np.concatenate(points, 1)[:, used], np.concatenate(rows)[used], closed.reshape(-1, 3)


def _largest_piece(faces: Array, count: int) -> Array:
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]]])
    graph = coo_matrix((np.ones(len(edges)), edges.T), shape=(count, count))
    labels = connected_components(graph, directed=False)[1][faces[:, 0]]
    return faces[labels == np.bincount(labels).argmax()]


def _holes(faces: Array) -> list[list[int]]:
    """The rims of the holes as rings of vertices, in the direction of the faces' edges. Rims must not touch each other."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).tolist()
    known = {(start, end) for start, end in edges}
    follows = {start: end for start, end in edges if (end, start) not in known}
    rings = []
    while follows:
        ring = [next(iter(follows))]
        while (after := follows.pop(ring[-1])) != ring[0]:
            ring.append(after)
        rings.append(ring)
    return rings


def mirror_map(vertices: Array) -> Array:
    """For each vertex (V, 3) of a symmetric mesh, its partner on the other side (V,). Raises ValueError if there is none."""
    _, partner = cKDTree(vertices).query(vertices * MIRROR)
    if not np.array_equal(partner[partner], np.arange(len(vertices))):
        raise ValueError("the mesh is not symmetric")
    return np.asarray(partner)


def symmetric_points(points: Array, partner: Array) -> Array:
    """Points (..., P, 3) averaged with their mirror images; partner (P,)."""
    return np.asarray(0.5 * (points + points[..., partner, :] * MIRROR), points.dtype)


def symmetric_weights(weights: Array, partner: Array) -> Array:
    """Weights (V, 24) averaged with those of the other side."""
    return np.asarray(0.5 * (weights + weights[partner][:, MIRRORED_JOINTS]))


def check_closed(faces: Array) -> None:
    """Raises ValueError unless every edge belongs to exactly two faces, once in each direction."""
    edges = Counter(map(tuple, np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).tolist()))
    if any(count != 1 or (end, start) not in edges for (start, end), count in edges.items()):
        raise ValueError("the mesh is not closed")
