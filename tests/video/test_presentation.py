"""Frames and times by one law: what a player shows, when it does."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from numbered_videos import make, numbered, numbers, read

from hmr_video.console import Reporter
from hmr_video.errors import InputError
from hmr_video.video import open_video


def edited(path: Path, start: float, seconds: float) -> Path:
    """The MP4 with an edit list that shows only so many ``seconds`` from ``start`` on."""
    data = bytearray(path.read_bytes())
    entry = data.index(b"elst") + 12  # behind version, flags and count
    _, media_time = struct.unpack_from(">Ii", data, entry)
    movie, track = (struct.unpack_from(">I", data, data.index(name) + 16)[0] for name in (b"mvhd", b"mdhd"))
    struct.pack_into(">Ii", data, entry, round(seconds * movie), media_time + round(start * track))
    path.write_bytes(data)
    return path


def test_what_an_edit_list_hides_is_no_frame(tmp_path):
    whole, reporter, _ = read(edited(make(tmp_path / "clip.mp4", 60), 0.5, 1.0))
    assert numbers(whole.frames) == list(range(15, 45))
    np.testing.assert_allclose(whole.timestamps, np.arange(30) / 30, atol=1e-3)
    assert reporter.notes == []
    part, _, _ = read(tmp_path / "clip.mp4", start=0.5)
    assert numbers(part.frames) == list(range(30, 45))
    assert part.frame_ids.tolist() == list(range(15, 30))


def test_hidden_pictures_of_vp8_are_no_frames(tmp_path):
    """Those that are only there to predict others from; here, of each key frame a copy that is not to be shown."""
    plain, path = make(tmp_path / "plain.webm", 60, codec="libvpx", g="10"), tmp_path / "clip.webm"
    hidden = 0
    with av.open(str(plain)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.is_keyframe and packet.pts:
                data = bytes(packet)
                copy = av.Packet(bytes([data[0] & ~0x10]) + data[1:])
                copy.pts = copy.dts = packet.pts - 5
                copy.time_base, copy.stream = packet.time_base, stream
                target.mux(copy)
                hidden += 1
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    assert hidden == 5
    whole, reporter, _ = read(path)
    assert numbers(whole.frames) == list(range(60))
    assert open_video(path, Reporter(quiet=True)).info.frame_count == 60
    assert len(read(path, start=0.5)[0]) == 45
    assert reporter.notes == []


def test_a_stream_that_begins_in_the_middle_shows_what_follows_its_first_picture(tmp_path):
    path = make(tmp_path / "clip.ts", 60, g="20", **{"x264-params": "scenecut=0"})
    data = path.read_bytes()
    path.write_bytes(data[len(data) // 6 // 188 * 188 :])
    whole, reporter, _ = read(path)
    assert numbers(whole.frames) == list(range(20, 60))
    assert open_video(path, Reporter(quiet=True)).info.frame_count == 40
    assert ["begins in the middle" in note for note in reporter.notes] == [True]
    later = np.flatnonzero(whole.timestamps > open_video(path, Reporter(quiet=True)).origin + 0.5 - 1e-5)
    assert numbers(read(path, start=0.5)[0].frames) == (20 + later).tolist()


def test_a_bare_stream_goes_at_the_rate_that_it_states_or_that_it_is_given(tmp_path):
    path = make(tmp_path / "clip.h264", rate=30)
    whole, reporter, _ = read(path)
    np.testing.assert_allclose(whole.timestamps, np.arange(40) / 30)
    assert open_video(path, Reporter(quiet=True)).info.frame_rate == 30
    assert "30 a second" in reporter.notes[0]
    slow, reporter, _ = read(path, frame_rate=10)
    np.testing.assert_allclose(slow.timestamps, np.arange(40) / 10)
    assert reporter.notes == []


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.gif"])
def test_a_given_rate_is_taken_in_place_of_the_stated_one_and_said(tmp_path, name):
    path = make(tmp_path / name, 20, codec="gif" if name.endswith("gif") else "libx264", rate=25)
    whole, reporter, _ = read(path, frame_rate=100, start=0.1)
    assert numbers(whole.frames) == list(range(10, 20))
    np.testing.assert_allclose(whole.timestamps, np.arange(10, 20) / 100)
    assert ["states 25 frames a second" in note for note in reporter.notes] == [True]


def test_of_several_videos_the_default_one_is_read(tmp_path):
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("mpeg4", rate=25) for _ in range(2)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        streams[0].disposition, streams[1].disposition = Disposition(0), Disposition.default
        for number in range(10):
            for first, stream in zip((0, 30), streams, strict=True):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(numbered(first + number), format="rgb24")))
        for stream in streams:
            container.mux(stream.encode(None))
    whole, reporter, _ = read(path)
    assert numbers(whole.frames) == list(range(30, 40))
    assert "2 videos" in reporter.notes[0]


def test_a_cover_is_no_video(tmp_path):
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=44100)
        sound.layout = "mono"
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt, cover.disposition = 96, 64, "yuvj420p", Disposition.attached_pic
        container.mux(cover.encode(av.VideoFrame.from_ndarray(numbered(1), format="rgb24")))
        container.mux(cover.encode(None))
        block = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), format="s16", layout="mono")
        block.sample_rate = 44100
        container.mux([*sound.encode(block), *sound.encode(None)])
    with pytest.raises(InputError, match="only sound"):
        open_video(path, Reporter(quiet=True))


def test_a_clock_that_starts_anew_goes_on(tmp_path):
    once = make(tmp_path / "once.ts").read_bytes()
    (tmp_path / "twice.ts").write_bytes(once + once)
    whole, reporter, _ = read(tmp_path / "twice.ts")
    assert numbers(whole.frames) == 2 * list(range(40))
    np.testing.assert_allclose(np.diff(whole.timestamps), 1 / 30, atol=2e-5)
    assert ["starts anew" in note for note in reporter.notes] == [True]
    assert len(read(tmp_path / "twice.ts", start=1.0)[0]) == 50


def test_a_clock_that_overflows_goes_on(tmp_path):
    path = make(tmp_path / "clip.ts", file={"output_ts_offset": str(2**33 / 90_000 - 2)})
    whole, reporter, _ = read(path)
    assert numbers(whole.frames) == list(range(40))
    np.testing.assert_allclose(np.diff(whole.timestamps), 1 / 30, atol=2e-5)
    assert reporter.notes == []


def test_time_is_the_containers_and_a_selection_the_players(tmp_path):
    path = make(tmp_path / "clip.mkv", file={"output_ts_offset": "3"})
    whole, _, _ = read(path, start=1.0)
    assert numbers(whole.frames) == list(range(30, 40))
    assert whole.timestamps[0] == pytest.approx(4.0, abs=2e-3)


def test_times_that_repeat_are_distinguished(tmp_path):
    """Times of milliseconds are too coarse for a fast camera."""
    times = np.arange(40) / 3  # 3000 frames a second
    whole, _, _ = read(make(tmp_path / "clip.mkv", times=times.astype(int) + np.arange(40) // 20, rate=Fraction(3000), bf="0"))
    assert len(whole) == 40
    assert np.all(np.diff(whole.timestamps) > 0)
