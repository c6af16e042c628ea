"""`hmr-video retarget`: the motion of a finished result on a character of one's own."""

from pathlib import Path
from typing import Annotated

import typer

from hmr_video.cli import shared
from hmr_video.errors import UsageError
from hmr_video.files import refuse_existing, replacing


def retarget(
    result: Annotated[Path, typer.Argument(help="A folder made by `convert`.")],
    character: Annotated[Path, typer.Argument(help="A rigged character: GLB, VRM, or FBX where there is Blender.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The GLB or VRM to write.")],
    person: Annotated[int, typer.Option(help="Whose motion, by the number of the file.", min=1)] = 1,
    bones: Annotated[
        Path | None,
        typer.Option("--map", help='JSON of parts and bones, {"left_hip": "bone", ...}: for unknown names.'),
    ] = None,
    fps: Annotated[float | None, typer.Option(help="Resample to this frame rate.", min=1)] = None,
    overwrite: shared.Overwrite = False,
    quiet: shared.Quiet = False,
) -> None:
    """Put a person's motion on a character, which keeps its proportions; its feet stay on the floor."""
    if output.suffix.lower() not in (".glb", ".vrm"):
        raise UsageError(f"{output} is not the name of a GLB.", "Give a name that ends in .glb or .vrm.")
    shared.must_exist(result, character, bones)
    refuse_existing(output, overwrite)

    from hmr_video.console import Reporter
    from hmr_video.export.actors import place
    from hmr_video.export.resample import resampled
    from hmr_video.export.rigs.character import Character, read_map
    from hmr_video.export.rigs.retarget import retarget as put_on
    from hmr_video.export.saved_result import body_of, read_result

    motions = read_result(result).motions
    if person > len(motions):
        raise UsageError(f"{result} has {len(motions)} people.", "Choose one of them with --person.")
    motion = motions[person - 1]
    figure = Character(character, None if bones is None else read_map(bones))
    if fps is not None:
        motion = resampled(motion, fps, motion.timestamps[0])
    rotations, path = put_on(place(motion, body_of(motions)), figure)
    with replacing(output, overwrite) as temporary:
        figure.save(temporary, motion.timestamps - motion.timestamps[0], rotations, path)
    Reporter(quiet=quiet).say(str(output))
