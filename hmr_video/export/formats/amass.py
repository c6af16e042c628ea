"""AMASS: `amass/person_01_amass.npz`, SMPL-H poses (T, 156), metres, z up: what Blender's SMPL add-ons and viewers load."""

import numpy as np
from scipy.spatial.transform import Rotation

from hmr_video.body import Body
from hmr_video.export.actors import Actor, place
from hmr_video.export.registry import ExportOptions, NewFiles, person_name
from hmr_video.export.resample import evenly
from hmr_video.motion import Array, Motion

_Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # a quarter turn about x: y up becomes z up
_BODY_JOINTS = 22  # SMPL-H has SMPL's first 22 joints and then 30 of the fingers, which we do not see
_FITTED = "betas are those of the SMPL body that the person was fitted with; fingers are flat"
_NOT_FITTED = "betas are zero: the person was fitted with the body '{body}', whose numbers mean nothing to SMPL; fingers are flat"


def write(motions: list[Motion], body: Body, files: NewFiles, options: ExportOptions) -> None:
    """One file per person, of one frame rate. Some add-ons cut 29.97 down to 29, which resampling to 30 avoids."""
    for index, motion in enumerate(evenly(motions, options)):
        arrays = layout(place(motion, body))
        with files.new(f"amass/{person_name(index)}_amass.npz") as path, path.open("wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **arrays)


def layout(actor: Actor) -> dict[str, Array]:
    """The file's arrays: poses (T, 156), trans (T, 3), betas (16,), dmpls (T, 8), gender, the rate in both spellings, a note.

    trans is smplx's, so the turn to z up goes about the pelvis J0: trans' = Z (J0 + trans) - J0. J0 is this body's; a reader
    that puts another body on the poses keeps the trajectory, a few centimetres off at the most.
    """
    motion, body = actor.motion, actor.body
    rotations = actor.rotations[:, :_BODY_JOINTS].copy()
    rotations[:, 0] = _Z_UP @ rotations[:, 0]
    poses = np.zeros((len(actor), 156), dtype=np.float32)
    poses[:, : _BODY_JOINTS * 3] = Rotation.from_matrix(rotations.reshape(-1, 3, 3)).as_rotvec().reshape(len(actor), -1)
    betas = np.zeros(16, dtype=np.float32)
    if body.is_smpl:
        betas[:10] = motion.betas
    return {
        "poses": poses,
        "trans": (actor.pelvis @ _Z_UP.T - actor.rest_joints[0]).astype(np.float32),
        "betas": betas,
        "dmpls": np.zeros((len(actor), 8), dtype=np.float32),
        "gender": np.array(motion.gender),
        "mocap_framerate": np.float64(motion.frame_rate),
        "mocap_frame_rate": np.float64(motion.frame_rate),
        "note": np.array(_FITTED if body.is_smpl else _NOT_FITTED.format(body=body.name)),
    }
