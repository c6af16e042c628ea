"""Random clothes, skin, hair and faces for the open body, so that a detector takes rendered bodies for people."""

import numpy as np
import torch
import trimesh

from hmr_video.body import Body
from hmr_video.export.render.lighting import vertex_normals
from hmr_video.geometry import Array

_TROUSERS, _SHIRT, _SLEEVES, _SHINS, _SHOES = (0, 1, 2), (3, 6, 9, 13, 14, 16, 17), (18, 19), (4, 5), (7, 8, 10, 11)
_SKIN_TONES = ((0.94, 0.76, 0.65), (0.82, 0.61, 0.48), (0.62, 0.43, 0.32), (0.38, 0.25, 0.18))
_HAIR_TONES = ((0.08, 0.06, 0.05), (0.30, 0.19, 0.11), (0.62, 0.46, 0.26), (0.55, 0.54, 0.53))


class FineSurface:
    """A body's surface with every triangle split into four, fine enough for a face."""

    def __init__(self, faces: Array) -> None:
        mesh = trimesh.Trimesh(np.zeros((faces.max() + 1, 3)), faces, process=False)
        self.edges = mesh.edges_unique  # (E, 2)
        ab, bc, ca = (mesh.faces_unique_edges + faces.max() + 1).T
        a, b, c = np.asarray(faces).T
        self.faces = np.concatenate([np.stack(part, 1) for part in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])

    def vertices(self, coarse: Array) -> Array:
        """(..., V, 3) to (..., V + E, 3): the middles of the edges appended."""
        return np.concatenate([coarse, coarse[..., self.edges, :].mean(-2)], -2)


def random_clothes(body: Body, surface: FineSurface, betas: torch.Tensor, dice: np.random.Generator) -> Array:
    """Colours (V + E, 3) in 0..1 of somebody with shape ``betas`` (10,): shirt, trousers or shorts, shoes, hair, a face."""
    rest = surface.vertices(body.rest(betas)[0].numpy())
    face = body.coco_keypoints(torch.eye(3).expand(24, 3, 3), betas)[:5].numpy()
    part = body.weights.argmax(1).numpy()
    part = np.concatenate([part, part[surface.edges[:, 0]]])
    skin = np.array(_SKIN_TONES[dice.integers(4)]) * dice.uniform(0.85, 1.05)
    colours = np.tile(skin, (len(rest), 1))
    shirt, trousers = dice.uniform(0.08, 0.95, 3), dice.uniform(0.08, 0.8) * dice.uniform(0.6, 1.1, 3)
    colours[np.isin(part, _TROUSERS)] = trousers
    colours[np.isin(part, _SHIRT)] = shirt
    if dice.random() < 0.6:
        colours[np.isin(part, _SLEEVES)] = shirt
    if dice.random() < 0.75:
        colours[np.isin(part, _SHINS)] = trousers
    colours[np.isin(part, _SHOES)] = dice.uniform(0.05, 0.95)
    dressed = np.isin(part, _TROUSERS + _SHIRT + _SLEEVES + _SHINS)
    if dice.random() < 0.3:
        striped = dressed & ((rest[:, 1] * 100 % dice.uniform(6, 14)) < 4)
        colours[striped] = dice.uniform(0.05, 0.95, 3)
    waves = np.sin(rest @ dice.normal(0, 60, (3, 8)) + dice.uniform(0, 6, 8)).mean(1)  # something like folds
    colours[dressed] *= (1 + 0.25 * waves[dressed])[:, None]
    _paint_head(colours, rest, face, np.array(_HAIR_TONES[dice.integers(4)]))
    return colours.clip(0, 1)


def dressed(body: Body, vertices: Array, dice: np.random.Generator) -> Array:
    """Vertices (T, V, 3) of a posed body in clothes that stand off it: by up to 3.5 cm a shirt, 2.8 cm trousers."""
    thickness = np.zeros(body.weights.shape[1])
    thickness[[3, 6, 9]], thickness[[1, 2]], thickness[[4, 5]] = dice.uniform(0, [[0.035], [0.028], [0.012]])
    thickness[0], thickness[[16, 17]] = dice.uniform(0, 0.015), thickness[3] / 2
    cloth = body.weights.numpy() @ thickness
    faces = np.ascontiguousarray(body.faces, np.int64)
    return np.stack([one + cloth[:, None] * vertex_normals(one.astype(np.float64), faces) for one in vertices])


def _paint_head(colours: Array, rest: Array, face: Array, hair: Array) -> None:
    """Hair, eyes, brows and lips, in place. face (5, 3): nose, eyes, ears at rest; x left, y up, z forward."""
    x, y, z = np.abs(rest[:, 0]), rest[:, 1], rest[:, 2]
    nose, eye, ear = face[0], face[1], face[3]
    head = (y > ear[1] - 0.07) & (x < 0.12)
    ears = (x > 0.9 * abs(ear[0])) & (np.abs(y - ear[1]) < 0.035)
    colours[head & ((y > eye[1] + 0.06) | (z < ear[2] + 0.01)) & ~ears] = hair
    front = head & (z > eye[2] - 0.03)
    beside = x - abs(eye[0])
    colours[front & (np.hypot(beside / 0.016, (y - eye[1]) / 0.008) < 1)] = (0.9, 0.9, 0.88)
    colours[front & (np.hypot(beside, y - eye[1]) < 0.007)] = (0.12, 0.09, 0.08)
    colours[front & (np.abs(beside) < 0.02) & (np.abs(y - eye[1] - 0.02) < 0.005)] = 0.7 * hair
    lips = (z > eye[2] - 0.03) & (np.hypot(x / 0.026, (y - nose[1] + 0.035) / 0.009) < 1)
    colours[lips] = colours[lips] * 0.4 + 0.6 * np.array([0.6, 0.25, 0.25])
