"""Clips of many kinds, made by ffmpeg at random, come out as ffmpeg itself decodes them: frames, times and pictures.

``--clips 200`` makes so many; ``--seed`` others.
"""

import random
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from hmr_video.console import Reporter
from hmr_video.errors import InputError
from hmr_video.video import open_video

pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")

# Codec -> its containers, its pixel formats, and ffmpeg's options for it.
CODECS: dict[str, tuple[str, str, str]] = {
    "libx264": ("mp4 mp4 mov mkv ts avi flv h264", "yuv420p yuv420p yuvj420p yuv422p yuv444p yuv420p10le", "-preset ultrafast"),
    "libx265": ("mp4 mkv ts hevc", "yuv420p yuv420p10le", "-preset ultrafast -x265-params log-level=none"),
    "mpeg4": ("mp4 avi mkv mov m4v", "yuv420p", "-q:v 3"),
    "mpeg2video": ("mpg ts mkv avi vob m2v", "yuv420p yuv422p", "-q:v 3"),
    "libvpx": ("webm mkv", "yuv420p", "-deadline realtime -cpu-used 8"),
    "libvpx-vp9": ("webm mp4 mkv", "yuv420p yuv444p", "-deadline realtime -cpu-used 8"),
    "mjpeg": ("avi mov mkv mjpeg", "yuvj420p yuvj422p", "-q:v 3"),
    "prores_ks": ("mov mkv", "yuv422p10le", ""),
    "ffv1": ("mkv avi", "yuv420p bgr0 gray yuv422p10le", ""),
    "gif": ("gif", "rgb8", ""),
    "wmv2": ("asf avi", "yuv420p", "-q:v 3"),
    "flv": ("flv", "yuv420p", "-q:v 3"),
    "png": ("mov", "rgb24", ""),
    "libtheora": ("ogv", "yuv420p", "-q:v 6"),
}
RAW = {"h264", "hevc", "m4v", "m2v", "mjpeg"}
RATES = ["24", "25", "30", "30000/1001", "50", "60", "12", "15"]
MPEG2_RATES = ["24", "25", "30", "30000/1001", "50", "60"]
SOUND = {"mp4", "mov", "mkv", "avi"}  # with sound, too; the clocks of others begin with what is read
NAMES = {"mkv": "matroska", "ts": "mpegts"}
X264 = ["open-gop=1", "open-gop=0", "intra-refresh=1", "scenecut=0:b-pyramid=strict"]
MP4 = [["-use_editlist", "0"], ["-movflags", "frag_keyframe+empty_moov"], ["-movflags", "faststart"]]


@dataclass
class Recipe:
    """How a clip is made: ffmpeg's arguments for its codec, then for a second run that copies the packets."""

    name: str
    first: str
    size: str
    rate: str
    filters: list[str] = field(default_factory=list)
    coded: list[str] = field(default_factory=list)
    copied: list[str] | None = None
    last: str = ""
    sound: bool = False

    def make(self, folder: Path) -> Path:
        path = folder / f"{self.name}.{self.last}"
        made = folder / f"{self.name}_first.{self.first}" if self.copied is not None else path
        source = f"testsrc2=s={self.size}:r={self.rate}:d=1.6"
        filters = ["-vf", ",".join(self.filters)] if self.filters else []
        sound = ["-f", "lavfi", "-i", "sine=d=1.6"] if self.sound else []
        ffmpeg("-f", "lavfi", "-i", source, *sound, *filters, *self.coded, str(made))
        if self.copied is not None:
            before = self.copied[:2] if self.copied[0] == "-ss" else []
            ffmpeg(*before, "-i", str(made), "-c", "copy", *self.copied[len(before) :], str(path))
        return path if path.stat().st_size else made  # no packet was left of a part without a picture of its own


def ffmpeg(*arguments: str) -> None:
    done = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stderr}"


