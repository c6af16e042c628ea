"""Damaged files, and files that are no videos."""

import av
import numpy as np
import pytest
from numbered_videos import make, numbers, read

from hmr_video.console import Reporter
from hmr_video.errors import InputError
from hmr_video.video import open_video


def test_a_file_cut_short_is_read_as_far_as_it_goes(tmp_path):
    path = make(tmp_path / "clip.mp4", crf="5")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * 0.7)])
    whole, reporter, decoder = read(path)
    assert decoder == "pyav"
    assert 10 < len(whole) < 40
    assert numbers(whole.frames) == np.rint(whole.timestamps * 30).astype(int).tolist()
    assert any(f"{40 - len(whole)} of 40 frames" in note for note in reporter.notes)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts"])
def test_corrupted_bytes_lose_little_and_repeatably(tmp_path, name):
    path = make(tmp_path / name, crf="5")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 600] = np.random.default_rng(1).integers(0, 256, 600, dtype=np.uint8).tobytes()
    path.write_bytes(data)
    whole, reporter, _ = read(path)
    again, _, _ = read(path)
    assert len(whole) >= 25
    assert whole.frame_ids.tolist() == list(range(len(whole)))
    assert np.all(np.diff(whole.timestamps) > 0)
    np.testing.assert_array_equal(whole.frames, again.frames)
    assert name != "clip.ts" or ["is interrupted" in note for note in reporter.notes] == [True]


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
