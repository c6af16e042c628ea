"""Readers of published test sets, in the layouts that their authors give out. The data themselves one has to ask them for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import torch
from torch import Tensor

from hmr_video.body.unpickle import UnsafePickleError, read_pickle, resolve
from hmr_video.errors import InputError
from hmr_video.evaluate.compare import PAPER_JOINTS, Sequence
from hmr_video.motion import Array

PW3D_RATE = EMDB_RATE = 30.0
RICH_KEYS = ("global_orient", "body_pose", "transl", "betas")
# Of OpenPose's 18 points those nearest to PAPER_JOINTS: hips, knees, ankles, shoulders, elbows, wrists (left, right), neck, nose.
PW3D_POINTS = (11, 8, 12, 9, 13, 10, 5, 2, 6, 3, 7, 4, 1, 0)
PW3D_CONFIDENCE = 0.1  # confidence above which the paper calls a point visible

H36M_RATE = 50.0
# SMPL joint -> joint of Human3.6M's 32: hips, knees, ankles, neck, head, shoulders, elbows, wrists.
H36M_JOINTS = {1: 6, 2: 1, 4: 7, 5: 2, 7: 8, 8: 3, 12: 13, 15: 15, 16: 17, 17: 25, 18: 18, 19: 26, 20: 19, 21: 27}


@dataclass(frozen=True)
class Capture:
    """A person and a camera in the world over T frames, as a data set gives them."""

    poses: Array  # (T, 72) of an SMPL-family body, in the world
    trans: Array  # (T, 3)
    betas: Array  # (10,)
    gender: str
    world_from_camera: Array  # (T, 4, 4)
    camera_matrix: Array  # (3, 3) pixels
    good: Array  # (T,) whether a frame counts
    frame_rate: float  # frames a second


def read_human36m(path: Path) -> list[Sequence]:
    """One camera's view of one action: `S9/MyPoseFeatures/D3_Positions_mono/Walking.54138969.cdf`.

    Millimetres in that camera's space, (1, T, 96), 50 frames a second. The file of the same name in `D2_Positions`, (1, T, 64)
    pixels, tells the camera. Joints that Human3.6M does not have stay NaN. Raises InputError.
    """
    twin = path.parent.parent / "D2_Positions" / path.name
    points = torch.from_numpy(_read_cdf(path, 3)).double() / 1000
    pixels = torch.from_numpy(_read_cdf(twin, 2)).double()
    if len(points) != len(pixels):
        raise InputError(f"{path} and {twin} differ in length.", "Unpack the data set again.")
    joints = torch.full((len(points), 24, 3), torch.nan, dtype=torch.float64)
    joints[:, list(H36M_JOINTS)] = points[:, list(H36M_JOINTS.values())]
    keypoints = torch.ones(len(points), len(PAPER_JOINTS), 3, dtype=torch.float64)
    keypoints[..., :2] = pixels[:, [H36M_JOINTS[joint] for joint in PAPER_JOINTS]]
    camera = _camera_from(points.flatten(0, 1), pixels.flatten(0, 1))
    return [Sequence(joints, torch.arange(len(points)), H36M_RATE, camera, keypoints)]


def _camera_from(points: Tensor, pixels: Tensor) -> Tensor:
    """The intrinsics (3, 3) that project points (N, 3) to pixels (N, 2) best: least squares, per axis u = f x/z + c."""
    camera = torch.eye(3, dtype=points.dtype)
    for axis in (0, 1):
        ratio = points[:, axis] / points[:, 2]
        system = torch.stack([ratio, torch.ones_like(ratio)], 1)
        camera[axis, axis], camera[axis, 2] = torch.linalg.lstsq(system, pixels[:, axis : axis + 1]).solution[:, 0]
    return camera


def _read_cdf(path: Path, width: int) -> Array:
    """The variable `Pose` of a CDF file as (T, 32, width). Raises InputError."""
    try:
        import cdflib
    except ImportError as error:
        raise InputError("Human3.6M comes as CDF files, which need a reader.", "Run `pip install cdflib`.") from error
    if not path.is_file():
        raise InputError(f"{path} does not exist.", "Keep the folders of Human3.6M as they are unpacked.")
    try:
        values = np.asarray(cdflib.CDF(str(path)).varget("Pose"), np.float64)
        return values.reshape(-1, 32, width)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} is no pose file of Human3.6M ({error}).", "Unpack the data set again.") from error


def read_3dpw(path: Path) -> list[Sequence]:
    """All people of one sequence of 3DPW: `sequenceFiles/test/downtown_walking_00.pkl` (von Marcard et al., ECCV 2018).

    Of each person ``jointPositions`` (T, 72) in the world's metres, ``poses2d`` (T, 3, 18) pixels and confidence, and
    ``campose_valid`` (T,); of the clip ``cam_poses`` (T, 4, 4), world to camera, and ``cam_intrinsics`` (3, 3). Frame t is
    image t of the sequence. Frames whose camera is not valid become NaN. The pickle is read without running anything in it.
    Raises InputError.
    """
    with _refusing(path, "3DPW", "Give a file of 3DPW's sequenceFiles."):
        data = read_pickle(path)
        to_camera = torch.from_numpy(np.asarray(data["cam_poses"], np.float64))
        camera = torch.from_numpy(np.asarray(data["cam_intrinsics"], np.float64))
        people = zip(data["jointPositions"], data["poses2d"], data["campose_valid"], strict=True)
        return [
            _person_3dpw(resolve(positions), resolve(points), resolve(valid), to_camera, camera)
            for positions, points, valid in people
        ]


def _person_3dpw(positions: Array, points: Array, valid: Array, to_camera: Tensor, camera: Tensor) -> Sequence:
    world = torch.from_numpy(np.asarray(positions, np.float64).reshape(-1, 24, 3))
    count = min(len(world), len(to_camera))
    joints = world[:count] @ to_camera[:count, :3, :3].mT + to_camera[:count, None, :3, 3]
    joints[torch.from_numpy(valid[:count] == 0)] = torch.nan
    keypoints = torch.from_numpy(np.asarray(points, np.float64)[:count].transpose(0, 2, 1)[:, list(PW3D_POINTS)])
    keypoints[..., 2] = (keypoints[..., 2] > PW3D_CONFIDENCE).double()
    return Sequence(joints, torch.arange(count), PW3D_RATE, camera, keypoints)


def read_emdb(path: Path) -> Capture:
    """One sequence of EMDB: `P0/09_outdoor_walk/P0_09_outdoor_walk_data.pkl` (Kaufmann et al., ICCV 2023), 30 frames a second.

    ``smpl`` with ``poses_root`` (N, 3), ``poses_body`` (N, 69), ``trans`` (N, 3), ``betas`` (10,), in the world; ``camera`` with
    ``extrinsics`` (N, 4, 4), world to camera, and ``intrinsics`` (3, 3); ``good_frames_mask`` (N,). Raises InputError.
    """
    with _refusing(path, "EMDB", "Give a NAME_data.pkl of EMDB."):
        data = read_pickle(path)
        smpl, camera = data["smpl"], data["camera"]
        values = {name: np.asarray(resolve(smpl[name]), np.float64) for name in ("poses_root", "poses_body", "trans", "betas")}
        poses = np.concatenate([values["poses_root"].reshape(-1, 3), values["poses_body"].reshape(-1, 69)], 1)
        to_camera = np.asarray(resolve(camera["extrinsics"]), np.float64).reshape(-1, 4, 4)
        matrix = np.asarray(resolve(camera["intrinsics"]), np.float64).reshape(3, 3)
        good = np.asarray(resolve(data["good_frames_mask"]), bool).reshape(len(poses))
        betas, trans = values["betas"].reshape(-1)[:10], values["trans"].reshape(len(poses), 3)
        return Capture(poses, trans, betas, str(data["gender"]), np.linalg.inv(to_camera), matrix, good, EMDB_RATE)


def read_rich(folder: Path, calibration: Path, person: int) -> Capture:
    """One person of a sequence of RICH: `test_body/Gym_010_cooking1` with a folder per frame and a pickle per person, and a
    camera's `scan_calibration/Gym/calibration/002.xml` (Huang et al., CVPR 2022), 30 frames a second.

    The pickles hold SMPL-X's ``global_orient`` (1, 3), ``body_pose`` (1, 63), ``transl`` (1, 3), ``betas`` (1, 10) in the world;
    hands are kept straight. The XML is OpenCV's: ``CameraMatrix`` (3, 4), ``Intrinsics`` (3, 3). Raises InputError.
    """
    files = sorted(folder.glob(f"*/{person:03d}.pkl"))
    if not files:
        raise InputError(f"{folder} holds no frames of person {person}.", "Give a folder of RICH's bodies and a number.")
    with _refusing(folder, "RICH", "Unpack the data set again."):
        frames = [read_pickle(file) for file in files]
        rows = [{name: np.asarray(resolve(frame[name]), np.float64).reshape(-1) for name in RICH_KEYS} for frame in frames]
        poses = np.stack([np.concatenate([row["global_orient"], row["body_pose"][:63], np.zeros(6)]) for row in rows])
        trans, betas = np.stack([row["transl"] for row in rows]), rows[0]["betas"][:10]
        lens = {node.tag: node for node in ElementTree.parse(calibration).getroot()}
        to_camera, matrix = (
            np.array((lens[name].findtext("data") or "").split(), float) for name in ("CameraMatrix", "Intrinsics")
        )
        pose = np.linalg.inv(np.vstack([to_camera.reshape(3, 4), [0, 0, 0, 1]]))
        poses_of_camera = np.tile(pose, (len(poses), 1, 1))
        return Capture(poses, trans, betas, "neutral", poses_of_camera, matrix.reshape(3, 3), np.ones(len(poses), bool), 30.0)


@contextmanager
def _refusing(path: Path, data_set: str, remedy: str) -> Iterator[None]:
    """Raises InputError for what is no sequence of the data set, or holds what may not be unpickled."""
    try:
        yield
    except UnsafePickleError as error:
        raise InputError(f"{path} is no sequence of {data_set}: it holds {error}.", remedy) from error
    except (KeyError, TypeError, ValueError, IndexError, RuntimeError, OSError, ElementTree.ParseError) as error:
        raise InputError(f"{path} is no sequence of {data_set} ({type(error).__name__}: {error}).", remedy) from error


READERS: dict[str, Callable[[Path], list[Sequence]]] = {".cdf": read_human36m, ".pkl": read_3dpw}
