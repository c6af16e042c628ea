"""Wavefront OBJ: `person_01_obj/person_01_000000.obj`, one file per frame, named by the frame's number in the source."""

from pathlib import Path
from typing import TYPE_CHECKING

from hmr_video.export.actors import place
from hmr_video.export.registry import ExportOptions, person_name
from hmr_video.files import replacing
from hmr_video.motion import Array, Motion

if TYPE_CHECKING:
    from hmr_video.body import Body


def write(motions: list[Motion], body: "Body", folder: Path, options: ExportOptions) -> list[Path]:
    """One folder per person; metres, y up. A vertex keeps its number, so the meshes can be morphed into each other."""
    tail = _face_lines(body.faces)
    written = []
    for index, motion in enumerate(motions):
        target = folder / f"{person_name(index)}_obj"
        with replacing(target, options.overwrite) as temporary, options.reporter.progress(target.name, len(motion)) as advance:
            temporary.mkdir()
            for frame, vertices in zip(motion.frame_ids, place(motion, body).vertices(), strict=True):
                (temporary / f"{person_name(index)}_{frame:06d}.obj").write_bytes(_vertex_lines(vertices) + tail)
                advance(1)
        written.append(target)
    return written


def _vertex_lines(vertices: Array) -> bytes:
    """Hundredths of a millimetre; one formatting call for the whole mesh, which numpy's own writers are slower than."""
    text = ("v %.5f %.5f %.5f\n" * len(vertices)) % tuple(vertices.ravel().tolist())
    return text.encode()


def _face_lines(faces: Array) -> bytes:
    """OBJ counts vertices from 1."""
    text = ("f %d %d %d\n" * len(faces)) % tuple((faces + 1).ravel().tolist())
    return text.encode()
