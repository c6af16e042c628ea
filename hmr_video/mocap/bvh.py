"""Reads BVH files: a skeleton with rest offsets and, per frame, where every joint is and how it is turned."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hmr_video.errors import InputError
from hmr_video.motion import Array

_AXES = "XYZ"
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


def read_bvh(path: Path) -> BvhMotion:
    """Reads a file. Leading frames whose rotations are all zero, a calibration pose, are left out. Raises InputError."""
    try:
        text = path.read_bytes().decode("latin-1")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.", "Check the path.") from error
    hierarchy, keyword, motion = text.partition("MOTION")
    if "HIERARCHY" not in hierarchy or not keyword:
        raise InputError(f"{path} is no BVH file: it has no HIERARCHY and MOTION.", "Export it again as BVH.")
    try:
        nodes = _nodes(hierarchy)
        values, frame_rate = _values(motion, sum(len(node.channels) for node in nodes))
    except (ValueError, IndexError) as error:
        raise InputError(f"{path} is damaged: {error}.", "Export it again as BVH.") from error
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


def _nodes(hierarchy: str) -> list[_Node]:
    """The joints and End Sites of the HIERARCHY section. Raises ValueError."""
    nodes: list[_Node] = []
    open_nodes: list[int] = []
    for line in hierarchy.splitlines():
        words = line.split()
        match words[0] if words else "":
            case "ROOT" | "JOINT" | "End":
                parent = open_nodes[-1] if open_nodes else -1
                if parent < 0 and nodes:
                    raise ValueError("it holds more than one skeleton")
                name = f"{nodes[parent].name}_end" if words[0] == "End" else " ".join(words[1:]).removesuffix("{").strip()
                nodes.append(_Node(name, parent))
                if line.rstrip().endswith("{"):
                    open_nodes.append(len(nodes) - 1)
            case "{":
                open_nodes.append(len(nodes) - 1)
            case "}":
                open_nodes.pop()
            case "OFFSET":
                nodes[open_nodes[-1]].offset = np.array(words[1:4], np.float64)
            case "CHANNELS":
                nodes[open_nodes[-1]].channels = _channels(words)
    if not nodes or open_nodes:
        raise ValueError("its HIERARCHY is not complete")
    if not np.isfinite([node.offset for node in nodes]).all():
        raise ValueError("it holds offsets that are not finite")
    return nodes


def _channels(words: list[str]) -> list[str]:
    channels = words[2:]
    unknown = [name for name in channels if name[:1] not in _AXES or name[1:] not in ("position", "rotation")]
    if unknown or int(words[1]) != len(channels):
        raise ValueError(f"it has channels {' '.join(words[1:])}")
    return channels


def _values(motion: str, width: int) -> tuple[Array, float]:
    """The channel values (T, width) and the frame rate of the MOTION section. Raises ValueError."""
    head, keyword, body = motion.partition("Frame Time:")
    stated = head.partition("Frames:")[2].split()
    if not keyword or not stated:
        raise ValueError("its MOTION states no Frames and Frame Time")
    time, _, numbers = body.partition("\n")
    frames, seconds = int(stated[0]), float(time)
    if not 1e-3 <= seconds <= 1:
        raise ValueError(f"it states a frame time of {seconds:g} s")
    if frames < 1:
        raise ValueError("it holds no frame")
    values = np.array(numbers.split(), np.float64)
    if len(values) != frames * width:
        raise ValueError(f"it states {frames} frames of {width} numbers and holds {len(values)} numbers")
    if not np.isfinite(values).all():
        raise ValueError("it holds numbers that are not finite")
    rate, whole = 1 / seconds, round(1 / seconds)
    return values.reshape(frames, width), float(whole) if abs(rate - whole) < _ROUNDED * rate else rate


def _kinematics(nodes: list[_Node], values: Array) -> tuple[Array, Array]:
    """World positions (T, J, 3) and rotations (T, J, 3, 3). A position channel stands in the offset's place."""
    positions = np.empty((len(values), len(nodes), 3))
    rotations = np.empty((len(values), len(nodes), 3, 3))
    column = 0
    for index, node in enumerate(nodes):
        place = np.tile(np.zeros(3) if node.parent < 0 else node.offset, (len(values), 1))
        turn = np.tile(np.eye(3), (len(values), 1, 1))
        for channel in node.channels:
            axis = _AXES.index(channel[0])
            if _is_rotation(channel):
                turn = turn @ _about(axis, np.radians(values[:, column]))
            else:
                place[:, axis] = values[:, column]
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


def _about(axis: int, angle: Array) -> Array:
    """Rotations (T, 3, 3) about a coordinate axis by (T,) radians."""
    turn = np.tile(np.eye(3), (len(angle), 1, 1))
    first, second = (axis + 1) % 3, (axis + 2) % 3
    turn[:, first, first] = turn[:, second, second] = np.cos(angle)
    turn[:, second, first] = np.sin(angle)
    turn[:, first, second] = -turn[:, second, first]
    return turn
