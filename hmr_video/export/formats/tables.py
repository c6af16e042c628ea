"""CSV: `person_01.csv`, one row per frame: times, joint positions in metres (y up) and anatomical angles in degrees."""

from pathlib import Path

import numpy as np

from hmr_video.body import Body
from hmr_video.export.actors import Actor, place
from hmr_video.export.formats.angles import joint_angles
from hmr_video.export.registry import ExportOptions, person_name
from hmr_video.files import replacing
from hmr_video.geometry.skeleton import JOINT_NAMES
from hmr_video.motion import Array, Motion


def write(motions: list[Motion], body: Body, folder: Path, options: ExportOptions) -> list[Path]:
    """One file per person. Every column's unit is the end of its name; the angles are those of `angles.joint_angles`."""
    written = []
    for index, motion in enumerate(motions):
        target = folder / f"{person_name(index)}.csv"
        columns = table(place(motion, body))
        formats = ["%d" if name == "frame" else "%.4f" for name in columns]
        with replacing(target, options.overwrite) as temporary:
            rows = np.stack(list(columns.values()), axis=1)
            np.savetxt(temporary, rows, formats, ",", header=",".join(columns), comments="", encoding="utf-8")
        written.append(target)
    return written


def table(actor: Actor) -> dict[str, Array]:
    """The columns by name, each (T,)."""
    motion = actor.motion
    columns = {"frame": motion.frame_ids, "time_s": motion.timestamps, "confidence": motion.confidence}
    for joint, name in enumerate(JOINT_NAMES):
        columns |= {f"{name}_{axis}_m": actor.joints[:, joint, number] for number, axis in enumerate("xyz")}
    angles = joint_angles(actor.global_rotations, actor.joints)
    return columns | {f"{name}_deg": np.degrees(values) for name, values in angles.items()}
