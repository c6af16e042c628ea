"""Foreign skeletons, made up: a dance on joints of any names, rest pose, unit and axes, written as BVH."""

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from hmr_video.geometry.skeleton import JOINT_NAMES, PARENTS

MIXAMO = {
    "pelvis": "Hips", "spine1": "Spine", "spine2": "Spine1", "spine3": "Spine2", "neck": "Neck", "head": "Head",
    "left_hip": "LeftUpLeg", "left_knee": "LeftLeg", "left_ankle": "LeftFoot", "left_foot": "LeftToeBase",
    "right_hip": "RightUpLeg", "right_knee": "RightLeg", "right_ankle": "RightFoot", "right_foot": "RightToeBase",
    "left_collar": "LeftShoulder", "left_shoulder": "LeftArm", "left_elbow": "LeftForeArm", "left_wrist": "LeftHand",
    "right_collar": "RightShoulder", "right_shoulder": "RightArm", "right_elbow": "RightForeArm", "right_wrist": "RightHand",
}  # fmt: skip
T_POSE: dict[str, tuple[float, float, float]] = {}
A_POSE = {"left_shoulder": (0, 0, -0.8), "right_shoulder": (0, 0, 0.8)}
LIKE_CMU = {"left_hip": (0, 0, 0.35), "right_hip": (0, 0, -0.35), "left_shoulder": (0, 0, -0.1), "right_shoulder": (0, 0, 0.1)}


def rotations(pose: dict[str, tuple[float, float, float]]) -> np.ndarray:
    """Global rotations (24, 3, 3) of a pose given in axis-angle by joint."""
    turned = np.empty((24, 3, 3))
    for index, name in enumerate(JOINT_NAMES):
        local = Rotation.from_rotvec(pose.get(name, (0, 0, 0))).as_matrix()
        turned[index] = turned[PARENTS[index]] @ local if index else local
    return turned


def reach(turned: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Joints (24, 3) of a body with global rotations, the pelvis at the origin."""
    places = np.zeros((24, 3))
    for index in range(1, 24):
        places[index] = places[PARENTS[index]] + turned[PARENTS[index]] @ (own[index] - own[PARENTS[index]])
    return places


def dance(length: int = 40) -> list[dict[str, tuple[float, float, float]]]:
    """Somebody who steps, bends knees and elbows, twists the limbs and turns; upright in the first frame."""
    frames = []
    for phase in np.linspace(0, 2 * np.pi, length):
        swing, beat = np.sin(phase), 1 - np.cos(phase)
        frames.append(
            {
                "pelvis": (0.1 * swing, 0.9 * swing, 0.05 * beat),
                "left_hip": (-0.7 * beat, 0.2 * swing, 0.1 * swing),
                "left_knee": (0.8 * beat, 0, 0),
                "right_hip": (0.4 * swing, -0.2 * beat, 0),
                "right_knee": (0.3 * beat, 0, 0),
                "left_ankle": (0.2 * swing, 0, 0),
                "spine2": (0.1 * beat, 0.2 * swing, 0),
                "left_shoulder": (0.5 * swing, 0.3 * beat, -0.6 * beat),
                "right_shoulder": (0.4 * swing, -0.2 * beat, 0.5 * beat),
                "left_elbow": (0.2 * beat, -0.7 * beat, 0),
                "right_elbow": (0, 0.6 * beat, 0),
                "head": (0.1 * beat, 0.3 * swing, 0),
            }
        )
    return frames


def write_bvh(
    path: Path,
    names: dict[str, str],
    own: np.ndarray,
    rest: dict[str, tuple[float, float, float]],
    unit: float = 0.01,
    world: np.ndarray | None = None,
    frames_of_joints: np.ndarray | None = None,
) -> np.ndarray:
    """The dance on a skeleton that has the joints ``names`` and rests in the pose ``rest``; its poses (T, 24, 3, 3), local.

    unit: metres; world: the file's axes from ours (3, 3); frames_of_joints: (24, 3, 3) turns of the joints' own axes at rest.
    """
    world = np.eye(3) if world is None else world
    own_axes = np.tile(np.eye(3), (24, 1, 1)) if frames_of_joints is None else frames_of_joints
    poses = [rotations(pose) for pose in dance()]
    resting = rotations(rest)
    joints = [name for name in JOINT_NAMES if name in names]
    at_rest = reach(resting, own)

    def parent(name: str) -> str:
        up = JOINT_NAMES[PARENTS[JOINT_NAMES.index(name)]]
        return up if up in names else parent(up)

    lines, order = ["HIERARCHY"], []

    def add(name: str) -> None:
        index = JOINT_NAMES.index(name)
        offset = np.zeros(3)
        if index:
            above = JOINT_NAMES.index(parent(name))
            offset = own_axes[above].T @ (at_rest[index] - at_rest[above])
            offset = offset if frames_of_joints is not None else world @ offset
        order.append(index)
        channels = "6 Xposition Yposition Zposition" if not index else "3"
        lines.append(f"{'ROOT' if not index else 'JOINT'} {names[name]}\n{{\nOFFSET {' '.join(map(str, offset / unit))}")
        lines.append(f"CHANNELS {channels} Zrotation Yrotation Xrotation")
        below = [each for each in joints if each != "pelvis" and parent(each) == name]
        for each in below:
            add(each)
        if not below:
            lines.append("End Site\n{\nOFFSET 0 1 0\n}")
        lines.append("}")

    add("pelvis")
    rows = []
    for time, pose in enumerate(poses):
        turned = np.einsum("jab,jcb->jac", pose, resting) @ own_axes
        turned = world @ turned if frames_of_joints is not None else world @ turned @ world.T
        row = list(world @ np.array([0.02 * time, 0.9, 0]) / unit)
        for index in order:
            name = JOINT_NAMES[index]
            local = turned[index] if not index else turned[JOINT_NAMES.index(parent(name))].T @ turned[index]
            row += list(Rotation.from_matrix(local).as_euler("ZYX", degrees=True))
        rows.append(" ".join(f"{value:.9f}" for value in row))
    path.write_text("\n".join([*lines, "MOTION", f"Frames: {len(rows)}", "Frame Time: 0.0333333", *rows, ""]))
    local = np.stack(poses)
    local[:, 1:] = np.swapaxes(local[:, list(PARENTS[1:])], -1, -2) @ local[:, 1:]
    return local


def degrees(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    relative = Rotation.from_matrix((np.swapaxes(ours, -1, -2) @ theirs).reshape(-1, 3, 3))
    return np.degrees(relative.magnitude()).reshape(ours.shape[:-2])
