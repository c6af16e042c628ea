"""One person filmed by several calibrated cameras at once: a truth for real footage, triangulated from all views' detections.

It is as good as the detector, whose errors in one view the others outvote; how well the views agree is printed with it.
"""

import tomllib
from collections.abc import Sequence as Several
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from hmr_video.errors import InputError
from hmr_video.evaluate.compare import PAPER_JOINTS, Sequence, same_moments
from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import COCO_LIMBS, COCO_NAMES, LIMB_JOINTS
from hmr_video.motion import Motion, load_arrays

CALIBRATION = "calibration.toml"
_KEYS = {"matrix": (3, 3), "rotation": (3,), "translation": (3,)}
_ROUNDS = 10  # of reweighting
_OUTLIER_SHARE = 0.02  # of the person's height on the image, from which a detection loses its say
_NOT_THE_SAME = 0.1  # the same, of all detections: the cameras see different people, or at different times


@dataclass(frozen=True)
class View:
    """A camera: its ``matrix`` (3, 3) in pixels, ``distortions`` (4 or more, in OpenCV's order), ``pose`` (3, 4): world to it."""

    name: str
    matrix: Array
    distortions: Array
    pose: Array

    def undistorted(self, pixels: Array) -> Array:
        """Pixels (..., 2) of the video as rays (..., 2): x / z and y / z in the camera's space."""
        import cv2

        flat = np.ascontiguousarray(pixels.reshape(-1, 1, 2), np.float64)
        return np.asarray(cv2.undistortPoints(flat, self.matrix, self.distortions)).reshape(pixels.shape)


def read_calibration(folder: Path) -> list[View]:
    """The cameras of ``calibration.toml``, in the layout of aniposelib and Pose2Sim: a table per camera, with its name, matrix,
    distortions, rotation (a vector, world to camera) and translation (metres). Raises InputError."""
    path = folder / CALIBRATION
    remedy = "Give a folder with one, as aniposelib or Pose2Sim writes it, and the cameras' videos, named like the cameras."
    try:
        tables = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no calibration ({error}).", remedy) from error
    views = []
    for table in (table for table in tables.values() if isinstance(table, dict) and "matrix" in table):
        if table.get("fisheye"):
            raise InputError(f"{path}: camera {table.get('name')} has a fisheye lens.", "Undistort its video first.")
        try:
            arrays = {key: np.array(table[key], float).reshape(shape) for key, shape in _KEYS.items()}
            pose = np.column_stack([Rotation.from_rotvec(arrays["rotation"]).as_matrix(), arrays["translation"]])
            views.append(View(str(table["name"]), arrays["matrix"], np.array(table.get("distortions", [0.0] * 4), float), pose))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}: a camera is not complete ({type(error).__name__}: {error}).", remedy) from error
    if len(views) < 2:
        raise InputError(f"{path} tells of {len(views)} cameras; it takes two.", remedy)
    return views


def find_video(folder: Path, view: View) -> Path:
    """The video of a camera. Raises InputError."""
    files = sorted(file for file in folder.glob(f"{view.name}.*") if file.is_file())
    if not files:
        raise InputError(f"{folder} holds no video of camera {view.name}.", f"Name it {view.name}.mp4 or the like.")
    return files[0]


def triangulate(views: Several[View], keypoints: Array) -> tuple[Array, Array]:
    """Points (T, J, 3) in the world's metres from keypoints (V, T, J, 3), pixels and confidence in each view.

    Linear triangulation (Hartley and Zisserman, 12.2), weighted by confidence and, in rounds, against strays (Geman and McClure).
    Also returns how far each point falls from its keypoint, (V, T, J) in pixels.
    """
    rays = np.stack([view.undistorted(points[..., :2]) for view, points in zip(views, keypoints, strict=True)])
    poses = np.stack([view.pose for view in views])
    focal = np.array([view.matrix[[0, 1], [0, 1]].mean() for view in views])[:, None, None]
    trust = keypoints[..., 2].clip(1e-3) ** 2
    stray = _OUTLIER_SHARE * np.ptp(keypoints[..., 1], axis=2).mean(1)[:, None, None]
    weight = trust
    for _ in range(_ROUNDS):
        rows = rays[..., None] * poses[:, None, None, None, 2] - poses[:, None, None, :2]  # (V, T, J, 2, 4)
        system = np.moveaxis(rows * np.sqrt(weight)[..., None, None], 0, 2)
        solved = np.linalg.svd(system.reshape(*system.shape[:2], -1, 4))[2][..., -1, :]
        points = solved[..., :3] / solved[..., 3:]
        seen = np.einsum("vij,tkj->vtki", poses[..., :3], points) + poses[:, None, None, :, 3]
        missed = np.linalg.norm(seen[..., :2] / seen[..., 2:] - rays, axis=-1) * focal
        weight = trust / (1 + (missed / stray) ** 2) ** 2
    return points, missed


