"""`hmr-video evaluate`: a result against the truth, or the tool against its own samples."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hmr_video.cli import shared
from hmr_video.cli.tables import (
    Scores,
    print_ablations,
    print_detector_errors,
    print_rows,
    print_scores,
    print_shapes,
    print_weak_points,
)
from hmr_video.console import Reporter
from hmr_video.errors import InputError, UsageError
from hmr_video.options import Options

if TYPE_CHECKING:
    from hmr_video.evaluate import Protocol, Sequence
    from hmr_video.motion import Motion

OF_VIEWS = ("mpjpe", "pa_mpjpe", "pck", "shape_drift", "coverage")  # what --views measures


@shared.takes_options(only=["landmarks", "weights", "refine", "device"])
def evaluate(
    result: Annotated[Path | None, typer.Argument(help="A folder made by `convert`, or one person_NN.npz.")] = None,
    truth: Annotated[Path | None, typer.Argument(help="The truth: such a file or folder, or a sequence of 3DPW (.pkl).")] = None,
    samples: Annotated[
        bool, typer.Option("--samples", help="Convert the sample clips and compare them with their truth.")
    ] = False,
    mocap: Annotated[
        Path | None,
        typer.Option(help="Measure on the motion of this folder that training holds out, under simulated detections."),
    ] = None,
    every_clip: Annotated[
        bool, typer.Option("--all", help="With --mocap: every clip, of folders that training never saw.")
    ] = False,
    views: Annotated[
        Path | None,
        typer.Option(
            help="A folder with videos of one person from several cameras, and their calibration.toml: convert each, and "
            "compare with what all of them together show."
        ),
    ] = None,
    world: Annotated[
        bool,
        typer.Option(
            "--world", help="Film clips before still, turning and moving cameras, and measure people and camera in the world."
        ),
    ] = False,
    contacts: Annotated[
        bool,
        typer.Option("--contacts", help="Film claps, kicks against a wall and steps, and measure how near comes what touches."),
    ] = False,
    clips: Annotated[int, typer.Option(help="With --world, --contacts: how many clips.", min=1)] = 7,
    panoramas: Annotated[
        Path | None, typer.Option(help="With --world: a folder with pictures of all directions, as places for cameras that turn.")
    ] = None,
    joints: Annotated[
        Path | None,
        typer.Option(help="With --views: an NPZ of the true joints (T, J, 3) and their names, in the calibration's metres."),
    ] = None,
    calibrated: Annotated[
        bool, typer.Option("--calibration", help="With --samples, --views: a table of predicted confidence and observed error.")
    ] = False,
    shape: Annotated[
        bool,
        typer.Option("--shape", help="Film stout and slim bodies in clothes, and compare their girths with what the tool says."),
    ] = False,
    detector_errors: Annotated[
        Path | None,
        typer.Option(help="Film the motion of this folder and measure the real detector's errors beside the simulated ones'."),
    ] = None,
    weak: Annotated[
        bool, typer.Option("--weak-points", help="With --mocap: where per-frame networks are weak, instead of the tables.")
    ] = False,
    real: Annotated[
        bool, typer.Option("--real-detector", help="With --mocap: film the windows and run the real detector on the pictures.")
    ] = False,
    all_points: Annotated[
        bool, typer.Option("--all-points", help="With --mocap: feet and hands are detected, too, not COCO's points alone.")
    ] = False,
    failures: Annotated[
        Path | None, typer.Option(help="With --mocap: draw the worst windows to this new PNG, instead of the tables.")
    ] = None,
    windows: Annotated[
        int, typer.Option(min=1, help="With --mocap, --detector-errors, --shape: how many windows, up to 3 seconds, 1 and 3.")
    ] = 40,
    seed: Annotated[int, typer.Option(help="With them: of the windows, the cameras and the simulated errors.")] = 0,
    meshes: Annotated[bool, typer.Option("--meshes", help="With --mocap: PVE too, which takes minutes.")] = False,
    up: shared.Up = None,
    left_out: Annotated[
        list[str] | None,
        typer.Option(
            "--without",
            metavar="NAME",
            help="With --samples, --views, --mocap: without this remedy (turned, sides, tempo ...). Repeats. `each` leaves "
            "out one at a time, and prints what that changes.",
        ),
    ] = None,
    protocol: Annotated[str, typer.Option(help="default, or paper: HMMR's visible frames and 14 points.")] = "default",
    options: Options = Options(),  # noqa: B008
    as_json: shared.Json = False,
    quiet: shared.Quiet = False,
) -> Any:
    """Measure how near a result is to the truth. People are matched by where they are in the picture."""
    if protocol not in ("default", "paper"):
        raise UsageError(f"There is no protocol called {protocol}.", "Choose default or paper.")
    wanted = [result is not None, samples, shape, world, contacts, *(folder is not None for folder in (views, detector_errors))]
    wanted.append(mocap is not None and not world)
    if (result is None) != (truth is None) or wanted.count(True) != 1:
        raise UsageError(
            "It is not clear what to measure.",
            "Give RESULT TRUTH, or one of --samples, --world, --contacts, --mocap, --views, --detector-errors, --shape.",
        )
    if up and mocap is None and detector_errors is None:
        raise UsageError("--up is of motion.", "Give --mocap FOLDER or --detector-errors FOLDER.")
    if joints and views is None:
        raise UsageError("Joints are compared with what several cameras see.", "Give --views FOLDER.")
    if calibrated and not samples and views is None:
        raise UsageError("Confidence is measured on videos of known truth.", "Give --samples or --views FOLDER.")
    if failures and mocap is None:
        raise UsageError("Failures are drawn of motion.", "Give --mocap FOLDER.")
    if left_out and (result or detector_errors or (mocap and "each" in left_out)):
        raise UsageError("Remedies are left out of what is converted.", "Give --samples, --views or, with names, --mocap.")
    if panoramas and not world:
        raise UsageError("Panoramas are places for --world.", "Give --world.")
    shared.must_exist(result, truth, mocap, views, joints, panoramas)
    reporter = Reporter(quiet=quiet)

    def told(record: Any, show: Callable[..., None], *shown: Any) -> Any:
        if not as_json:
            show(*shown)
        return record

    if world:
        from hmr_video.evaluate.world import UNITS, evaluate_world

        filmed = evaluate_world(clips, seed, replace(options, world=True), reporter, mocap, panoramas)
        return told(_records("clip", filmed), print_scores, filmed, UNITS)
    if contacts:
        from hmr_video.evaluate.contacts import UNITS, evaluate_contacts

        filmed = evaluate_contacts(clips, seed, replace(options, world=True), reporter)
        return told(_records("clip", filmed), print_scores, filmed, UNITS)
    if mocap is not None:
        from hmr_video.evaluate.ablations import without

        with without(left_out or []):
            found = _evaluate_mocap(
                mocap, every_clip, weak, real, all_points, failures, windows, seed, meshes, options, up or "auto", reporter
            )
        if failures:
            reporter.wrote(failures)
            return [one.as_dict() for one in found]
        return told([asdict(one) for one in found], print_weak_points if weak else print_rows, found)
    if detector_errors is not None:
        from hmr_video.evaluate.realism import measure

        errors = measure(detector_errors, options.people, reporter, windows, seed, up=up or "auto")
        return told(asdict(errors), print_detector_errors, errors)
    if shape:
        from hmr_video.evaluate.shapes import measure_shapes

        shapes = measure_shapes(options, windows, seed, reporter)
        return told(_records("group", shapes), print_shapes, shapes)
    from hmr_video.evaluate import Protocol, evaluate_people

    pairs: list[tuple[Motion, Sequence]] = []  # results, and their truth

    def measured() -> list[Scores]:
        if views is not None:
            return _evaluate_views(views, joints, options, reporter, pairs)
        if samples:
            return _evaluate_samples(options, Protocol(protocol), reporter, pairs)
        assert result is not None
        assert truth is not None
        return _named(evaluate_people(_read(result), _read(truth), Protocol(protocol)), truth.stem)

    rows = _measured_without(left_out or [], measured, reporter)
    if calibrated:
        from hmr_video.evaluate.calibration import calibration, limb_marks, table

        bins, limbs = calibration(pairs), limb_marks(pairs)
        return told({"frames": [asdict(one) for one in bins], "limbs": asdict(limbs)}, typer.echo, table(bins, limbs))
    return told(_records("person", rows), print_ablations if left_out == ["each"] else print_scores, rows)


def _records(what: str, rows: Iterable[Scores]) -> list[dict[str, Any]]:
    """Scores for programs; ``what``: the key of the name."""
    return [{what: name} | dict(scores) for name, scores in rows]


def _measured_without(left_out: list[str], measured: Callable[[], list[Scores]], reporter: Reporter) -> list[Scores]:
    """What is measured without these remedies; without ``each``, the mean scores of the whole line and without each of them."""
    from hmr_video.evaluate import mean_scores
    from hmr_video.evaluate.ablations import EACH, REMEDIES, without

    if left_out != [EACH]:
        with without(left_out):
            return measured()
    rows: list[Scores] = []
    for name in ("", *REMEDIES):
        reporter.say(f"without {name}" if name else "all")
        with without([name] if name else []):
            rows.append((name or "all", mean_scores([scores for _, scores in measured()])))
    return rows


def _read(path: Path) -> list["Sequence"]:
    """The people of a file or folder, with their meshes where the body is here."""
    from hmr_video.evaluate import Sequence
    from hmr_video.evaluate.datasets import READERS
    from hmr_video.motion import Motion
    from hmr_video.results import body_of

    if path.suffix in READERS:
        return READERS[path.suffix](path)
    files = sorted(path.glob("*.npz")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path} holds no NPZ file.", "Name a folder that `hmr-video convert` has made.")
    motions = [Motion.load(file) for file in files]
    return [Sequence.from_motion(motion, body_of([motion])) for motion in motions]


def _evaluate_samples(
    settings: Options, protocol: "Protocol", reporter: Reporter, pairs: list[tuple["Motion", "Sequence"]]
) -> list[Scores]:
    """The scores of each true person; results and truths that belong together go to ``pairs``."""
    from hmr_video.assets import sample_clips
    from hmr_video.evaluate import Sequence, evaluate_people
    from hmr_video.pipeline import run
    from hmr_video.reconstruction.loading import Models

    models = Models.load(settings)
    rows: list[Scores] = []
    for clip in sample_clips():
        reporter.say(clip.name)
        motions = run(clip, settings, reporter, models=models).motions
        true = [person for file in sorted(clip.parent.glob(f"{clip.stem}*.npz")) for person in _read(file)]
        predicted = [Sequence.from_motion(motion, models.body) for motion in motions]
        people = evaluate_people(predicted, true, protocol)
        rows += _named(people, clip.stem)
        pairs += [(motions[one], truth) for (one, _), truth in zip(people, true, strict=True) if one is not None]
    return rows


def _evaluate_views(
    folder: Path, joints: Path | None, settings: Options, reporter: Reporter, pairs: list[tuple["Motion", "Sequence"]]
) -> list[Scores]:
    """The scores of each camera's result. The truth, put together frame by frame, trembles, so its accelerations say nothing."""
    from hmr_video.evaluate import Sequence, compare
    from hmr_video.evaluate.views import find_video, known_sequences, read_calibration, read_truth, true_sequences
    from hmr_video.pipeline import run
    from hmr_video.reconstruction.loading import Models

    views = read_calibration(folder)
    known = None if joints is None else read_truth(joints)
    clips = [find_video(folder, view) for view in views]
    settings = replace(settings, people=replace(settings.people, people="largest"))
    models = Models.load(settings)
    motions = []
    for clip in clips:
        reporter.say(clip.name)
        motions += run(clip, settings, reporter, models=models).motions
    true, disagreement = true_sequences(views, motions) if known is None else known_sequences(views, motions, known)
    shown = "what all cameras show" if known is None else "the truth"
    reporter.say(f"Half of the detections lie within {disagreement:.1%} of the person's height of {shown}.")
    rows: list[Scores] = []
    pairs += zip(motions, true, strict=True)
    for view, motion, truth in zip(views, motions, true, strict=True):
        scores = compare(Sequence.from_motion(motion), truth)
        rows.append((view.name, {name: scores[name] for name in OF_VIEWS}))
    return rows


