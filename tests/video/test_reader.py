"""Videos are made with PyAV; each frame shows its own number as stripes, so that no wrong frame can pass for the right one."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from hmr_video.console import Reporter
from hmr_video.errors import InputError, OutputError, UsageError
from hmr_video.video import Chunk, VideoWriter, ahead, open_video

BITS = 6


def numbered(number: int, width: int = 96, height: int = 64) -> np.ndarray:
    """A frame whose upper half shows ``number`` as bright and dark stripes, the lowest bit on the left, above noise."""
    frame = np.random.default_rng(number).integers(60, 120, (height, width, 3), dtype=np.uint8)
    stripe = width // BITS
    for bit in range(BITS):
        frame[: height // 2, bit * stripe : (bit + 1) * stripe] = 220 if number >> bit & 1 else 20
    return frame


def number_of(frame: np.ndarray) -> int:
    height, width, _ = frame.shape
    stripe = width // BITS
    return sum(int(frame[height // 4, bit * stripe + stripe // 2].mean() > 120) << bit for bit in range(BITS))


def make(
    path: Path, count: int = 40, size=(96, 64), codec="libx264", times=None, rotation=0, audio=False, rate=30, **options
) -> Path:
    """Writes ``count`` numbered frames; ``times`` in milliseconds make the rate variable."""
    with av.open(str(path), "w", options={"movflags": "+faststart"} if path.suffix == ".mp4" else {}) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = {"gif": "rgb8", "libx264": "yuv444p" if size[0] % 2 or size[1] % 2 else "yuv420p"}.get(codec, "yuv420p")
        stream.options = {"g": "10", **options} if codec == "libx264" else options
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if rotation:
            stream.set_display_rotation(rotation)
        if audio:
            sound = container.add_stream("aac", rate=44100)
            sound.layout = "mono"
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(numbered(number, *size), format="rgb24")
            if times is not None:
                frame.time_base, frame.pts = Fraction(1, 1000), int(times[number])
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if audio:
            samples = (np.sin(np.arange(44100 * count // rate) / 20) * 8000).astype(np.int16)
            for start in range(0, len(samples) - 1024, 1024):
                block = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], format="s16", layout="mono")
                block.sample_rate, block.pts = 44100, start
                container.mux(sound.encode(block))
            container.mux(sound.encode(None))
    return path


def read(path: Path, size: int = 7, **selection) -> tuple[Chunk, Reporter, str]:
    """All chunks as one, the reporter with its notes, and the decoder's name."""
    reporter = Reporter(quiet=True)
    reader = open_video(path, reporter, **selection)
    chunks = list(reader.chunks(size))
    assert all(len(chunk) == size for chunk in chunks[:-1])
    whole = Chunk(*(np.concatenate([getattr(chunk, name) for chunk in chunks]) for name in Chunk.__dataclass_fields__))
    assert whole.frames.shape[1:] == (reader.info.height, reader.info.width, 3)
    assert whole.frames.dtype == np.uint8
    return whole, reporter, reader.info.decoder


def numbers(frames: np.ndarray) -> list[int]:
    return [number_of(frame) for frame in frames]


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


# --- damage -------------------------------------------------------------------------------------------------------------


def test_a_file_cut_short_is_read_as_far_as_it_goes(tmp_path):
    path = make(tmp_path / "clip.mp4", crf="5")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * 0.7)])
    whole, reporter, decoder = read(path)
    assert decoder == "pyav"
    assert 10 < len(whole) < 40
    assert numbers(whole.frames) == np.rint(whole.timestamps * 30).astype(int).tolist()
    assert any(f"{40 - len(whole)} of 40 frames" in note for note in reporter.notes)


def test_corrupted_bytes_lose_little_and_repeatably(tmp_path):
    path = make(tmp_path / "clip.mp4", crf="5")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 600] = np.random.default_rng(1).integers(0, 256, 600, dtype=np.uint8).tobytes()
    path.write_bytes(data)
    whole, _, _ = read(path)
    again, _, _ = read(path)
    assert len(whole) >= 30
    assert whole.frame_ids.tolist() == list(range(len(whole)))
    assert np.all(np.diff(whole.timestamps) > 0)
    np.testing.assert_array_equal(whole.frames, again.frames)


