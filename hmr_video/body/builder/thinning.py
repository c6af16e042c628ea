"""Fewer vertices, the same form: quadric edge collapse (Garland and Heckbert, SIGGRAPH 1997) of the left half, mirrored.

Vertices are only removed, never moved: what is known about those that stay (shapes, weights) stays true.
"""

import heapq
from collections import defaultdict

import numpy as np

from hmr_video.geometry import Array

_EXTREMITY = 0.35  # details of fingers and toes count this much
_LENGTH_COST = 3e-5  # per squared metre: prefers short edges where the surface is flat
_WEIGHT_COST = 2e-8  # per unit of difference in skinning weights: keeps the loops around joints
_MAX_VALENCE = 10
_MIN_SQUARED_ASPECT = 0.12


def thin(vertices: Array, faces: Array, weights: Array, partner: Array, count: int) -> tuple[Array, Array]:
    """The vertices to keep, about ``count`` of them, and the faces between them.

    vertices (V, 3), weights (V, 24), partner (V,) the mirror map -> kept (K,) sorted, faces (F', 3) numbered within.
    """
    seam = partner == np.arange(len(vertices))
    left = (seam | (vertices[:, 0] > 0))[faces].all(1) & ~seam[faces].all(1)
    half = _Half(vertices, faces[left], weights, seam)
    half.collapse((count - int(seam.sum())) // 2)
    kept_half = np.array(sorted(half.faces.values()))
    both = np.concatenate([kept_half, partner[kept_half][:, ::-1]])
    kept, renumbered = np.unique(both, return_inverse=True)
    return kept, renumbered.reshape(-1, 3)


class _Half:
    """One half of the body, its vertices on the seam locked."""

    def __init__(self, vertices: Array, faces: Array, weights: Array, seam: Array) -> None:
        self.points, self.weights, self.locked = vertices.astype(np.float64), weights, seam
        self.importance = np.where(weights[:, [10, 11, 22, 23]].sum(1) > 0.5, _EXTREMITY, 1.0)
        self.faces = {index: tuple(map(int, face)) for index, face in enumerate(faces)}
        self.around: dict[int, set[int]] = defaultdict(set)  # vertex -> its faces
        for index, face in self.faces.items():
            for vertex in face:
                self.around[vertex].add(index)
        self.quadrics = self._quadrics()

    def _quadrics(self) -> Array:
        """(V, 4, 4): squared distances to the planes of the faces around each vertex, by area."""
        quadrics = np.zeros((len(self.points), 4, 4))
        for face in self.faces.values():
            a, b, c = self.points[list(face)]
            normal = np.cross(b - a, c - a)
            area = np.linalg.norm(normal) / 2
            if area > 1e-14:
                plane = np.append(normal, -normal @ a) / (2 * area)
                quadrics[list(face)] += area * np.outer(plane, plane)
        return quadrics

    def neighbours(self, vertex: int) -> set[int]:
        return {other for face in self.around[vertex] for other in self.faces[face]} - {vertex}

    def cost(self, vertex: int, target: int) -> float:
        place = np.append(self.points[target], 1)
        deviation = abs(place @ (self.quadrics[vertex] + self.quadrics[target]) @ place)
        length = np.square(self.points[vertex] - self.points[target]).sum()
        difference = np.abs(self.weights[vertex] - self.weights[target]).sum()
        return float(self.importance[vertex] * (deviation + _LENGTH_COST * length + _WEIGHT_COST * difference))

    def collapse(self, count: int) -> None:
        """Removes the cheapest vertex until ``count`` are left that are not on the seam."""
        version: dict[int, int] = defaultdict(int)
        heap = [(*self._cheapest(vertex), vertex, 0) for vertex in self.around if not self.locked[vertex]]
        heapq.heapify(heap)
        left = len(heap)
        while left > count and heap:
            _, _, vertex, when = heapq.heappop(heap)
            if when != version[vertex] or not self.around[vertex]:
                continue
            options = sorted((self.cost(vertex, target), target) for target in self.neighbours(vertex))[:4]
            target = next((target for _, target in options if self._may_collapse(vertex, target)), None)
            if target is None:
                continue
            self._merge(vertex, target)
            left -= 1
            for touched in self.neighbours(target) | {target}:
                if not self.locked[touched]:
                    version[touched] += 1
                    heapq.heappush(heap, (*self._cheapest(touched), touched, version[touched]))

    def _cheapest(self, vertex: int) -> tuple[float, int]:
        return min((self.cost(vertex, target), target) for target in self.neighbours(vertex))

    def _may_collapse(self, vertex: int, target: int) -> bool:
        """Whether the surface stays a manifold without folds, slivers or crowded vertices."""
        mine, theirs = self.neighbours(vertex), self.neighbours(target)
        common = mine & theirs
        shared = [face for face in self.around[vertex] if target in self.faces[face]]
        if len(common) != 2 or len(shared) != 2 or len(mine) + len(theirs) - 4 > _MAX_VALENCE:
            return False
        if self.locked[target] and (
            any(self.locked[other] for other in mine - common - {target}) or all(self.locked[other] for other in common)
        ):
            return False
        return all(self._stays_sound(face, vertex, target) for face in self.around[vertex].difference(shared))

    def _stays_sound(self, face: int, vertex: int, target: int) -> bool:
        before = self.points[list(self.faces[face])]
        after = self.points[[target if corner == vertex else corner for corner in self.faces[face]]]
        old, new = (np.cross(corners[1] - corners[0], corners[2] - corners[0]) for corners in (before, after))
        doubled = np.linalg.norm(new)
        longest = np.square(after - np.roll(after, -1, axis=0)).sum(1).max()
        return bool(new @ old >= 0.5 * np.linalg.norm(old) * doubled and doubled >= _MIN_SQUARED_ASPECT * longest)

    def _merge(self, vertex: int, target: int) -> None:
        for face in list(self.around[vertex]):
            corners = self.faces[face]
            if target in corners:
                for corner in corners:
                    self.around[corner].discard(face)
                del self.faces[face]
            else:
                self.faces[face] = tuple(target if corner == vertex else corner for corner in corners)
                self.around[target].add(face)
        self.around[vertex].clear()
        self.quadrics[target] += self.quadrics[vertex]
