"""CSV: `person_01.csv`, one row per frame: times, joint positions in metres (y up) and anatomical angles in degrees."""

import numpy as np

from hmr_video.body import Body
from hmr_video.export.actors import Actor, place
from hmr_video.export.formats.angles import joint_angles
from hmr_video.export.registry import ExportOptions, NewFiles, person_name
from hmr_video.geometry.skeleton import JOINT_NAMES
from hmr_video.motion import Array, Motion


def write(motions: list[Motion], body: Body, files: NewFiles, options: ExportOptions) -> None:
    """One file per person. Every column's unit is the end of its name; the angles are those of `angles.joint_angles`."""
    for index, motion in enumerate(motions):
        columns = table(place(motion, body))
        formats = ["%d" if name == "frame" else "%.4f" for name in columns]
        rows = np.stack(list(columns.values()), axis=1)
        with files.new(f"{person_name(index)}.csv") as path:
            np.savetxt(path, rows, formats, ",", header=",".join(columns), comments="", encoding="utf-8")


def table(actor: Actor) -> dict[str, Array]:
    """The columns by name, each (T,)."""
    motion = actor.motion
    columns = {"frame": motion.frame_ids, "time_s": motion.timestamps, "confidence": motion.confidence}
    for joint, name in enumerate(JOINT_NAMES):
        columns |= {f"{name}_{axis}_m": actor.joints[:, joint, number] for number, axis in enumerate("xyz")}
    angles = joint_angles(actor.global_rotations, actor.joints)
    return columns | {f"{name}_deg": np.degrees(values) for name, values in angles.items()}
