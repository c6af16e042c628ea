"""OpenSim: `person_01.trc`, marker positions, and `person_01.mot`, the coordinates of a model, as a pair of one clock.

Both are in metres, seconds and degrees, in OpenSim's axes: y up, x where somebody looks who faces the camera, z to that person's
right. Markers bear the names of Pose2Sim's marker set HALPE_26. Coordinates have the names, signs and zero (standing, arms
hanging) of Rajagopal's full-body model (2016) and those made of it, of pelvis, hips, knees, ankles, trunk and arms.
"""

from typing import TextIO

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from hmr_video.body import Body
from hmr_video.export.actors import Actor, place
from hmr_video.export.formats.angles import arm_angles, joint_angles
from hmr_video.export.registry import ExportOptions, NewFiles, person_name
from hmr_video.export.resample import evenly
from hmr_video.export.rigs.rigging import flesh_end
from hmr_video.geometry.skeleton import JOINT_NAMES, LANDMARKS
from hmr_video.motion import Array, Motion

_AXES = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])  # from y up, facing +z
_HIPS_IN_PELVIS = np.array([-0.056276, -0.07849, 0.0])  # between the hip joints, from the origin of Rajagopal's pelvis
_MARKERS = {
    "Hip": "hip", "Knee": "knee", "Ankle": "ankle", "BigToe": "big_toe", "SmallToe": "small_toe", "Heel": "heel",
    "Shoulder": "shoulder", "Elbow": "elbow", "Wrist": "wrist", "Eye": "eye", "Ear": "ear", "Thumb": "thumb", "Index": "index",
    "Pinky": "little_finger",
}  # fmt: skip
_SIDES = {"R": "right", "L": "left"}


def write(motions: list[Motion], body: Body, files: NewFiles, options: ExportOptions) -> None:
    """Two files per person, of one frame rate; time 0 is the first frame of anybody."""
    even = evenly(motions, options)
    start = min(motion.timestamps[0] for motion in even)
    for index, motion in enumerate(even):
        name, actor, times = person_name(index), place(motion, body), motion.timestamps - start
        with files.new(f"{name}.trc") as path, path.open("w", encoding="ascii", newline="\n") as stream:
            _write_trc(stream, f"{name}.trc", markers(actor), times, motion.frame_rate)
        with files.new(f"{name}.mot") as path, path.open("w", encoding="ascii", newline="\n") as stream:
            _write_mot(stream, name, coordinates(actor), times)


def markers(actor: Actor) -> dict[str, Array]:
    """The markers by name, each (T, 3)."""
    betas = torch.as_tensor(actor.motion.betas, dtype=torch.float32).expand(len(actor), 10)
    joints, turned = (torch.from_numpy(values).float() for values in (actor.joints, actor.global_rotations))
    shift = torch.from_numpy(actor.trans).float()[:, None]
    points = (actor.body.landmarks_from_joints(joints - shift, turned, betas) + shift).double().numpy()
    found = {
        f"{letter}{marker}": points[:, LANDMARKS.index(f"{side}_{name}")]
        for letter, side in _SIDES.items()
        for marker, name in _MARKERS.items()
    }
    head = JOINT_NAMES.index("head")
    found |= {
        "Hip": (found["RHip"] + found["LHip"]) / 2,
        "Neck": (found["RShoulder"] + found["LShoulder"]) / 2,
        "Nose": points[:, LANDMARKS.index("nose")],
        "Head": actor.joints[:, head] + actor.global_rotations[:, head] @ flesh_end(actor, head),
    }
    return {name: path @ _AXES.T for name, path in found.items()}


def coordinates(actor: Actor) -> dict[str, Array]:
    """The model's coordinates by name, each (T,): degrees, of the pelvis' place metres."""
    angles = joint_angles(actor.global_rotations, actor.joints)
    pelvis = _AXES @ actor.global_rotations[:, 0] @ _AXES.T
    tilt, lean, rotation = np.unwrap(Rotation.from_matrix(pelvis).as_euler("ZXY"), axis=0).T
    hips = actor.joints[:, [JOINT_NAMES.index("left_hip"), JOINT_NAMES.index("right_hip")]].mean(1) @ _AXES.T
    found = {"pelvis_tilt": tilt, "pelvis_list": lean, "pelvis_rotation": rotation}
    for letter, side in _SIDES.items():
        turns = {
            "hip_flexion": angles[f"{side}_hip_flexion"],
            "hip_adduction": -angles[f"{side}_hip_abduction"],
            "hip_rotation": angles[f"{side}_hip_internal_rotation"],
            "knee_angle": angles[f"{side}_knee_flexion"],
            "ankle_angle": angles[f"{side}_ankle_dorsiflexion"],
            "subtalar_angle": angles[f"{side}_ankle_inversion"],
            "elbow_flex": angles[f"{side}_elbow_flexion"],
        }
        turns |= dict(zip(("arm_flex", "arm_add", "arm_rot"), arm_angles(side, actor.global_rotations), strict=True))
        found |= {f"{name}_{letter.lower()}": values for name, values in turns.items()}
    found |= {
        "lumbar_extension": -angles["trunk_flexion"],
        "lumbar_bending": angles["trunk_bend"],
        "lumbar_rotation": angles["trunk_rotation"],
    }
    place_of_pelvis = hips - pelvis @ _HIPS_IN_PELVIS
    return {name: np.degrees(values) for name, values in found.items()} | {
        f"pelvis_t{axis}": place_of_pelvis[:, number] for number, axis in enumerate("xyz")
    }


def _write_trc(stream: TextIO, name: str, found: dict[str, Array], times: Array, rate: float) -> None:
    count = len(times)
    axes = [f"{axis}{number}" for number in range(1, len(found) + 1) for axis in "XYZ"]
    head = [
        f"PathFileType\t4\t(X/Y/Z)\t{name}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"{rate:.6f}\t{rate:.6f}\t{count}\t{len(found)}\tm\t{rate:.6f}\t1\t{count}",
        "Frame#\tTime\t" + "\t\t\t".join(found) + "\t\t",
        "\t\t" + "\t".join(axes),
        "",
    ]
    rows = np.column_stack([np.arange(1, count + 1), times, *found.values()])
    formats = ["%d"] + ["%.6f"] * (len(axes) + 1)
    np.savetxt(stream, rows, formats, "\t", header="\n".join(head), comments="")


def _write_mot(stream: TextIO, name: str, found: dict[str, Array], times: Array) -> None:
    head = [name, "version=1", f"nRows={len(times)}", f"nColumns={len(found) + 1}", "inDegrees=yes", "endheader"]
    head.append("\t".join(["time", *found]))
    np.savetxt(stream, np.column_stack([times, *found.values()]), "%.6f", "\t", header="\n".join(head), comments="")
