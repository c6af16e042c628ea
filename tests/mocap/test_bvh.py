"""Dialects of BVH, as other readers take them: the same motion, whatever the spelling."""

import re
from pathlib import Path

import numpy as np
import pytest
from foreign import MIXAMO, T_POSE, write_bvh

from hmr_video.console import Reporter
from hmr_video.errors import InputError
from hmr_video.mocap.bvh import BvhMotion, read_bvh


@pytest.fixture(scope="module")
def plain(own: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty frames, the first of them a T-pose, which is left out."""
    path = tmp_path_factory.mktemp("bvh") / "plain.bvh"
    write_bvh(path, MIXAMO, own, T_POSE)
    return path


def read_text_as_bvh(path: Path, content: str | bytes) -> BvhMotion:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_bvh(path)


def wrapped(text: str) -> str:
    """Numbers in lines of seven, whatever a frame has."""
    head, numbers = re.split(r"(?<=Frame Time: 0.0333333\n)", text)
    words = numbers.split()
    return head + "\n".join(" ".join(words[start : start + 7]) for start in range(0, len(words), 7))


KEY_FRAMES = "\n".join(f"{joint % 4 + 1} {' '.join(str(frame) for frame in range(joint % 4 + 1))}" for joint in range(20))
DIALECTS = {
    "lower case": lambda text: re.sub(r"[A-Z]{4,}|End Site|Frames?|Time", lambda word: word[0].lower(), text),
    "upper case": lambda text: re.sub(r"End Site|Frames?|Time|[XYZ](position|rotation)", lambda word: word[0].upper(), text),
    "no colon": lambda text: text.replace("Frames:", "Frames").replace("Frame Time:", "Frame Time"),
    "tabs": lambda text: text.replace("Frames: ", "Frames:\t").replace("Frame Time: ", "Frame Time:\t"),
    "fewer stated": lambda text: text.replace("Frames: 40", "Frames: 39"),
    "more stated": lambda text: text.replace("Frames: 40", "Frames: 41"),
    "CR line ends": lambda text: text.replace("\n", "\r"),
    "CR LF line ends": lambda text: text.replace("\n", "\r\n"),
    "empty lines": lambda text: text.replace("\n", "\n\n"),
    "braces in lines": lambda text: text.replace("\n{", " {").replace("}\n}", "} }"),
    "key frames": lambda text: text + "\n" + KEY_FRAMES,
    "words behind": lambda text: text + "\nend of file\n",
    "wrapped": wrapped,
    "byte-order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "two bytes a letter": lambda text: text.encode("utf-16"),
    "decimal commas": lambda text: re.sub(r"(?<=[0-9])\.(?=[0-9])", ",", text),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_dialects_are_the_same_motion(dialect: str, plain: Path, tmp_path: Path) -> None:
    expected, found = read_bvh(plain), read_text_as_bvh(tmp_path / "a.bvh", DIALECTS[dialect](plain.read_text()))
    assert (found.names, found.frame_rate, len(found.positions)) == (expected.names, 30, 39)
    np.testing.assert_array_equal(found.positions, expected.positions)


def test_more_or_fewer_frames_than_stated_are_noted(plain: Path, tmp_path: Path) -> None:
    reporter = Reporter(quiet=True)
    read_bvh(plain, reporter)
    assert not reporter.notes
    (tmp_path / "a.bvh").write_text(DIALECTS["fewer stated"](plain.read_text()))
    read_bvh(tmp_path / "a.bvh", reporter)
    assert "states 39 frames and holds 40" in reporter.notes[0]


def test_scales_of_bones_are_passed_over(plain: Path, tmp_path: Path) -> None:
    text = plain.read_text().replace(
        "CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation",
        "CHANNELS 9 Xposition Yposition Zposition Zrotation Yrotation Xrotation Xscale Yscale Zscale",
    )
    head, numbers = re.split(r"(?<=Frame Time: 0.0333333\n)", text)
    rows = [line.split() for line in numbers.splitlines()]
    scaled = "\n".join(" ".join([*row[:6], "1", "1", "1", *row[6:]]) for row in rows)
    np.testing.assert_array_equal(read_text_as_bvh(tmp_path / "a.bvh", head + scaled).positions, read_bvh(plain).positions)


def test_messages_quote_a_word_not_the_file(plain: Path, tmp_path: Path) -> None:
    text = plain.read_text()
    for broken in (text.rstrip() + "x" * 5000, text.replace("OFFSET ", "OFFSET " + "y" * 5000, 1), text[:-200]):
        with pytest.raises(InputError) as caught:
            read_text_as_bvh(tmp_path / "a.bvh", broken)
        assert len(caught.value.problem) < 200
