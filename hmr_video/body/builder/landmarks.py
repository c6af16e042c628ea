"""Points and parts of the open body that are not SMPL's: COCO's face, and what would be hair or clothes."""

import numpy as np

from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import JOINT_NAMES

PARTS = ("skin", "hair", "shirt", "trousers", "shoes")
# From the tip of the nose to the middle of the left eye's opening and of the left ear, in metres on the mean shape.
_NOSE_TO_EYE = np.array([0.0316, 0.0384, -0.0337])
_NOSE_TO_EAR = np.array([0.0790, 0.0180, -0.1270])


def face_vertices(vertices: Array, weights: Array, partner: Array) -> Array:
    """The vertices (5,) that are nose, left eye, right eye, left ear, right ear of the mean shape (V, 3)."""
    head = np.nonzero(weights[:, JOINT_NAMES.index("head")] > 0.5)[0]
    nose = head[vertices[head, 2].argmax()]
    eye, ear = (
        head[np.linalg.norm(vertices[head] - vertices[nose] - offset, axis=1).argmin()] for offset in (_NOSE_TO_EYE, _NOSE_TO_EAR)
    )
    return np.array([nose, eye, partner[eye], ear, partner[ear]], np.int32)


def part_labels(vertices: Array, joints: Array, weights: Array, face: Array) -> Array:
    """What each vertex of the mean shape in the T-pose is: an index of PARTS, (V,) uint8."""
    x, y, z = np.abs(vertices[:, 0]), vertices[:, 1], vertices[:, 2]
    at = dict(zip(JOINT_NAMES, joints, strict=True))
    dominant = weights.argmax(1)

    def moved_by(*names: str) -> Array:
        return np.asarray(np.isin(dominant, [JOINT_NAMES.index(side + name) for name in names for side in ("", "left_", "right_")
                                             if side + name in JOINT_NAMES]))  # fmt: skip

    head, arms = moved_by("head", "neck"), moved_by("shoulder", "elbow", "wrist", "hand")
    waist, collar, sleeve = (
        at["spine1"][1] - 0.04,
        at["neck"][1] - 0.035,
        0.75 * at["left_elbow"][0] + 0.25 * at["left_shoulder"][0],
    )
    eye, ear = vertices[face[1]], vertices[face[3]]
    ears = (x > ear[0] - 0.006) & (y < ear[1] + 0.03) & (np.abs(z - ear[2]) < 0.03)
    labels = np.zeros(len(vertices), np.uint8)
    labels[moved_by("head") & (y > eye[1] - 0.045 + 0.55 * (z - z[head].min())) & ~ears] = PARTS.index("hair")
    labels[(y < waist) & ~arms] = PARTS.index("trousers")
    labels[(y >= waist) & (y < collar + 0.25 * x.clip(0, 0.12)) & (x < sleeve) & ~moved_by("head")] = PARTS.index("shirt")
    labels[y < at["left_ankle"][1] + 0.02] = PARTS.index("shoes")
    return labels
