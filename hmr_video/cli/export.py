"""`hmr-video export`, `view`, `render` and `retarget`: a finished result in other forms; `render` also takes a video."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from hmr_video.cli import shared
from hmr_video.console import Reporter
from hmr_video.errors import UsageError
from hmr_video.files import refuse_existing, replacing
from hmr_video.options import Options


def export(
    result: Annotated[Path, typer.Argument(help="A folder made by `convert`.")],
    formats: Annotated[list[str], typer.Option("--format", "-f", metavar="NAMES", help=shared.FORMAT_NAMES)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to write into.", show_default="the result's own")
    ] = None,
    fps: Annotated[float | None, typer.Option(help="Resample to this frame rate.", min=1)] = None,
    rig: shared.Rig = "smpl",
    root_motion: shared.RootMotion = False,
    reduce: Annotated[
        float | None,
        typer.Option(help="Keep only the keys without which something would be off by so many millimetres: GLB.", min=0.01),
    ] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Cut everybody to the part that repeats itself, and close it.")] = False,
    video: Annotated[Path | None, typer.Option(help="The source video, if it has moved since.")] = None,
    overwrite: shared.Overwrite = False,
    as_json: shared.Json = False,
    quiet: shared.Quiet = False,
) -> dict[str, Any]:
    """Write other formats of a finished result. Nothing is computed again."""
    from hmr_video.export import ExportOptions, check_formats
    from hmr_video.export import export as write
    from hmr_video.export.registry import check_options, refuse_written
    from hmr_video.results import body_of, read_result

    if output is not None:
        shared.check_folder(output)
    wanted = check_formats(shared.split_formats(formats))
    reporter = Reporter(quiet=quiet)
    options = ExportOptions(
        overwrite=overwrite, frame_rate=fps, rig=rig, root_motion=root_motion, reduce=reduce, loop=loop, reporter=reporter
    )
    check_options(wanted, options)
    motions, footage = read_result(result, video)
    options = replace(options, **footage)
    refuse_written(output or result, len(motions), wanted, options)  # before torch, for the body, is imported
    written = write(motions, body_of(motions), output or result, wanted, options)
    for path in written:
        reporter.say(str(path))
    return {"written": [str(path) for path in written]}


def view(
    result: Annotated[Path, typer.Argument(help="A folder made by `convert`.")],
    opened: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
    video: Annotated[Path | None, typer.Option(help="The source video, if it has moved since.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write the page anew.")] = False,
    quiet: shared.Quiet = False,
) -> None:
    """Show the people of a result in 3D, in the browser. The page works from disk and can be given away."""
    import webbrowser

    from hmr_video.export import ExportOptions
    from hmr_video.export import export as write
    from hmr_video.results import body_of, read_result

    reporter = Reporter(quiet=quiet)
    motions, footage = read_result(result, video)
    page = result / "view.html"
    if overwrite or not page.exists():
        write(motions, body_of(motions), result, ["html"], ExportOptions(**footage, overwrite=True, reporter=reporter))
    reporter.say(str(page))
    if opened and not webbrowser.open(page.resolve().as_uri()):
        reporter.note("There is no browser here: open the page yourself.")


def retarget(
    result: Annotated[Path, typer.Argument(help="A folder made by `convert`.")],
    character: Annotated[Path, typer.Argument(help="A rigged character: GLB, VRM, or FBX where there is Blender.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The GLB or VRM to write.")],
    person: Annotated[int, typer.Option(help="Whose motion, by the number of the file.", min=1)] = 1,
    bones: Annotated[
        Path | None, typer.Option("--map", help='JSON of parts and bones, {"left_hip": "bone", ...}: for unknown names.')
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

    from hmr_video.export.actors import place
    from hmr_video.export.resample import resampled
    from hmr_video.export.rigs.character import Character, read_map
    from hmr_video.export.rigs.retarget import retarget as put_on
    from hmr_video.results import body_of, read_result

    motions = read_result(result).motions
    if person > len(motions):
        raise UsageError(f"{result} has {len(motions)} people.", "Choose one of them with --person.")
    motion = motions[person - 1]
    figure = Character(character, None if bones is None else read_map(bones))
    if fps is not None:
        motion = resampled(motion, fps, motion.timestamps[0])
    reporter = Reporter(quiet=quiet)
    if not len(figure.flesh[0]):
        reporter.note(
            "The character's mesh is compressed: its arms may go through its trunk. `npx @gltf-transform/cli copy` unpacks it."
        )
    rotations, path = put_on(place(motion, body_of(motions)), figure)
    with replacing(output, overwrite) as temporary:
        figure.save(temporary, motion.timestamps - motion.timestamps[0], rotations, path)
    reporter.say(str(output))


@shared.takes_options(but=["silhouettes", "features", "frame_rate", "image_size"])
def render(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="A video, or a folder made by `convert`.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The MP4 to write, of a photograph the PNG.",
            show_default="overlay.mp4 or .png in the result's folder",
        ),
    ] = None,
    side_by_side: Annotated[bool, typer.Option("--side-by-side", help="Beside it, show the people from the side.")] = False,
    renderer: Annotated[str, typer.Option(help="auto, pyrender (OpenGL) or software.")] = "auto",
    video: Annotated[Path | None, typer.Option(help="The video of a finished result, if it has moved since.")] = None,
    options: Options = Options(),  # noqa: B008
    overwrite: shared.Overwrite = False,
    as_json: shared.Json = False,
    quiet: shared.Quiet = False,
) -> dict[str, Any]:
    """Draw the bodies on the footage. A video is converted first; of a finished result nothing is computed again."""
    from hmr_video.export.registry import ExportOptions
    from hmr_video.export.render import choose_renderer

    reporter = Reporter(quiet=quiet)
    if _is_result(source):
        from hmr_video.results import body_of, read_result

        _refuse_converting(context)
        motions, footage = read_result(source, video)
        cut = {name: getattr(options, name) for name in ("start", "end") if shared.given_options(context, [name])}
        drawing = ExportOptions(**footage | cut, overwrite=overwrite, reporter=reporter)
        target = _target(output, source, drawing.footage)
        refuse_existing(target, overwrite)
        used = body_of(motions)
        drawer = choose_renderer(renderer, reporter)
    else:
        from hmr_video.pipeline import run
        from hmr_video.results import check_output, result_folder, write_result

        if video is not None:
            raise UsageError("--video is for finished results.", "Leave it out.")
        drawing = ExportOptions(overwrite, source, options.start, options.end, options.every, reporter=reporter)
        folder = result_folder(source, Path("hmr-out"), reporter)
        target = _target(output, folder, source)
        if output is None:
            check_output(folder, overwrite)
        else:
            refuse_existing(output, overwrite)
        drawer = choose_renderer(renderer, reporter)
        found = run(source, options, reporter)
        motions, used = found.motions, found.models.body
        if output is None:
            write_result(found, source, folder, options, [], reporter, overwrite, video=source)
    from hmr_video.export.overlay import write_overlay

    write_overlay(motions, used, target, drawer, drawing, side_by_side)
    reporter.wrote(target)
    return {"output": str(target), "renderer": drawer.name, "people": len(motions)}


def _target(output: Path | None, folder: Path, footage: Path) -> Path:
    """The file to draw into. Raises UsageError where its ending is not that of what is drawn."""
    from hmr_video.export.registry import check_drawing, ending_of_drawn

    if output is None:
        return folder / f"overlay{ending_of_drawn(footage)}"
    check_drawing(output, footage)
    return output


def _refuse_converting(context: typer.Context) -> None:
    """Raises UsageError when a finished result is to be drawn otherwise than it was converted."""
    given = set(shared.given_options(context)) - {"--start", "--end"}
    if given:
        raise UsageError(f"{', '.join(sorted(given))}: a finished result is not computed again.", "Convert the video with it.")


def _is_result(source: Path) -> bool:
    """Whether this is what `convert` wrote: a folder with a person in it, or one person's NPZ."""
    return source.suffix == ".npz" or (source.is_dir() and any(source.glob("person_[0-9]*.npz")))
