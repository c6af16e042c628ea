"""A mesh a frame: `person_01_obj/person_01_000000.obj`, named by the frame's number in the source; metres, y up."""

from collections.abc import Sequence
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

from hmr_video.body import Body
from hmr_video.export.actors import place
from hmr_video.export.registry import FORMATS, ExportOptions, person_name
from hmr_video.files import replacing
from hmr_video.motion import Motion


def write(motions: list[Motion], body: Body, folder: Path, options: ExportOptions, kinds: Sequence[str]) -> list[Path]:
    """A folder per person and format in ``kinds``; each mesh is skinned once for all of them."""
    written = []
    for index, motion in enumerate(motions):
        name = person_name(index)
        targets = [folder / f"{name}_{kind}" for kind in kinds]
        encoders = [import_module(f"hmr_video.export.{FORMATS[kind].module}").encoder(body, index) for kind in kinds]
        with ExitStack() as stack:
            folders = [stack.enter_context(replacing(target, options.overwrite)) for target in targets]
            advance = stack.enter_context(options.reporter.progress(f"{name} {', '.join(kinds)}", len(motion)))
            for temporary in folders:
                temporary.mkdir()
            for frame, vertices in zip(motion.frame_ids, place(motion, body).vertices(), strict=True):
                for temporary, kind, encode in zip(folders, kinds, encoders, strict=True):
                    (temporary / f"{name}_{frame:06d}.{kind}").write_bytes(encode(vertices))
                advance(1)
        written += targets
    return written
