"""Which videos a batch takes, and where their results go."""

import os
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmr_video.batch.items import Item, find_videos, in_shard, listed_videos, parse_shard
from hmr_video.batch.outputs import assign_outputs
from hmr_video.errors import InputError, UsageError


def names(folder: Path, output: Path, include: list[str] | None = None, exclude: list[str] | None = None) -> list[str]:
    return [item.name for item in find_videos(folder, include or [], exclude or [], output, lambda note: None)]


def touch(folder: Path, *files: str) -> None:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(file)


def test_a_folder_gives_each_video_once_and_no_results(tmp_path: Path) -> None:
    touch(tmp_path, "b.MP4", "day/a.mov", "day/notes.txt", ".hidden.mp4", "._b.mp4", "out/c/overlay.mp4")
    touch(tmp_path, "kept/clip/summary.json", "kept/clip/person_01.npz", "kept/clip/overlay.mp4")
    (tmp_path / "z.mp4").symlink_to(tmp_path / "b.MP4")
    (tmp_path / "day" / "loop").symlink_to(tmp_path)
    assert names(tmp_path, tmp_path / "out") == ["b.MP4", "day/a.mov"]
    assert names(tmp_path, tmp_path) == ["b.MP4", "day/a.mov", "out/c/overlay.mp4"]  # results beside the videos
    assert names(tmp_path, tmp_path / "out", include=["day/*"]) == ["day/a.mov", "day/notes.txt"]
    assert names(tmp_path, tmp_path / "out", exclude=["*.mov"]) == ["b.MP4"]


def test_a_folder_gives_all_that_convert_takes(tmp_path: Path) -> None:
    touch(tmp_path, "a.h264", "b.264", "c.insv", "d.webp", "e.JPG", "f.hevc", "g.y4m", "h.apng", "notes.txt", "truth.npz")
    assert names(tmp_path, tmp_path / "out") == ["a.h264", "b.264", "c.insv", "d.webp", "e.JPG", "f.hevc", "g.y4m", "h.apng"]


def test_numbered_frames_are_one_clip(tmp_path: Path) -> None:
    touch(tmp_path, *(f"walk/image_{number:05d}.jpg" for number in range(3)), "walk/notes.txt", "album/me.jpg", "album/you.jpg")
    touch(tmp_path, "mixed/1.png", "mixed/2.png", "mixed/clip.mp4")
    mixed = ["mixed/1.png", "mixed/2.png", "mixed/clip.mp4"]
    assert names(tmp_path, tmp_path / "out") == ["album/me.jpg", "album/you.jpg", *mixed, "walk"]
    assert names(tmp_path, tmp_path / "out", include=["walk/*1.jpg"]) == ["walk/image_00001.jpg"]
    assert names(tmp_path / "walk", tmp_path / "out") == ["walk"]


def test_animated_pictures_are_clips_of_their_own(tmp_path: Path) -> None:
    from PIL import Image

    for number in range(2):
        frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "green")]
        frames[0].save(tmp_path / f"{number}.png", save_all=True, append_images=frames[1:], duration=40)
    assert names(tmp_path, tmp_path / "out") == ["0.png", "1.png"]


def test_a_missing_folder_and_a_file_are_input_errors(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4")
    for wrong in ("a.mp4", "nothing"):
        with pytest.raises(InputError):
            names(tmp_path / wrong, tmp_path / "out")


def test_a_list_takes_any_name_and_stays_below_the_output(tmp_path: Path) -> None:
    root = tmp_path / "videos"
    listed = listed_videos(b"a.mp4\n./day/../a.mp4\n\n../b.mp4\nd\xffy.mp4\n", root)
    outside = "/".join((tmp_path / "b.mp4").parts[1:])
    assert [item.name for item in listed] == sorted(["a.mp4", outside, os.fsdecode(b"d\xffy.mp4")])
    assert [item.name for item in listed_videos(b"two\nlines.mp4\0c.mp4\0", root)] == ["c.mp4", "two\nlines.mp4"]


def test_outputs_mirror_the_tree_and_keep_extensions_that_tell_names_apart() -> None:
    files = ["a.mp4", "a.avi", "A.mov", "b.mp4", "b/c.mp4", "d.mp4.avi", "d.mp4", "...mp4", "manifest.jsonl.mp4", ".batch.mp4"]
    outputs = assign(dict.fromkeys(files))
    assert {name: str(outputs[name]) for name in files} == {
        "a.mp4": "a.mp4",
        "a.avi": "a.avi",
        "A.mov": "A.mov",
        "b.mp4": "b.mp4",
        "b/c.mp4": "b/c",
        "d.mp4": "d",
        "d.mp4.avi": "d.mp4",
        "...mp4": "...mp4",
        "manifest.jsonl.mp4": "manifest.jsonl.mp4",
        ".batch.mp4": ".batch.mp4",
    }


def test_an_output_of_an_earlier_run_stays_when_files_are_added() -> None:
    outputs = assign({"a.mp4": "a", "a.avi": None, "a/b.mp4": None})
    assert str(outputs["a.mp4"]) == "a"
    assert str(outputs["a.avi"]) == "a.avi"
    assert outputs["a/b.mp4"].parts[0] != "a"  # not inside the result of a.mp4


def assign(files: dict[str, str | None]) -> dict[str, PurePosixPath]:
    pinned = {name: PurePosixPath(output) for name, output in files.items() if output}
    return assign_outputs([Item(Path("/videos", name), name) for name in files], pinned)


PARTS = st.sampled_from(["a", "A", "a.mp4", "a.mp4.mp4", "b.avi", "b", "...mp4", "\u00e9.mp4", "e\u0301.mp4", "x" * 255])


@given(st.sets(st.lists(PARTS, min_size=1, max_size=3).map("/".join), max_size=12), st.integers(1, 5))
def test_no_two_outputs_meet_whatever_the_names(files: set[str], count: int) -> None:
    outputs = assign(dict.fromkeys(files))
    assert outputs.keys() == files
    paths = list(outputs.values())
    assert len({str(path).casefold() for path in paths}) == len(paths)
    assert not set(paths) & {parent for path in paths for parent in path.parents}
    assert all(".." not in path.parts and max(len(os.fsencode(part)) for part in path.parts) <= 255 for path in paths)
    shares = [[name for name in files if in_shard(Item(Path(name), name), (index, count))] for index in range(1, count + 1)]
    assert sorted(name for share in shares for name in share) == sorted(files)


def test_shards_are_written_as_fractions() -> None:
    assert parse_shard("3/16") == (3, 16)
    for wrong in ("0/4", "5/4", "a/b", "3", "1/0", "-1/4"):
        with pytest.raises(UsageError):
            parse_shard(wrong)