def recipe(chance: random.Random, number: int) -> Recipe:
    codec = chance.choice([*CODECS, "libx264", "libx264", "libx265"])
    containers, pixels, options = CODECS[codec]
    last = chance.choice(containers.split())
    plain = codec in ("gif", "libtheora", "png")
    made = Recipe(
        f"clip_{number:03d}_{codec}",
        last,
        chance.choice(["320x240", "192x108", "130x98", "96x160"]),
        chance.choice(MPEG2_RATES if codec == "mpeg2video" or last in ("m4v", "mpg") else RATES),
        coded=["-c:v", codec, "-pix_fmt", chance.choice(pixels.split()), *options.split()],
        last=last,
    )
    if codec in ("libx264", "libx265", "mpeg4", "mpeg2video", "libvpx", "libvpx-vp9", "wmv2", "flv"):
        made.coded += ["-g", chance.choice(["1", "7", "12", "250"])]
    if codec in ("libx264", "libx265") or (codec in ("mpeg4", "mpeg2video") and "-g" in made.coded):
        made.coded += ["-bf", chance.choice(["0", "2", "3"])]
    if codec == "libx264":
        made.coded += [
            "-x264-params",
            chance.choice(X264),
        ]
    if codec == "libvpx" and chance.random() < 0.7:
        made.coded += ["-auto-alt-ref", "1", "-lag-in-frames", "10"]
    variable = last in ("mp4", "mov", "mkv", "webm", "ts", "flv") and codec != "mpeg2video" and chance.random() < 0.25
    if variable:
        made.filters.append("select='not(mod(n\\,3))+not(mod(n\\,5))'")
        made.coded += ["-fps_mode", "vfr"]
    if not plain and last not in RAW and chance.random() < 0.25:
        made.filters.append(f"setsar={chance.choice(['4/3', '16/15', '8/9', '64/45', '1/2'])}")
    if last in RAW:
        return made
    if last in ("mp4", "mov", "mkv", "ts") and chance.random() < 0.3:
        made.coded += [
            "-f",
            NAMES.get(last, last),
            "-output_ts_offset",
            chance.choice(["0.4", "3"]),
        ]
    if last in ("mp4", "mov") and chance.random() < 0.3:
        made.coded += chance.choice(
            [["-use_editlist", "0"], ["-movflags", "frag_keyframe+empty_moov"], ["-movflags", "faststart"]]
        )
    if last in SOUND and chance.random() < 0.4:
        made.sound = True
    if not plain and chance.random() < 0.5:
        refreshed = "intra-refresh=1" in made.coded  # begun in the middle, versions of ffmpeg differ in what they recover
        cuts = [["-ss", "0.5"], ["-ss", "0.77", "-t", "0.5"], ["-t", "0.9"], ["-map_metadata", "-1"]]
        made.copied = list(chance.choice(cuts[2:] if refreshed else cuts))
        if last in ("mp4", "mov") and chance.random() < 0.6:
            made.copied += ["-metadata:s:v:0", f"rotate={chance.choice([90, 180, 270])}"]
    return made


class Shown(NamedTuple):
    """Seconds after the container's start (N,) and pictures (N, H, W, 3)."""

    times: np.ndarray
    frames: np.ndarray


def by_ffmpeg(path: Path) -> Shown:
    """Every frame that ffmpeg decodes, upright and of square pixels. One before 0 is hidden, but not by some old versions."""
    filters = "scale=iw*sar:ih:flags=bicubic,showinfo"
    command = ["ffmpeg", "-nostdin", "-i", str(path), "-map", "0:v:0", "-fps_mode", "passthrough", "-vf", filters]
    done = subprocess.run([*command, "-pix_fmt", "rgb24", "-f", "rawvideo", "-"], capture_output=True)
    log = done.stderr.decode(errors="replace")
    times = np.array([float(time) for time in re.findall(r" pts_time:(\S+)", log)])
    width, height = map(int, (re.findall(r" s:(\d+)x(\d+) ", log) or [(1, 1)])[0])
    frames = np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width, 3)
    return Shown(times[times > -0.001], frames[times > -0.001])


def by_us(path: Path) -> Shown:
    try:
        reader = open_video(path, Reporter(quiet=True))
    except InputError:
        return Shown(np.zeros(0), np.zeros((0, 1, 1, 3), np.uint8))
    chunks = list(reader.chunks())
    times = np.concatenate([chunk.timestamps for chunk in chunks]) - reader.origin
    return Shown(times, np.concatenate([chunk.frames for chunk in chunks]))


def difference(ours: Shown, theirs: Shown) -> str:
    if ours.frames.shape != theirs.frames.shape:
        return f"frames {ours.frames.shape}, ffmpeg's {theirs.frames.shape}"
    late = np.abs(ours.times - theirs.times).max(initial=0)
    far = np.abs(ours.frames.astype(np.int16) - theirs.frames).max(initial=0)
    return f"{late:.4f} s and {far} grey levels apart" if late > 0.001 or far > 2 else ""


@pytest.mark.slow
def test_frames_times_and_pictures_are_those_of_ffmpeg(tmp_path: Path, pytestconfig: pytest.Config, seed: int) -> None:
    wrong, read = [], 0
    for number in range(pytestconfig.getoption("clips")):
        made = recipe(random.Random(f"{seed} {number}"), number)
        path = made.make(tmp_path)
        ours = by_us(path)
        complaint = difference(ours, by_ffmpeg(path))
        if complaint:
            wrong.append(f"{made}: {complaint}")
        read += len(ours.frames) > 0
        for file in tmp_path.iterdir():
            file.unlink()
    assert not wrong, "\n".join(wrong)
    assert read > 0.9 * pytestconfig.getoption("clips")  # hardly any cut leaves nothing to see
