"""Pixels by one law: square, upright, whole pictures of 8 bits, and a note where anything was done."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numbered_videos import make, numbers, read


def film(path: Path, frames: np.ndarray, codec: str, pixels: str, source: str = "rgb24", **settings) -> Path:
    """Writes ``frames`` as they are; ``settings`` are attributes of the codec's context."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pixels
        stream.options = settings.pop("options", {})
        for name, value in settings.items():
            setattr(stream.codec_context, name, value)
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format=source)))
        container.mux(stream.encode(None))
    return path


def test_ordinary_pictures_need_no_note(tmp_path):
    for name in ("clip.mp4", "clip.mkv", "clip.ts"):
        assert read(make(tmp_path / name))[1].notes == []


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts", "clip.h264"])
@pytest.mark.parametrize("aspect", [Fraction(4, 3), Fraction(1, 2)])
def test_pixels_become_square(tmp_path, name, aspect):
    whole, reporter, _ = read(make(tmp_path / name, aspect=aspect))
    assert whole.frames.shape[1:3] == (64, 96 * aspect)
    assert numbers(whole.frames) == list(range(40))
    assert any("not square" in note for note in reporter.notes)


def test_square_and_upright_go_together(tmp_path):
    whole, reporter, _ = read(make(tmp_path / "clip.mov", aspect=Fraction(1, 2), rotation=90))
    assert whole.frames.shape[1:3] == (96, 128)  # lying 96 x 64, upright 64 x 96 with pixels twice as wide as they are high
    assert numbers(np.rot90(whole.frames, -1, axes=(1, 2))) == list(range(40))
    assert any("not square" in note for note in reporter.notes)
    assert any("90 degrees" in note for note in reporter.notes)


@pytest.mark.parametrize(("degrees", "mirrored"), [(0, True), (90, True), (180, True), (270, False)])
def test_mirrors_are_undone(tmp_path, degrees, mirrored):
    path = tmp_path / "clip.mp4"
    frame = np.zeros((48, 64, 3), np.uint8)
    frame[:24, :32] = 255  # bright at the top left
    frame[24:, :32] = 120
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.set_display_rotation(degrees, hflip=mirrored)
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    whole, reporter, _ = read(path)
    wanted = np.rot90(frame, round(degrees / 90))[:, :: -1 if mirrored else 1]
    assert whole.frames.shape[1:] == wanted.shape
    assert np.abs(whole.frames[1].astype(int) - wanted).mean() < 5
    assert len(reporter.notes) == 1


def test_a_picture_that_changes_its_shape_keeps_it(tmp_path):
    wide = make(tmp_path / "wide.ts", 10, size=(96, 64)).read_bytes()
    tall = make(tmp_path / "tall.ts", 10, size=(48, 96)).read_bytes()
    (tmp_path / "clip.ts").write_bytes(wide + tall)
    whole, reporter, _ = read(tmp_path / "clip.ts")
    assert whole.frames.shape == (20, 64, 96, 3)
    assert numbers(whole.frames[:10]) == list(range(10))
    assert numbers(whole.frames[10:, :, 32:64]) == list(range(10))
    assert not whole.frames[10:, :, :32].any()
    assert not whole.frames[10:, :, 64:].any()
    assert any("change their size" in note for note in reporter.notes)


def test_pixels_that_change_their_shape_are_followed(tmp_path):
    parts = [make(tmp_path / f"{n}.ts", 10, aspect=Fraction(n, 1)).read_bytes() for n in (1, 2)]
    (tmp_path / "clip.ts").write_bytes(b"".join(parts))
    whole, _, _ = read(tmp_path / "clip.ts")
    assert whole.frames.shape == (20, 64, 96, 3)
    assert numbers(whole.frames[10:, 16:48]) == list(range(10))
    assert not whole.frames[10:, :16].any()


def test_fields_become_whole_pictures(tmp_path):
    """A bar that moves 8 pixels between the two fields of a picture leaves a comb where they meet."""
    frames = np.zeros((8, 64, 128, 3), np.uint8)
    for number, frame in enumerate(frames):
        frame[0::2, 12 * number : 12 * number + 16] = 255
        frame[1::2, 12 * number + 6 : 12 * number + 22] = 255
    combed = np.abs(np.diff(frames[4].astype(int), axis=0)).mean()
    path = film(tmp_path / "clip.mp4", frames, "libx264", "yuv420p", options={"x264-params": "tff=1", "crf": "1"})
    whole, reporter, _ = read(path)
    assert len(whole) == 8
    assert np.abs(np.diff(whole.frames[4].astype(int), axis=0)).mean() < combed / 3
    assert ["interlaced" in note for note in reporter.notes] == [True]
    np.testing.assert_array_equal(read(path, start=0.3, every=2)[0].frames, whole.frames[4::2])


def test_what_is_transparent_is_black(tmp_path):
    frames = np.full((3, 32, 48, 4), 200, np.uint8)
    frames[..., 3] = 255
    frames[:, :, :24, 3] = 0
    whole, reporter, _ = read(film(tmp_path / "clip.mov", frames, "png", "rgba", "rgba"))
    assert not whole.frames[:, :, :24].any()
    assert (whole.frames[:, :, 24:] == 200).all()
    assert ["transparent" in note for note in reporter.notes] == [True]


def test_ten_bits_become_eight(tmp_path):
    frames = np.repeat(np.arange(0, 256, 4, dtype=np.uint8)[None, None, :, None], 3, -1).repeat(32, 1).repeat(3, 0)
    whole, reporter, _ = read(film(tmp_path / "clip.mkv", frames, "ffv1", "yuv444p10le"))
    assert np.abs(whole.frames.astype(int) - frames).max() <= 2
    assert ["8 bits" in note for note in reporter.notes] == [True]


def test_high_dynamic_range_is_said(tmp_path):
    frames = np.full((3, 32, 48, 3), 90, np.uint8)
    _, reporter, _ = read(film(tmp_path / "clip.mp4", frames, "libx264", "yuv420p", color_trc=16))
    assert ["high dynamic range (PQ)" in note for note in reporter.notes] == [True]


@pytest.mark.parametrize(("limits", "black", "white"), [(1, 16, 235), (2, 0, 255)])
def test_limited_and_full_range_are_both_black_and_white(tmp_path, limits, black, white):
    luma = np.full((3, 48, 64), black, np.uint8)  # as yuv420p: 32 rows of luma, 16 of both colours
    luma[:, :16] = white
    luma[:, 32:] = 128
    path = film(tmp_path / "clip.mp4", luma, "libx264", "yuv420p", "yuv420p", color_range=limits, height=32, options={"crf": "1"})
    whole, _, _ = read(path)
    assert whole.frames.shape == (3, 32, 64, 3)
    assert whole.frames[:, :14].min() >= 253
    assert whole.frames[:, 18:].max() <= 2
