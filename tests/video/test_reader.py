"""`open_video` and what it gives of whole videos."""

from fractions import Fraction

import numpy as np
import pytest
from numbered_videos import make, numbers, read
from PIL import Image

from hmr_video.console import Reporter
from hmr_video.errors import InputError, UsageError
from hmr_video.video import ahead, open_video
from hmr_video.video.source import nominal_rate


@pytest.mark.parametrize("decord", [True, False])
def test_all_frames_in_order_by_either_reader(tmp_path, decord, monkeypatch):
    if not decord:
        monkeypatch.setitem(__import__("sys").modules, "decord", None)
    elif not pytest.importorskip("decord"):
        return
    whole, reporter, decoder = read(make(tmp_path / "clip.mp4"))
    assert decoder == ("decord" if decord else "pyav")
    assert numbers(whole.frames) == list(range(40)) == whole.frame_ids.tolist()
    np.testing.assert_allclose(whole.timestamps, np.arange(40) / 30, atol=1e-4)
    assert reporter.notes == []


def test_readers_give_the_same_pixels(tmp_path, monkeypatch):
    pytest.importorskip("decord")
    path = make(tmp_path / "clip.mp4")
    first = read(path)[0].frames
    monkeypatch.setitem(__import__("sys").modules, "decord", None)
    second, _, decoder = read(path)
    assert decoder == "pyav"
    assert np.abs(first.astype(int) - second.frames).mean() < 0.5


def test_decord_does_not_read_what_it_could_not_hold(tmp_path, monkeypatch):
    """It may have decoded a whole file before the first frame is looked at."""
    monkeypatch.setattr("hmr_video.video.containers._DECORD_BYTES", 96 * 64 * 3 * 40 - 1)
    whole, _, decoder = read(make(tmp_path / "clip.mp4"))
    assert (len(whole.frames), decoder) == (40, "pyav")


def test_a_reader_starts_over_and_knows_the_video(tmp_path):
    reader = open_video(make(tmp_path / "clip.mp4", rate=Fraction(30000, 1001)), Reporter(quiet=True))
    assert reader.info.frame_rate == 30000 / 1001
    assert (reader.info.width, reader.info.height, reader.info.frame_count, reader.info.focal) == (96, 64, 40, None)
    assert [len(chunk) for chunk in reader.chunks(16)] == [len(chunk) for chunk in reader.chunks(16)] == [16, 16, 8]


@pytest.mark.parametrize(("rotation", "turns"), [(90, 1), (180, 2), (-90, 3)])
def test_rotation_metadata_is_applied(tmp_path, rotation, turns):
    whole, _, _ = read(make(tmp_path / "clip.mp4", rotation=rotation))
    assert whole.frames.shape[1:3] == ((96, 64) if turns % 2 else (64, 96))
    assert numbers(np.rot90(whole.frames, -turns, axes=(1, 2))) == list(range(40))


def test_variable_frame_rate_keeps_presentation_times(tmp_path):
    times = np.cumsum(np.random.default_rng(0).integers(10, 120, 40))
    whole, _, _ = read(make(tmp_path / "clip.mp4", times=times))
    np.testing.assert_allclose(whole.timestamps - whole.timestamps[0], (times - times[0]) / 1000, atol=1e-3)
    assert numbers(whole.frames) == list(range(40))


@pytest.mark.parametrize("size", [(16, 16), (97, 65)])
def test_small_and_odd_sizes(tmp_path, size):
    whole, _, _ = read(make(tmp_path / "clip.mp4", count=5, size=size))
    assert whole.frames.shape == (5, size[1], size[0], 3)


def test_gif(tmp_path):
    whole, _, decoder = read(make(tmp_path / "clip.gif", count=20, codec="gif", rate=10))
    assert decoder == "pyav"
    assert numbers(whole.frames) == list(range(20))
    np.testing.assert_allclose(np.diff(whole.timestamps), 0.1, atol=1e-6)


def test_pictures_of_a_gif_that_ask_for_no_time_get_that_of_browsers(tmp_path):
    pictures = [Image.new("P", (8, 8), number) for number in range(4)]
    pictures[0].save(tmp_path / "clip.gif", save_all=True, append_images=pictures[1:], duration=[50, 10, 10, 20], optimize=False)
    whole, _, _ = read(tmp_path / "clip.gif")
    np.testing.assert_allclose(whole.timestamps, [0, 0.05, 0.15, 0.25], atol=1e-6)


def test_selection_keeps_the_numbers_of_the_source(tmp_path):
    whole, _, _ = read(make(tmp_path / "clip.mp4"), start=0.5, end=1.0)
    assert numbers(whole.frames) == whole.frame_ids.tolist() == list(range(15, 30))


def test_every_nth_frame_is_a_slower_camera(tmp_path):
    path = make(tmp_path / "clip.mp4")
    whole, _, _ = read(path, every=4, start=0.3)
    assert whole.frame_ids.tolist() == list(range(3, 10))
    assert numbers(whole.frames) == [4 * k for k in range(3, 10)]
    np.testing.assert_allclose(whole.timestamps, whole.frame_ids * 4 / 30, atol=1e-4)
    reader = open_video(path, Reporter(quiet=True), every=4)
    assert (reader.info.frame_rate, reader.info.frame_count) == (7.5, 10)


@pytest.mark.parametrize("selection", [{"start": 2, "end": 1}, {"every": 0}, {"start": -1}, {"frame_rate": 0.0}])
def test_meaningless_selections_are_refused(tmp_path, selection):
    with pytest.raises(UsageError):
        open_video(make(tmp_path / "clip.mp4", count=3), Reporter(quiet=True), **selection)


def test_a_selection_after_the_end_is_refused(tmp_path):
    with pytest.raises(InputError, match="last one is at"):
        open_video(make(tmp_path / "clip.mp4"), Reporter(quiet=True), start=9)


def test_the_rate_of_a_camera_that_lost_some_frames_is_the_cameras():
    times = np.delete(np.arange(300) / 30, [50, 51, 120, 200])
    assert nominal_rate(times, (len(times) / 10, 30.0)) == 30
    assert nominal_rate(times * 1.003, (30.0,)) == 30
    assert nominal_rate(np.array([0.0, 0.1, 0.5, 0.55]), ()) == pytest.approx(3 / 0.55)


def test_ahead_keeps_order_and_passes_errors_on():
    assert list(ahead(iter(range(50)), 3)) == list(range(50))

    def failing():
        yield 1
        raise ValueError("inside")

    items = ahead(failing())
    assert next(items) == 1
    with pytest.raises(ValueError, match="inside"):
        next(items)


def test_ahead_stops_with_its_consumer():
    made = []

    def counting():
        for number in range(1000):
            made.append(number)
            yield number

    items = ahead(counting())
    next(items)
    items.close()
    assert len(made) < 10