def _evaluate_mocap(
    folder: Path,
    every_clip: bool,
    weak: bool,
    real: bool,
    all_points: bool,
    failures: Path | None,
    windows: int,
    seed: int,
    meshes: bool,
    settings: Options,
    up: str,
    reporter: Reporter,
) -> list[Any]:
    """Rows of tables, or weak points, or what ``failures`` shows."""
    import torch

    from hmr_video.evaluate.assess import assess, draw_failures, worst
    from hmr_video.evaluate.trials import FILMED_FRAMES, TrialConfig, draw_trials, filmed
    from hmr_video.evaluate.weak_points import weak_points
    from hmr_video.files import refuse_existing
    from hmr_video.mocap.clips import list_mocap
    from hmr_video.mocap.holdout import split
    from hmr_video.reconstruction.loading import Models

    torch.set_num_threads(1)  # thousands of small operations, each over before a second thread has woken up
    models = Models.load(replace(settings, features="keypoints"))
    names = list_mocap(folder)
    names = names if every_clip else split(names)[1]
    if weak and (real or failures or all_points):
        raise UsageError(
            "The weak points are measured under simulated detections of COCO's points only, as a table.",
            "Leave --real-detector, --all-points and --failures out.",
        )
    if real and all_points:
        raise UsageError("The real detector knows COCO's points only.", "Leave --all-points out.")
    if failures:
        refuse_existing(failures, overwrite=False)
    if weak:
        return weak_points(models, folder, names, windows, seed, reporter, up)
    config = TrialConfig(longest=FILMED_FRAMES) if real else TrialConfig(landmarks=all_points)
    observer = filmed(models.body, settings.people) if real else None
    trials = draw_trials(folder, names, models.body, windows, seed, config, observer, up, reporter)
    if failures:
        found = worst(models, trials, reporter, settings.refine)
        draw_failures(found, models.body, failures, reporter)
        return found
    return assess(models, trials, reporter, settings.refine, meshes)


def _named(people: list[tuple[int | None, Mapping[str, float]]], name: str) -> list[Scores]:
    """The scores of `evaluate_people` by name and number of the true person, with a word on those who were missed."""
    numbered = [name] if len(people) == 1 else [f"{name} {number}" for number in range(1, len(people) + 1)]
    return [
        (f"{person} (missed)" if partner is None else person, scores)
        for person, (partner, scores) in zip(numbered, people, strict=True)
    ]
