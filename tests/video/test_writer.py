"""`VideoWriter`."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numbered_videos import make, numbered, numbers, read

from hmr_video.errors import OutputError
from hmr_video.video.writer import VideoWriter


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
    with VideoWriter(tmp_path / "out.mp4", 30, (97, 65)) as writer:
        for number, time in enumerate(times):
            writer.write(numbered(number, 97, 65), time)
    whole, _, _ = read(tmp_path / "out.mp4")
    assert whole.frames.shape == (5, 64, 96, 3)
    np.testing.assert_allclose(whole.timestamps, times - 0.5, atol=2e-5)


def test_the_same_pictures_are_the_same_bytes(tmp_path):
    tiles = np.random.default_rng(0).integers(0, 255, (135, 240, 3), dtype=np.uint8).repeat(4, 0).repeat(4, 1)
    written = set()
    for number in range(6):  # which of them differ is chance
        with VideoWriter(tmp_path / f"{number}.mp4", 30, (960, 540)) as writer:
            for frame in range(40):
                writer.write(np.roll(tiles, (frame, 2 * frame), (0, 1)))
        written.add((tmp_path / f"{number}.mp4").read_bytes())
    assert len(written) == 1


def test_sound_is_copied(tmp_path):
    source = make(tmp_path / "clip.mp4", audio=True)
    with VideoWriter(tmp_path / "out.mp4", 30, (96, 64), audio_from=source) as writer:
        for number in range(40):
            writer.write(numbered(number))

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
