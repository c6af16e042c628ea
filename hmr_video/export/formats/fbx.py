"""FBX: `person_01.fbx` and, with several people, `people.fbx`: skinned and animated, by Blender in a process of its own.

One unit is one centimetre, y is up, nothing is scaled or turned on the way to the bones, and each bone's y axis runs along it.
FBX from Blender has one frame rate: frames that are not evenly spaced are resampled. It binds meshes at rest: where a rig rests
unlike the body (in an A-pose), shapes that are animated with the bones keep shoulders as they are in other formats.
"""

import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from hmr_video.export.formats.blender import run_script
from hmr_video.export.palette import person_color, srgb_to_linear
from hmr_video.export.registry import ExportOptions, NewFiles, casts, person_name
from hmr_video.export.resample import evenly
from hmr_video.export.rigs.correctives import correctives
from hmr_video.export.rigs.rigging import Rigged, rigged_people
from hmr_video.motion import Array, Motion

if TYPE_CHECKING:
    from hmr_video.body import Body

_SCRIPT = Path(__file__).with_name("fbx_by_blender.py")
_CENTIMETRES = 100.0


def write(motions: list[Motion], body: "Body", files: NewFiles, options: ExportOptions) -> None:
    """One file per person, whose frame 0 is the person's first, and one of all, whose frame 0 is the first of anybody.

    The armature of a file of one person is called `Armature`, which Unreal does not take for a bone. A body with pose blendshapes
    loses them. Raises OutputError where Blender fails.
    """
    actors = rigged_people(evenly(motions, options), body, options)
    shapes = [correctives(actor) for actor in actors]
    for name, people in casts(len(actors)):
        start = min(actors[person].times[0] for person in people)
        job: dict[str, Array] = {"rate": np.array(actors[0].actor.motion.frame_rate), "count": np.array(len(people))}
        for number, person in enumerate(people):
            called = "Armature" if len(people) == 1 else person_name(person)
            job |= {
                f"{number}_{key}": values
                for key, values in _arrays(actors[person], shapes[person], person, called, start).items()
            }
        with files.new(f"{name}.fbx") as path, TemporaryDirectory() as work:
            np.savez(Path(work) / "job.npz", allow_pickle=False, **job)
            run_script(_SCRIPT, Path(work) / "job.npz", path)


def _arrays(actor: Rigged, corrective: tuple[Array, Array], person: int, called: str, start: float) -> dict[str, Array]:
    """What the script needs to know of a person, in centimetres; ``corrective``: see `correctives`."""
    motion = actor.actor.motion
    shapes, strengths = corrective
    clip = zlib.crc32(shapes.tobytes()) & 0xFFFF  # another clip's shapes are others: engines find them by name
    return {
        "called": np.array([called, f"{person_name(person)}_mesh"]),  # Blender knows no two objects of one name
        "first": np.array(round((motion.timestamps[0] - start) * motion.frame_rate)),
        "names": np.array(actor.names),
        "parents": np.array(actor.parents),
        "heads": actor.heads * _CENTIMETRES,
        "tips": actor.tips * _CENTIMETRES,
        "rotations": actor.rotations,
        "shifts": (actor.translations() - actor.offsets) * _CENTIMETRES,
        "vertices": actor.vertices * _CENTIMETRES,
        "shapes": (actor.vertices + shapes) * _CENTIMETRES,
        "shapeNames": np.array([f"corrective_{clip:04x}_{number:02d}" for number in range(1, len(shapes) + 1)], str),
        "strengths": strengths,
        "faces": actor.actor.body.faces,
        "weights": actor.weights,
        "color": srgb_to_linear(person_color(person)),
    }
