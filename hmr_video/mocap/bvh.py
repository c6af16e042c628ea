"""Reads BVH files: a skeleton with rest offsets and, per frame, where every joint is and how it is turned."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from hmr_video.console import Reporter
from hmr_video.errors import InputError
from hmr_video.motion import Array

_AXES = "XYZ"
_KINDS = ("position", "rotation", "scale")
_MOTION = re.compile(r"^[ \t]*MOTION[ \t]*$", re.IGNORECASE | re.MULTILINE)
_FRAMES = re.compile(r"^\s*FRAMES\s*:?\s*([0-9]+)", re.IGNORECASE | re.MULTILINE)
_FRAME_TIME = re.compile(r"^\s*FRAME\s*TIME\s*:?\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_ROUNDED = 5e-4  # files round their frame time; a rate this near to a whole number, relatively, is meant to be it


@dataclass
class _Node:
    name: str
    parent: int
    offset: Array = field(default_factory=lambda: np.zeros(3))
    channels: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class BvhMotion:
    """The J nodes of a BVH file, parents before children, over T frames, in the file's own unit and axes.

    Attributes:
        names: of the joints; an End Site is called after its joint with ``_end`` behind it.
        parents: (J,) indices, -1 for the root.
        rest: (J, 3) positions with all rotations zero, the root at the origin.
        positions: (T, J, 3) in the world.
        rotations: (T, J, 3, 3) from the rest pose into the world.
        frame_rate: frames a second.
    """

    names: list[str]
    parents: list[int]
    rest: Array
    positions: Array
    rotations: Array
    frame_rate: float


def read_bvh(path: Path, reporter: Reporter | None = None) -> BvhMotion:
    """Reads a file. Leading frames whose rotations are all zero, a calibration pose, are left out. Raises InputError.

    ``reporter`` gets a note where the file holds more or fewer frames than it states.
    """
    try:
        text = _text(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.", "Check the path.") from error
    hierarchy, *motion = _MOTION.split(text, 1)
    if not motion or not re.search(r"^\s*HIERARCHY\b", hierarchy, re.IGNORECASE | re.MULTILINE):
        raise InputError(f"{path} is no BVH file: it has no HIERARCHY and MOTION.", "Export it again as BVH.")
    try:
        nodes = _nodes(hierarchy)
        values, frame_rate, stated = _values(motion[0], sum(len(node.channels) for node in nodes))
    except (ValueError, IndexError) as error:
        raise InputError(f"{path} is damaged: {error}.", "Export it again as BVH.") from error
    if reporter is not None and len(values) != stated:
        reporter.note(f"{path} states {stated} frames and holds {len(values)}, which are all read.")
    turning = [_is_rotation(channel) for node in nodes for channel in node.channels]
    moved = np.flatnonzero(np.abs(values[:, turning]).max(1, initial=0) > 1e-9)
    positions, rotations = _kinematics(nodes, values[moved[0] if len(moved) else 0 :])
    offsets = np.stack([node.offset for node in nodes])
    rest = np.zeros_like(offsets)
    for index, node in enumerate(nodes):
        if node.parent >= 0:
            rest[index] = rest[node.parent] + offsets[index]
    names, parents = [node.name for node in nodes], [node.parent for node in nodes]
    return BvhMotion(names, parents, rest, positions, rotations, frame_rate)


def _text(content: bytes) -> str:
    """Whatever the line ends and the encoding, whose byte-order mark tells where it is not one byte a letter."""
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "latin-1")
    text = content.decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\0", "")


def _nodes(hierarchy: str) -> list[_Node]:
    """The joints and End Sites of the HIERARCHY section. Raises ValueError."""
    nodes: list[_Node] = []
    open_nodes: list[int] = []
    for line in re.sub(r"([{}])", r"\n\1\n", hierarchy).splitlines():
        words = line.split()
        match words[0].upper() if words else "":
            case "ROOT" | "JOINT" | "END" as kind:
                parent = open_nodes[-1] if open_nodes else -1
                if parent < 0 and nodes:
                    raise ValueError("it holds more than one skeleton")
                name = f"{nodes[parent].name}_end" if kind == "END" else " ".join(words[1:])
                nodes.append(_Node(name, parent))
            case "{":
                open_nodes.append(len(nodes) - 1)
            case "}":
                open_nodes.pop()
            case "OFFSET":
                nodes[open_nodes[-1]].offset = np.array([_number(word) for word in words[1:4]])
            case "CHANNELS":
                nodes[open_nodes[-1]].channels = _channels(words)
    if not nodes or open_nodes:
        raise ValueError("its HIERARCHY is not complete")
    if not np.isfinite([node.offset for node in nodes]).all():
        raise ValueError("it holds offsets that are not finite")
    return nodes


def _channels(words: list[str]) -> list[str]:
    channels = [name.capitalize() for name in words[2:]]
    unknown = [name for name in channels if name[:1] not in _AXES or name[1:] not in _KINDS]
    if unknown or int(words[1]) != len(channels):
        raise ValueError(f"it has channels {_short(' '.join(unknown or words[1:]))}")
    return channels


def _values(motion: str, width: int) -> tuple[Array, float, int]:
    """The channel values (T, width), the frame rate, and the stated number of frames of the MOTION section. Raises ValueError."""
    head, *found = _FRAME_TIME.split(motion, 1)
    stated = _FRAMES.search(head)
    if not found or stated is None:
        raise ValueError("its MOTION states no Frames and Frame Time")
    time, body = found
    seconds = _number(time)
    if not 1e-3 <= seconds <= 1:
        raise ValueError(f"it states a frame time of {seconds:g} s")
    values = _rows(body, int(stated[1]), width)
    if len(values) < 1:
        raise ValueError("it holds no frame")
    if not np.isfinite(values).all():
        raise ValueError("it holds numbers that are not finite")
    rate, whole = 1 / seconds, round(1 / seconds)
    return values, float(whole) if abs(rate - whole) < _ROUNDED * rate else rate, int(stated[1])


def _rows(body: str, stated: int, width: int) -> Array:
    """(T, width) numbers. Raises ValueError.

    As other readers do, a line is a frame, however many are stated. Where lines are something else, the frames that are stated
    count, and what follows them (tables of key frames, in files of QAvimator) does not.
    """
    lines = [line.split() for line in body.split("\n") if line.strip()]
    if all(len(words) == width for words in lines):
        return np.array([[_number(word) for word in words] for words in lines]).reshape(-1, width)
    words = [word for line in lines for word in line]
    if len(words) < stated * width:
        raise ValueError(f"it states {stated} frames of {width} numbers and holds {len(words)} numbers")
    return np.array([_number(word) for word in words[: stated * width]]).reshape(stated, width)


def _number(word: str) -> float:
    """Of one word, with a point or a comma. Raises ValueError."""
    try:
        return float(word.replace(",", "."))
    except ValueError:
        raise ValueError(f"{_short(word)!r} stands where a number is meant") from None


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}..."


def _kinematics(nodes: list[_Node], values: Array) -> tuple[Array, Array]:
    """World positions (T, J, 3) and rotations (T, J, 3, 3). A position channel stands in the offset's place."""
    positions = np.empty((len(values), len(nodes), 3))
    rotations = np.empty((len(values), len(nodes), 3, 3))
    column = 0
    for index, node in enumerate(nodes):
        place = np.tile(np.zeros(3) if node.parent < 0 else node.offset, (len(values), 1))
        turn = np.tile(np.eye(3), (len(values), 1, 1))
        for channel in node.channels:
            if _is_rotation(channel):
                turn = turn @ Rotation.from_euler(channel[0], values[:, column, None], degrees=True).as_matrix()
            elif channel.endswith("position"):  # bones are rigid: no scale counts
                place[:, _AXES.index(channel[0])] = values[:, column]
            column += 1
        if node.parent < 0:
            positions[:, index], rotations[:, index] = place, turn
        else:
            frame = rotations[:, node.parent]
            positions[:, index] = positions[:, node.parent] + (frame @ place[..., None])[..., 0]
            rotations[:, index] = frame @ turn
    return positions, rotations


def _is_rotation(channel: str) -> bool:
    return channel.endswith("rotation")
