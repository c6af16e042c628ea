"""Motion capture in AMASS layout or BVH, resampled to the model's frame rate and cut into windows."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import torch
from torch import Tensor

from hmr_video.console import Reporter
from hmr_video.errors import InputError
from hmr_video.features.keypoints import MODEL_FRAME_RATE
from hmr_video.geometry.rotations import matrix_to_six_d, slerp
from hmr_video.mocap.amass import WITHOUT_MOTION, read_amass_clip, y_up
from hmr_video.mocap.retarget import read_bvh_clip
from hmr_video.mocap.up import describe_up, find_up

SUFFIXES = (".npz", ".bvh")

# How much a collection weighs against its length. Game clips are stylised, but hold the rare poses.
SOURCE_WEIGHTS = {
    "reactidle": 0.35,
    "deepmimic": 0.5,
    "kaykit": 0.6,
    "mesh2motion_addon": 0.8,
    "mesh2motion_ual": 0.8,
    "makehuman_poses": 4.0,
    "cmu_dance": 1.3,
    "cmu_s01_s03": 1.5,
    "cmu_keijiro": 2.0,
    "cmu_rancidmilk91": 2.0,
    "cmu_daz_10_14": 1.3,
    "snu_basketball": 0.7,
    "snu_martial": 2.5,
    "snu_walk": 0.6,
    "mass_snu": 2.5,
    "second_life_avatar": 1.2,
}


@dataclass(frozen=True)
class Mocap:
    """All clips of a collection, one after the other.

    Attributes:
        rotations: (N, 24, 6) local joint rotations in 6D; the root's in the world (y up).
        trans: (N, 3) metres, as smplx defines it.
        starts, lengths: (C,) first frame and number of frames of each clip.
        sources: C names, ``folder/file``; the folder counts as the source when sampling.
    """

    rotations: Tensor
    trans: Tensor
    starts: Tensor
    lengths: Tensor
    sources: list[str]

    @property
    def hours(self) -> float:
        """Length of it all at the model's frame rate."""
        return float(self.lengths.sum()) / MODEL_FRAME_RATE / 3600

    def sampling_weights(self, source_weights: dict[str, float]) -> Tensor:
        """(C,) probabilities of the clips: sources share by the root of length times their own weight, clips by length within.

        Without the root the largest source would fill four fifths of every batch.
        """
        seconds = self.lengths.double()
        folders = [folder_of(source) for source in self.sources]
        share = torch.zeros_like(seconds)
        for folder in set(folders):
            members = torch.tensor([name == folder for name in folders])
            total = seconds[members].sum()
            share[members] = seconds[members] / total * total**0.5 * source_weights.get(folder, 1.0)
        return share / share.sum()

    def window(self, clips: Tensor, first: Tensor, speed: Tensor, length: int) -> tuple[Tensor, Tensor]:
        """``length`` frames of each clip from frame ``first`` (B,) at ``speed`` (B,): rotations (B, T, 24, 6), trans (B, T, 3).

        Played back and forth where the clip is too short.
        """
        last = (self.lengths[clips] - 1)[:, None].clamp_min(1).double()
        time = torch.remainder(first.double()[:, None] + speed.double()[:, None] * torch.arange(length), 2 * last)
        time = torch.minimum(time, 2 * last - time)
        before = torch.minimum(time.floor(), (self.lengths[clips] - 1)[:, None].double()).long()
        after = torch.minimum(before + 1, (self.lengths[clips] - 1)[:, None])
        weight = (time - before).float()
        offset = self.starts[clips][:, None]
        start, end = self.rotations[offset + before], self.rotations[offset + after]
        rotations = torch.lerp(start, end, weight[..., None, None])
        return rotations, torch.lerp(self.trans[offset + before], self.trans[offset + after], weight[..., None])


