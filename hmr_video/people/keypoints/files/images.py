"""JSON in which people refer to images: COCO's annotations, and the lists of results that AlphaPose and COCO's tools write."""

from collections.abc import Iterable, Mapping
from math import gcd
from pathlib import PurePosixPath
from typing import Any

from hmr_video.errors import InputError
from hmr_video.people.keypoints.files.evidence import FORMATS, Evidence, Pose
from hmr_video.people.keypoints.files.frames import NUMBERS, Layout, frame_of, people_of, poses_of, read_frames
from hmr_video.people.keypoints.files.numbering import frame_numbers, from_zero

_SPARSE = 50  # images are numbered by frames if at least one in so many numbers is there


def read_coco(data: Mapping[str, Any], where: str) -> Evidence:
    """``images``, ``annotations`` that refer to them, and the points' names where a category tells them."""
    images = {image["id"]: image for image in data["images"]}
    if len(images) < len(data["images"]):
        raise InputError(f"{where} lists images of the same id.", "Give the frames of one clip.")
    frames, notes = _frames_of(images, where)
    names = {
        category.get("id"): category["keypoints"]
        for category in data.get("categories") or []
        if isinstance(category, Mapping) and isinstance(category.get("keypoints"), list)
    }
    layout = Layout()
    poses: list[Pose] = []
    for position, annotation in enumerate(data["annotations"]):
        place, key = f"{where}, annotation {position}", annotation.get("image_id")
        found = poses_of([_person(annotation)], frames.get(key, 0), place, layout, names.get(annotation.get("category_id")))
        if found and key not in frames:
            raise InputError(f"{place} has points and no listed image.", FORMATS)
        poses += found
    info = data.get("info")
    rate = info.get("fps") if isinstance(info, Mapping) else None
    total = max(frames.values(), default=-1) + 1
    return Evidence(poses, total, _size(images, where), rate and float(rate), flags=True, notes=notes)


def read_results(results: list[Mapping[str, Any]], where: str) -> Evidence:
    """One entry per person and image, or frame, in any order; images without people are not there."""
    names = list(dict.fromkeys(str(frame_of(entry)) for entry in results))
    numbers, notes = frame_numbers([_stem(name) for name in names], where)
    numbers, sparse = _dense(numbers, where)
    if not sparse and all(isinstance(entry.get("image_id"), int) for entry in results):
        notes.append(f"The image ids of {where} are taken for frame numbers.")
    frames, layout = dict(zip(names, numbers, strict=True)), Layout()
    poses: list[Pose] = []
    for position, entry in enumerate(results):
        poses += poses_of([_person(entry)], frames[str(frame_of(entry))], f"{where}, entry {position}", layout)
    return Evidence(poses, max(numbers) + 1, flags=True, notes=notes + sparse)


def read_by_image(images: Mapping[str, Any], where: str) -> Evidence:
    """Frames by the names of their images, as AlphaPose's formats `open` and `cmu` are, or by their numbers."""
    return read_frames([{"image_id": name, "people": people_of(frame)} for name, frame in images.items()], where, whole=False)


def _person(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Without the entry's own number, which is no person's."""
    return {key: value for key, value in entry.items() if key not in ("id", "image_id")}


def _frames_of(images: Mapping[Any, Mapping[str, Any]], where: str) -> tuple[dict[Any, int], list[str]]:
    """A frame for each image id: by file name, else by a stated frame, else in the order of ids; and notes."""
    if not images:
        return {}, []
    files = [image["file_name"] for image in images.values() if isinstance(image.get("file_name"), str)]
    stated = [next((image[key] for key in NUMBERS if isinstance(image.get(key), int)), None) for image in images.values()]
    given = [number for number in stated if number is not None]
    by_id = sorted(images, key=lambda key: (isinstance(key, str), key))
    notes: list[str] = []
    if len(files) == len(images):
        numbers, notes = frame_numbers([_stem(file) for file in files], where)
    elif len(set(given)) == len(images):
        numbers = given
    else:
        numbers = [by_id.index(key) for key in images]
        notes = [f"Neither names nor numbers of frames tell the order of {where}: it is that of the images' ids."]
    if _sorted_by(images, numbers) != by_id:
        notes.append(f"The images' ids in {where} are not in the order of time: frames are in that of their names or numbers.")
    numbers, sparse = _dense(numbers, where)
    numbers, counted = from_zero(numbers, where)
    return dict(zip(images, numbers, strict=True)), notes + sparse + counted


def _sorted_by(keys: Iterable[Any], numbers: Iterable[int]) -> list[Any]:
    return [key for _, key in sorted(zip(numbers, keys, strict=True), key=lambda pair: pair[0])]


def _stem(name: str) -> str:
    """A path in either system's spelling, without its suffix."""
    path = PurePosixPath(name.replace("\\", "/"))
    return str(path.with_suffix("")) if path.name else name


def _dense(numbers: list[int], where: str) -> tuple[list[int], list[str]]:
    """Frame numbers, where these are some; else places in their order. And notes."""
    low, high = min(numbers), max(numbers)
    if high - low >= _SPARSE * len(numbers):
        order = {number: place for place, number in enumerate(sorted(numbers))}
        return [order[number] for number in numbers], [f"The images of {where} are not numbered by frames: each is the next one."]
    step = gcd(*(number - low for number in numbers))
    return numbers, [f"The frames in {where} are {step} apart; the frame rate is that of all frames."] if step > 1 else []


def _size(images: Mapping[Any, Mapping[str, Any]], where: str) -> tuple[int, int] | None:
    sizes = {(int(image["width"]), int(image["height"])) for image in images.values() if image.get("width")}
    if len(sizes) > 1:
        raise InputError(f"{where} names images of {len(sizes)} sizes.", "Give the frames of one clip.")
    return next(iter(sizes), None)
