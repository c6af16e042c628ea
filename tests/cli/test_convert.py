"""`convert`, as people meet it: what it writes, what it says, and the exit codes of bad input."""

import json
import shutil
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from hmr_video.body import load_body
from hmr_video.cli.main import run
from hmr_video.motion import Motion
from hmr_video.reconstruction.shape import stature

SAMPLE = Path(__file__).parents[2] / "samples" / "one_person.mp4"


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two thirds of a second of the sample, as a result folder."""
    folder = tmp_path_factory.mktemp("out")
    assert run(["convert", str(SAMPLE), "-o", str(folder), "--end", "0.65", "-f", "obj,csv", "--quiet"]) == 0
    return folder / "one_person"


def test_a_clip_becomes_a_person(converted: Path) -> None:
    assert {path.name for path in converted.iterdir()} == {"person_01.npz", "person_01_obj", "person_01.csv", "summary.json"}
    motion = Motion.load(converted / "person_01.npz")
    assert len(motion) == 20
    assert motion.trans[:, 2].min() > 1
    assert motion.timestamps[1] == pytest.approx(1 / 30, abs=1e-3)
    summary = json.loads((converted / "summary.json").read_text())
    assert summary["people"][0]["residual_median"] < 0.025
    assert summary["people"][0]["interpolated_frames"] == 0
    assert len(summary["weights"]["sha256"]) == 64


def test_existing_results_are_kept_unless_told(converted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (converted / "person_01.npz").read_bytes()
    assert run(["convert", str(SAMPLE), "-o", str(converted.parent)]) == 7
    assert "--overwrite" in capsys.readouterr().err
    assert (converted / "person_01.npz").read_bytes() == before


def test_keypoints_need_no_video(converted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A result's own keypoints, without the video: the same bytes in, the same numbers out."""
    source = converted / "person_01.npz"
    assert run(["convert", "--keypoints", str(source), "-o", str(tmp_path), "--json", "--quiet"]) == 0
    summary = json.loads(capsys.readouterr().out)
    first, again = Motion.load(source), Motion.load(Path(summary["output"]) / "person_01.npz")
    assert np.abs(first.joints3d - again.joints3d).max() < 0.01


def test_height_sets_the_scale(converted: Path, tmp_path: Path) -> None:
    arguments = ["convert", "--keypoints", str(converted / "person_01.npz"), "-o", str(tmp_path), "--height", "1.9", "--quiet"]
    assert run(arguments) == 0
    motion = Motion.load(tmp_path / "person_01" / "person_01.npz")
    assert stature(load_body("open"), torch.from_numpy(motion.betas)) == pytest.approx(1.9, abs=2e-3)


def silence(path: Path) -> None:
    """A second of sound without a picture."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 44100), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def grey(path: Path, size: int, frames: int) -> None:
    """A video of nothing."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = size
        stream.pix_fmt = "yuv420p"
        for _ in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((size, size, 3), 128, np.uint8))))
        container.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("missing.mp4", 3),
        ("empty.mp4", 3),
        ("text.mp4", 3),
        ("sound.mp4", 3),
        ("empty_folder", 3),
        ("nobody.mp4", 4),
        ("tiny.mp4", 4),
    ],
)
def test_bad_input_has_its_exit_code_and_a_remedy(
    name: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    if name == "empty.mp4":
        path.touch()
    elif name == "text.mp4":
        path.write_text("This is not a video.\n" * 100)
    elif name == "sound.mp4":
        silence(path)
    elif name == "empty_folder":
        path.mkdir()
    elif name == "nobody.mp4":
        grey(path, 320, 3)
    elif name == "tiny.mp4":
        grey(path, 16, 3)
    assert run(["convert", str(path), "-o", str(tmp_path / "out")]) == code
    said = capsys.readouterr().err
    assert "error:" in said
    assert "Traceback" not in said
    assert not list((tmp_path / "out").glob("*/*"))


def test_a_truncated_video_gives_what_it_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Remuxed with the index in front, then cut: the frames that are there are used, and the loss is reported."""
    path = tmp_path / "cut.mkv"
    with av.open(str(SAMPLE)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.2)])
    assert run(["convert", str(path), "-o", str(tmp_path), "--json", "--quiet"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert 5 < summary["frames"] < 100
    assert summary["warnings"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["convert"],
        ["convert", "x.mp4", "--people", "nobody"],
        ["convert", "x.mp4", "--format", "3ds"],
        ["convert", "x.mp4", "--height", "17"],
        ["convert", "x.mp4", "--colour", "red"],
    ],
)
def test_wrong_usage_is_two(arguments: list[str]) -> None:
    assert run(arguments) == 2


def test_missing_weights_and_bodies_are_six(tmp_path: Path) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"nonsense")
    shutil.copy(SAMPLE, tmp_path / "clip.mp4")
    for options in (["--weights", "no_such"], ["--weights", str(tmp_path / "broken.safetensors")], ["--body", "no_such"]):
        assert run(["convert", str(tmp_path / "clip.mp4"), "-o", str(tmp_path / "out"), "--end", "0.1", *options]) == 6


def test_an_output_that_cannot_be_written_is_seven(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert run(["convert", str(SAMPLE), "-o", str(tmp_path / "file")]) == 7
