"""`hmr-video view`: a finished result as a web page."""

from pathlib import Path
from typing import Annotated

import typer

from hmr_video.cli import shared


def view(
    result: Annotated[Path, typer.Argument(help="A folder made by `convert`.")],
    opened: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
    video: Annotated[Path | None, typer.Option(help="The source video, if it has moved since.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write the page anew.")] = False,
    quiet: shared.Quiet = False,
) -> None:
    """Show the people of a result in 3D, in the browser. The page works from disk and can be given away."""
    import webbrowser

    from hmr_video.console import Reporter
    from hmr_video.export import ExportOptions
    from hmr_video.export import export as write
    from hmr_video.export.saved_result import body_of, read_result

    reporter = Reporter(quiet=quiet)
    motions, source, start, end, every, rate = read_result(result)
    page = result / "view.html"
    if overwrite or not page.exists():
        options = ExportOptions(True, video or source, start, end, every, rate, reporter=reporter)
        write(motions, body_of(motions), result, ["html"], options)
    reporter.say(str(page))
    if opened and not webbrowser.open(page.resolve().as_uri()):
        reporter.note("There is no browser here: open the page yourself.")
