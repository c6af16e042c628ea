"""Whatever a video is coded in, its frames are those that were written, at their times, by either decoder."""

import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numbered_videos import make, numbers, read

from hmr_video.video import Chunk

pytest.importorskip("decord")

FILES = {
    "libx264": ["a.mp4", "a.mov", "a.m4v", "a.mkv", "a.avi", "a.ts", "a.flv"],
    "libx265": ["a.mp4", "a.mkv", "a.ts"],
    "mpeg4": ["a.mp4", "a.avi", "a.mkv", "a.mov"],
    "mpeg2video": ["a.mpg", "a.ts", "a.mkv"],
    "libvpx": ["a.webm"],
    "libvpx-vp9": ["a.webm", "a.mp4"],
    "mjpeg": ["a.avi", "a.mov"],
    "ffv1": ["a.mkv"],
}
OPTIONS = {
    "libx264": st.fixed_dictionaries(
        {
            "preset": st.just("ultrafast"),
            "g": st.sampled_from(["1", "7", "250"]),
            "bf": st.sampled_from(["0", "2", "3"]),
            "x264-params": st.sampled_from(["open-gop=1", "intra-refresh=1", "slices=3:b-pyramid=normal", "weightp=2"]),
        }
    ),
    "libx265": st.just({"preset": "ultrafast", "x265-params": "log-level=none:keyint=12:pools=none:frame-threads=1"}),
    "mpeg4": st.fixed_dictionaries({"g": st.sampled_from(["1", "10"]), "bf": st.sampled_from(["0", "2"]), "q": st.just("2")}),
    "mpeg2video": st.fixed_dictionaries({"g": st.sampled_from(["1", "10"]), "bf": st.sampled_from(["0", "2"])}),
    "libvpx": st.just({"auto-alt-ref": "1", "lag-in-frames": "10", "deadline": "realtime"}),
    "libvpx-vp9": st.just({"deadline": "realtime", "cpu-used": "8"}),
}
COUNT, STEP = 40, 40  # frames, and milliseconds between them


@st.composite
def videos(draw: st.DrawFn) -> tuple[str, str, dict[str, str], bool]:
    """Codec, file name, the codec's options, and whether frames are missing in between."""
    codec = draw(st.one_of(st.just("libx264"), st.sampled_from(sorted(FILES))))
    name = draw(st.sampled_from(FILES[codec]))
    variable = draw(st.booleans()) and codec != "mpeg2video" and not name.endswith(("avi", "flv"))
    return codec, name, draw(OPTIONS.get(codec, st.just({}))), variable


@settings(max_examples=25, deadline=None)
@given(videos(), st.sampled_from([0.0, 0.3, 1.0]), st.sampled_from([None, 1.3]), st.integers(1, 3))
def test_frames_and_times_are_those_that_were_written(video, start: float, end: float | None, every: int) -> None:
    codec, name, options, variable = video
    rows = np.flatnonzero(np.arange(COUNT) % 4 != 2) if variable else np.arange(COUNT)
    with tempfile.TemporaryDirectory() as folder:
        path = make(Path(folder) / name, len(rows), codec=codec, times=rows * STEP if variable else None, rate=25, **options)
        whole, _, decoder = read(path)
        assert (decoder == "decord") == (codec == "libx264" and name in ("a.mp4", "a.mov", "a.m4v"))
        with av.open(str(path)) as container:
            origin = (container.start_time or 0) / 1e6
        seconds = whole.timestamps - whole.timestamps[0]
        assert numbers(whole.frames) == list(range(len(rows))) == whole.frame_ids.tolist()
        np.testing.assert_allclose(seconds, (rows - rows[0]) * STEP / 1000, atol=1.1e-3)

        chosen = (whole.timestamps - origin >= start - 1e-6) & (whole.timestamps - origin < (end or np.inf) - 1e-6)
        chosen &= whole.frame_ids % every == 0
        wanted = Chunk(whole.frames[chosen], whole.frame_ids[chosen] // every, whole.timestamps[chosen])
        part = read(path, start=start, end=end, every=every)[0]
        with patch.dict(sys.modules, {"decord": None}):
            reference, _, other = read(path, start=start, end=end, every=every)
        assert other == "pyav"
        for given_chunk in (part, reference):
            for field in Chunk.__dataclass_fields__:
                np.testing.assert_array_equal(getattr(given_chunk, field), getattr(wanted, field))