def test_a_cut_transport_stream_is_read(tmp_path):
    path = make(tmp_path / "clip.ts", crf="5")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    whole, _, _ = read(path)
    assert numbers(whole.frames) == list(range(len(whole)))
    assert len(whole) > 10


def test_an_end_without_index_is_an_input_error(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(make(tmp_path / "whole.mov").read_bytes()[:3000])  # no faststart: the index was at the end
    with pytest.raises(InputError, match="damaged"):
        open_video(path, Reporter(quiet=True))


@pytest.mark.parametrize(
    ("name", "content"), [("a.mp4", b""), ("b.mp4", b"hello " * 99), ("c.txt", b"hello\n" * 99), ("d.jpg", b"hello")]
)
def test_other_files_are_input_errors(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        open_video(tmp_path / name, Reporter(quiet=True))
    assert name in caught.value.problem
    assert caught.value.remedy


def test_missing_files_and_empty_folders_are_input_errors(tmp_path):
    for path in (tmp_path / "missing.mp4", tmp_path):
        with pytest.raises(InputError):
            open_video(path, Reporter(quiet=True))


def test_sound_alone_is_an_input_error(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        stream.layout = "mono"
        block = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), format="s16", layout="mono")
        block.sample_rate = 44100
        container.mux(stream.encode(block))
        container.mux(stream.encode(None))
    with pytest.raises(InputError, match="only sound"):
        open_video(path, Reporter(quiet=True))


def test_absurd_dimensions_are_refused_before_memory_is_taken(tmp_path):
    path = make(tmp_path / "clip.gif", count=2, codec="gif")
    data = bytearray(path.read_bytes())
    data[6:10] = (15000).to_bytes(2, "little") * 2  # the canvas of the GIF
    path.write_bytes(data)
    with pytest.raises(InputError):
        open_video(path, Reporter(quiet=True))


# --- writing ------------------------------------------------------------------------------------------------------------


def test_written_frames_come_back(tmp_path):
    path = tmp_path / "out.mp4"
    with VideoWriter(path, Fraction(30000, 1001), (96, 64)) as writer:
        for number in range(20):
            writer.write(numbered(number))
    whole, _, _ = read(path)
    assert numbers(whole.frames) == list(range(20))
    np.testing.assert_allclose(whole.timestamps, np.arange(20) * 1001 / 30000, atol=2e-5)
    assert list(tmp_path.iterdir()) == [path]


def test_written_times_are_exact_and_odd_sizes_fit(tmp_path):
    times = np.array([0.5, 0.6, 1.0, 1.01, 2.5])
    with VideoWriter(tmp_path / "out.mp4", 30, (97, 65), timestamps=times) as writer:
        for number in range(5):
            writer.write(numbered(number, 97, 65))
    whole, _, _ = read(tmp_path / "out.mp4")
    assert whole.frames.shape == (5, 64, 96, 3)
    np.testing.assert_allclose(whole.timestamps, times - 0.5, atol=2e-5)


def test_sound_is_copied(tmp_path):
    source = make(tmp_path / "clip.mp4", audio=True)
    with VideoWriter(tmp_path / "out.mp4", 30, (96, 64), audio_from=source) as writer:
        for number in range(40):
            writer.write(numbered(number))
    assert writer.audio_copied

    def packets(path: Path) -> list[bytes]:
        with av.open(str(path)) as container:
            return [bytes(packet) for packet in container.demux(audio=0) if packet.size]

    assert packets(tmp_path / "out.mp4") == packets(source)[: len(packets(tmp_path / "out.mp4"))]
    assert len(packets(tmp_path / "out.mp4")) >= len(packets(source)) - 2


def test_nothing_is_left_of_a_failed_writing(tmp_path):
    with pytest.raises(OutputError, match="does not fit"), VideoWriter(tmp_path / "out.mp4", 30, (96, 64)) as writer:
        writer.write(numbered(0, 48, 32))
    assert list(tmp_path.iterdir()) == []


def test_existing_output_is_kept(tmp_path):
    (tmp_path / "out.mp4").write_text("mine")
    with pytest.raises(OutputError, match="exists"), VideoWriter(tmp_path / "out.mp4", 30, (96, 64)):
        pass
    assert (tmp_path / "out.mp4").read_text() == "mine"


# --- reading ahead ------------------------------------------------------------------------------------------------------


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
