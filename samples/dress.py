"""Clothes, hair and a face for the open body: where they lie (by the rest pose), what colour they have, how thick they are."""

from dataclasses import dataclass

import numpy as np

HEAD, NECK, PELVIS, SPINE1, SHOULDER, ELBOW, KNEE, ANKLE = 15, 12, 0, 3, 16, 18, 4, 7
NOSE, LEFT_EYE, LEFT_EAR = 0, 1, 3

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Outfit:
    """What somebody wears. Colours are red, green, blue in 0..1; ``sleeves`` runs from 0 (none) to 1 (to the wrists)."""

    skin: Colour
    hair: Colour
    shirt: Colour
    trousers: Colour
    shoes: Colour
    sleeves: float = 0.6
    stripes: Colour | None = None


def subdivide(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Splits every triangle into four: faces (F, 3) of V vertices -> edges (E, 2) and faces (4F, 3).

    Vertex V + e is the midpoint of edge e. Borders of clothes and lips need finer triangles than limbs do.
    """
    sides = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]], axis=2)  # (F, 3 sides, 2)
    edges, inverse = np.unique(sides.reshape(-1, 2), axis=0, return_inverse=True)
    middle = faces.max() + 1 + inverse.reshape(-1, 3)
    a, b, c = faces.T
    ab, bc, ca = middle.T
    return edges, np.concatenate([np.stack(piece, 1) for piece in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])


def refine(vertices: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Appends the midpoints of ``edges`` (E, 2) to ``vertices`` (V, 3)."""
    return np.concatenate([vertices, vertices[edges].mean(1)])


def dress(vertices: np.ndarray, joints: np.ndarray, face: np.ndarray, outfit: Outfit) -> tuple[np.ndarray, np.ndarray]:
    """Colour (V, 3) in 0..1 and thickness of the cloth (V,) in metres, for a body in the T-pose.

    vertices (V, 3), joints (24, 3) and face (17, 3; the COCO keypoints) in the body's own frame: x left, y up, z forward.
    """
    x, y, z = np.abs(vertices[:, 0]), vertices[:, 1], vertices[:, 2]
    colour = np.tile(np.asarray(outfit.skin), (len(vertices), 1))
    thick = np.zeros(len(vertices))

    def wear(where: np.ndarray, what: Colour, thickness: float) -> None:
        colour[where] = what
        thick[where] = thickness

    height = {name: joints[index, 1] for name, index in (("neck", NECK), ("spine", SPINE1), ("knee", KNEE), ("ankle", ANKLE))}
    shoulder, elbow = abs(joints[SHOULDER, 0]), abs(joints[ELBOW, 0])
    wrist = elbow + 0.95 * (elbow - shoulder)
    waist = height["spine"] - 0.02
    neckline = height["neck"] - 0.02 - 0.35 * np.clip(z - joints[NECK, 2], 0, 0.2) + 0.3 * np.clip(x - 0.07, 0, 1)
    arm = (x > shoulder) & (y > joints[SHOULDER, 1] - 0.3)
    torso = (y > waist - 0.02) & (y < neckline) & ~arm
    wear(torso | (arm & (x < shoulder + outfit.sleeves * (wrist - shoulder))), outfit.shirt, 0.012)
    if outfit.stripes:
        striped = (thick > 0) & ~arm & ((y * 100 % 9) < 3.2)
        colour[striped] = outfit.stripes
    hem = height["ankle"] + 0.012
    legs = (y <= waist) & (y > hem) & ~arm
    wear(legs, outfit.trousers, 0.010)
    thick[legs] += 0.012 * np.clip((height["knee"] + 0.1 - y[legs]) / 0.3, 0, 1) + 0.004 * (y[legs] > waist - 0.05)
    colour[(y <= waist) & (y > waist - 0.035) & ~arm] = np.multiply(outfit.trousers, 0.55)  # a belt
    shoes = y < height["ankle"] - 0.005
    wear(shoes, outfit.shoes, 0.009)
    colour[y < vertices[:, 1].min() + 0.010] = (0.82, 0.82, 0.8)  # soles
    cloth = torso | arm & (thick > 0) | legs
    folds = _folds(vertices)
    thick[cloth] += 0.003 * folds[cloth]
    colour[cloth] *= (1 + 0.07 * folds[cloth])[:, None]
    _hair_and_face(vertices, face, outfit, colour, thick)
    return colour, thick


def _folds(vertices: np.ndarray) -> np.ndarray:
    """Something like the folds of cloth: (V,) around 0, a sum of waves 4 to 12 cm long in directions of their own."""
    dice = np.random.default_rng(3)
    directions = dice.normal(size=(12, 3)) * [0.6, 1.0, 0.6]
    directions *= (2 * np.pi / dice.uniform(0.04, 0.12, 12) / np.linalg.norm(directions, axis=1))[:, None]
    return np.sin(vertices @ directions.T + dice.uniform(0, 6, 12)).sum(1) / 3.5


def _hair_and_face(vertices: np.ndarray, face: np.ndarray, outfit: Outfit, colour: np.ndarray, thick: np.ndarray) -> None:
    """Hair, eyes, brows, lips, cheeks and nostrils, painted into ``colour`` and ``thick`` in place."""
    x, y, z = np.abs(vertices[:, 0]), vertices[:, 1], vertices[:, 2]
    eye, ear, nose = np.abs(face[LEFT_EYE]), np.abs(face[LEFT_EAR]), face[NOSE]
    eye[2], ear[2] = face[LEFT_EYE, 2], face[LEFT_EAR, 2]
    on_head = (y > ear[1] - 0.075) & (x < 0.12)
    behind = z < ear[2] + 0.012 + 0.55 * np.clip(y - eye[1], 0, 0.2)
    is_ear = (x > 0.072) & (np.abs(y - ear[1]) < 0.04) & (z > ear[2] - 0.025)
    hair = on_head & ((y > eye[1] + 0.066 - 1.5 * np.clip(x - 0.045, 0, 1) ** 1.2) | behind) & ~is_ear
    colour[hair], thick[hair] = outfit.hair, 0.012
    front = z > eye[2] - 0.03

    def paint(where: np.ndarray, what: Colour, share: float = 1.0) -> None:
        colour[where] = (1 - share) * colour[where] + share * np.asarray(what)

    offset = np.hypot((x - eye[0]) / 0.016, (y - eye[1]) / 0.007)
    paint(front & (offset < 1), (0.93, 0.92, 0.9))
    paint(front & (np.hypot(x - eye[0], y - eye[1]) < 0.0075), (0.13, 0.09, 0.07))
    paint(front & (np.abs(x - eye[0]) < 0.021) & (np.abs(y - eye[1] - 0.0195) < 0.0045), np.multiply(outfit.hair, 0.8))
    lips = np.hypot(x / 0.027, (y - nose[1] + 0.034) / 0.009)
    paint(front & (lips < 1), (0.62, 0.28, 0.26), 0.75)
    paint(front & (np.hypot(x - 0.045, y - nose[1]) < 0.018), (0.85, 0.45, 0.38), 0.18)
    paint(front & (np.hypot((x - 0.011) / 0.006, (y - nose[1] + 0.013) / 0.004) < 1), (0.3, 0.15, 0.12), 0.6)