def read_amass(path: Path, up: str = "z") -> tuple[Tensor, Tensor]:
    """One AMASS-layout NPZ of SMPL, SMPL-H or SMPL-X at 30 frames a second; fingers are dropped, hands kept straight.

    Gives rotations (T, 24, 6) of the joints in 6D and trans (T, 3) in metres, y up. ``up``: the axis that points up in the file's
    world, ``y`` or ``z``. Raises InputError for other files and damaged ones.
    """
    rotations, trans, rate = read_amass_clip(path)
    return _resample(*(y_up(rotations, trans) if up == "z" else (rotations, trans)), rate)


def read_bvh(path: Path, reporter: Reporter | None = None) -> tuple[Tensor, Tensor]:
    """One BVH file at 30 frames a second, retargeted to the open body: as :func:`read_amass`.

    ``reporter`` gets notes on what was guessed. Raises InputError for damaged files, and skeletons that are not a person's.
    """
    rotations, trans, rate = read_bvh_clip(path, reporter)
    return _resample(torch.from_numpy(rotations).float(), torch.from_numpy(trans).float(), rate)


def _resample(rotations: Tensor, trans: Tensor, rate: float) -> tuple[Tensor, Tensor]:
    """(T, 24, 3, 3), (T, 3) at ``rate`` to the model's frame rate, rotations by slerp."""
    count = int((len(trans) - 1) * MODEL_FRAME_RATE / rate + 1e-6) + 1
    time = (torch.arange(count) * rate / MODEL_FRAME_RATE).clamp_max(len(trans) - 1)
    before = time.floor().long().clamp_max(max(len(trans) - 2, 0))
    after = (before + 1).clamp_max(len(trans) - 1)
    weight = time - before
    turned = slerp(rotations[before], rotations[after], weight[:, None])
    return matrix_to_six_d(turned), torch.lerp(trans[before], trans[after], weight[:, None])


def list_mocap(folder: Path) -> list[str]:
    """The NPZ and BVH files in a folder and all that is below it, as sorted paths inside the folder without suffix.

    AMASS's files of a subject's shape alone are passed over. Raises InputError where there are no others.
    """
    remedy = "Name a folder of AMASS-layout NPZ files or BVH files."
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder.", remedy)
    found = [path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES]
    files = [path for path in found if not any(fnmatchcase(path.name, pattern) for pattern in WITHOUT_MOTION)]
    if not files:
        raise InputError(f"{folder} holds no motion capture.", remedy)
    return sorted({path.relative_to(folder).with_suffix("").as_posix() for path in files})


def load_mocap(folder: Path, names: list[str], up: str = "auto", reporter: Reporter | None = None) -> Mocap:
    """The clips ``names`` of a folder, as `list_mocap` has them, at 30 frames a second, y up. ``reporter`` gets notes.

    ``up``: the axis that points up in NPZ files, ``y``, ``z``, or ``auto``, found by how the people of the folder stand. BVH
    files tell theirs. Raises InputError for a clip that is gone or cannot be read.
    """
    axes = find_up(folder, names if up != "auto" else list_mocap(folder), up)
    if reporter is not None and up == "auto" and axes:
        reporter.note(describe_up(axes))
    clips = [_read(folder / name, axes.get(folder_of(name), "z"), reporter) for name in names]
    lengths = torch.tensor([len(trans) for _, trans in clips])
    starts = torch.cat([torch.zeros(1, dtype=torch.long), lengths.cumsum(0)[:-1]])
    return Mocap(torch.cat([r for r, _ in clips]), torch.cat([t for _, t in clips]), starts, lengths, names)


def _read(path: Path, up: str, reporter: Reporter | None) -> tuple[Tensor, Tensor]:
    """The clip of a path without suffix; of two files of one name the NPZ."""
    for suffix in SUFFIXES:
        for spelt in (suffix, suffix.upper()):
            if (file := path.with_name(path.name + spelt)).is_file():
                return read_amass(file, up) if suffix == ".npz" else read_bvh(file, reporter)
    raise InputError(f"{path} is gone.", "Leave the motion capture where it is while it is read.")


def folder_of(source: str) -> str:
    """The collection that a clip ``folder/file`` belongs to."""
    return source.rpartition("/")[0]
