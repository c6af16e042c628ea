"""Which way is up in motion capture: AMASS's world is z up, others' y up, and files do not say so."""

from collections import defaultdict
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from hmr_video.errors import InputError, UsageError
from hmr_video.mocap.amass import read_amass_clip

AXES = ("auto", "y", "z")
_STANDARD = "z"  # AMASS's
_SAMPLE = 150  # clips of a folder that are looked at
_UPRIGHT = 0.7  # cosine of a torso's lean from the axis
_DECISIVE = 0.9  # share of a collection's frames in which its people stand along one axis


def find_up(folder: Path, names: list[str], up: str = "auto") -> dict[str, str]:
    """``y`` or ``z`` for each collection of the NPZ ``names`` (without suffix) in ``folder``.

    Where ``up`` is auto, that along which most people of the folder stand, AMASS's where nobody does; and of a collection in
    which nearly all stand along the other, that one. Raises UsageError for another ``up``.
    """
    if up not in AXES:
        raise UsageError(f"--up {up} means nothing.", f"Choose {', '.join(AXES)}.")
    spelt = (f"{name}{suffix}" for name in names for suffix in (".npz", ".NPZ"))
    files = [file for file in spelt if (folder / file).is_file()]
    if up != "auto":
        return {_collection(name): up for name in files}
    return dict(_found(folder, tuple((name, (folder / name).stat().st_mtime_ns) for name in files)))


def describe_up(axes: dict[str, str]) -> str:
    """One sentence on what was found, for those who read notes."""
    found = {axis: sorted(name for name, its in axes.items() if its == axis) for axis in ("y", "z")}
    if not (found["y"] and found["z"]):
        axis = "y" if found["y"] else "z"
        return f"The motion's world is taken for {axis} up, by how people stand in it; --up says otherwise."
    listed = " and ".join(f"{axis} up in {_few(names)}" for axis, names in found.items())
    return f"The motion's world is taken for {listed}, by how people stand in it; --up says otherwise."


def _few(names: list[str]) -> str:
    shown = ", ".join(name or "the folder itself" for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


@lru_cache(maxsize=8)
def _found(folder: Path, files: tuple[tuple[str, int], ...]) -> tuple[tuple[str, str], ...]:
    """Axes by collection. ``files``: names and when they were changed. Raises InputError where people stand on their heads."""
    members = defaultdict(list)
    for name, _ in files:
        members[_collection(name)].append(name)
    each = max(1, _SAMPLE // max(1, len(members)))
    votes = {}
    for collection, names in members.items():
        chosen = np.unique(np.linspace(0, len(names) - 1, min(each, len(names))).round().astype(int))
        votes[collection] = sum((_standing(folder / names[number]) for number in chosen), np.zeros(5))
        if axis := _decided(votes[collection][2:4], votes[collection][4]):
            raise InputError(
                f"The people in {folder / collection} stand on their heads: {axis} points down there.",
                "Turn the motion, so that y or z points up; of results of `convert`, take `export --format amass`.",
            )
    standing = sum(votes.values(), np.zeros(5))
    most = _STANDARD if standing[0] == standing[1] else "yz"[int(np.argmax(standing[:2]))]
    return tuple((collection, _decided(vote[:2], vote[4]) or most) for collection, vote in votes.items())


def _decided(along: np.ndarray, frames: float) -> str | None:
    """``y`` or ``z`` where nearly all of a collection's frames have people ``along`` (2,) one of them."""
    shares = along / max(frames, 1.0)
    return "yz"[int(np.argmax(shares))] if shares.max() >= _DECISIVE else None


def _standing(path: Path) -> np.ndarray:
    """In how many frames the torso points along y, z, -y and -z, and the frames: (5,). None of a file that cannot be read."""
    try:
        rotations, _, _ = read_amass_clip(path)
    except InputError:  # told when the clip is read for its motion
        return np.zeros(5)
    torso = rotations[:, 0, :, 1]
    along = torch.stack([torso[:, 1], torso[:, 2], -torso[:, 1], -torso[:, 2]], -1)
    return np.append((along > _UPRIGHT).sum(0).double().numpy(), len(torso))


def _collection(name: str) -> str:
    return name.rpartition("/")[0]