def true_sequences(views: Several[View], motions: Several[Motion]) -> tuple[list[Sequence], float]:
    """The truth of one person in each view's space, from the detections in ``motions``, one a view, over the moments of all.

    Also the median distance of the detections from it, in shares of the person's height. Raises InputError.
    """
    rows = _shared_rows(motions)
    if len(rows[0]) == 0:
        raise InputError("There is no frame in which all cameras see the person.", "Give synchronous videos of one person.")
    limbs = [motion.keypoints2d[own][:, COCO_LIMBS] for motion, own in zip(motions, rows, strict=True)]
    points, missed = triangulate(views, np.stack(limbs).astype(float))
    heights = np.ptp(np.stack(limbs)[..., 1], axis=2).mean(1)
    disagreement = float(np.median(missed / heights[:, None, None]))
    if disagreement > _NOT_THE_SAME:
        raise InputError(
            f"The cameras do not see one person in one place: they are {disagreement:.0%} of the height apart.",
            "Check that the videos are synchronous, that the largest person is the same, and the calibration.",
        )
    return [_sequence(view, motion, points, own) for view, motion, own in zip(views, motions, rows, strict=True)], disagreement


def _shared_rows(motions: Several[Motion]) -> list[Array]:
    """Of each motion the rows of the moments that all show, in one order."""
    first = Sequence.from_motion(motions[0])
    matched = [same_moments(first, Sequence.from_motion(motion)) for motion in motions]
    shared = reduce(np.intersect1d, [mine.numpy() for mine, _ in matched])
    return [theirs.numpy()[np.isin(mine.numpy(), shared)] for mine, theirs in matched]


def read_truth(path: Path) -> Array:
    """Limb points (T, 12, 3) of one person in the calibration's world and metres, by frame of the videos, in the order of
    `COCO_LIMBS`; NaN where unknown.

    The file is an NPZ with ``joints`` (T, J, 3) and their ``names`` (J,), COCO's (``left_knee``) or OpenPose's (``LKnee``).
    Raises InputError.
    """
    data = load_arrays(path, ("joints", "names"))
    remedy = "Give an NPZ with joints (T, J, 3) in metres and names (J,) like left_knee or LKnee."
    if not {"joints", "names"} <= data.keys():
        raise InputError(f"{path} has no joints and names.", remedy)
    joints, names = np.asarray(data["joints"], float), [str(name) for name in np.atleast_1d(data["names"])]
    if joints.ndim != 3 or joints.shape[1:] != (len(names), 3):
        raise InputError(f"{path} has joints {joints.shape} and {len(names)} names.", remedy)
    places = {_plain(name): place for place, name in enumerate(names)}
    wanted = [_plain(COCO_NAMES[limb]) for limb in COCO_LIMBS]
    if missing := [name for name in wanted if name not in places]:
        raise InputError(f"{path} lacks {', '.join(missing)}.", remedy)
    return joints[:, [places[name] for name in wanted]]


def _plain(name: str) -> str:
    """``left_knee`` and ``LKnee`` -> ``lknee``."""
    return name.lower().replace("left_", "l").replace("right_", "r")


def known_sequences(views: Several[View], motions: Several[Motion], points: Array) -> tuple[list[Sequence], float]:
    """The truth ``points`` (T, 12, 3), see :func:`read_truth`, in each view's space, in the frames that have it.

    Also the median distance of the detections from it, in shares of the person's height.
    """
    sequences, missed = [], []
    for view, motion in zip(views, motions, strict=True):
        frames = motion.frame_ids[motion.frame_ids < len(points)]
        frames = frames[np.isfinite(points[frames]).all((1, 2))]
        if len(frames) == 0:
            raise InputError(f"The truth has no frame in which camera {view.name} sees the person.", "Check the truth's frames.")
        sequences.append(_sequence(view, motion, points[frames], frames))
        seen = motion.keypoints2d[np.searchsorted(motion.frame_ids, frames)][:, COCO_LIMBS].astype(float)
        placed = points[frames] @ view.pose[:, :3].T + view.pose[:, 3]
        apart = np.linalg.norm(view.undistorted(seen[..., :2]) - placed[..., :2] / placed[..., 2:], axis=-1)
        missed.append(np.median(apart * view.matrix[[0, 1], [0, 1]].mean() / np.ptp(seen[..., 1], axis=1)[:, None].clip(1)))
    return sequences, float(np.mean(missed))


def _sequence(view: View, motion: Motion, points: Array, rows: Array) -> Sequence:
    joints = torch.full((len(rows), 24, 3), torch.nan, dtype=torch.float64)
    joints[:, LIMB_JOINTS] = torch.from_numpy(points @ view.pose[:, :3].T + view.pose[:, 3])
    nothing = torch.full((len(rows), len(PAPER_JOINTS), 3), torch.nan, dtype=torch.float64)
    frames, times = (torch.from_numpy(np.asarray(values[rows])) for values in (motion.frame_ids, motion.timestamps))
    return Sequence(joints, frames, motion.frame_rate, torch.from_numpy(view.matrix), nothing, timestamps=times.double())
