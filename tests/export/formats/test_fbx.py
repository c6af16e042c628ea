"""FBX, written by Blender and read back by its importer, where there is a Blender (`HMR_VIDEO_BLENDER` or the extra `fbx`)."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from people import CASTS
from players import read_by_blender
from scipy.spatial import cKDTree

from hmr_video.errors import OutputError, UsageError
from hmr_video.export import ExportOptions, check_formats, export
from hmr_video.export.actors import place
from hmr_video.export.formats import blender as by_blender
from hmr_video.export.registry import person_name
from hmr_video.export.resample import evenly
from hmr_video.export.rigs.names import RIGS

Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # Blender's world from ours


@pytest.mark.slow
@pytest.mark.parametrize("rig", ["smpl", "mixamo", "unreal", "rigify"])
def test_blender_reads_back_what_it_wrote(rig, blender, raised, body, tmp_path):
    (path,) = export([raised], body, tmp_path, ["fbx"], ExportOptions(rig=rig, root_motion=rig == "unreal"))
    read = read_by_blender(path, tmp_path)
    assert read["rate"] == pytest.approx(raised.frame_rate)
    assert {*RIGS[rig].bones.values(), *([RIGS[rig].root] if RIGS[rig].root else [])} == set(read["Armature/bones"])
    np.testing.assert_allclose(read["Armature/scale"], 0.01, rtol=1e-5)  # of centimetres
    errors = np.linalg.norm(read["Armature/vertices"] - _expected(raised, body), axis=-1)
    assert errors.max() < 5e-4
    assert np.median(errors) < 1e-5


@pytest.mark.slow
def test_three_reads_it_as_well(blender, raised, body, tmp_path):
    """A reader by others than the writer. It has a vertex for each corner of a face."""
    if not (Path(os.environ.get("NODE_PATH", "")) / "three").is_dir():
        assert not os.environ.get("CI"), "CI installs node and three (NODE_PATH names their folder)"
        pytest.skip("needs node with the package three in NODE_PATH")
    (path,) = export([raised], body, tmp_path, ["fbx"], ExportOptions(rig="unreal"))
    script, target = Path(__file__).parents[1] / "three_reads.mjs", tmp_path / "read"
    subprocess.run(["node", script, path, str(raised.frame_rate), str(len(raised)), target], check=True, capture_output=True)
    corners = np.fromfile(target, np.float32).reshape(len(raised), -1, 3) / 100
    expected = np.stack(list(place(raised, body).vertices()))
    apart, vertices = cKDTree(expected[0]).query(corners[0])
    assert apart.max() < 5e-4
    assert set(vertices) == set(np.unique(body.faces))
    assert np.linalg.norm(corners - expected[:, vertices], axis=-1).max() < 5e-4


@pytest.mark.slow
@pytest.mark.parametrize("cast", CASTS)
def test_people_of_one_file_keep_their_times(cast, blender, motions, body, tmp_path):
    people = cast(motions)
    path = export(people, body, tmp_path, ["fbx"])[-1]
    read = read_by_blender(path, tmp_path)
    even = evenly(people, ExportOptions())
    rate, start = even[0].frame_rate, min(motion.timestamps[0] for motion in even)
    frames = [np.rint((motion.timestamps - start) * rate).astype(int) for motion in even]
    assert read["rate"] == pytest.approx(rate)
    assert read["frames"].tolist() == [0, max(there[-1] for there in frames)]
    for name, motion, there in zip(_names(len(people)), even, frames, strict=True):
        found = read[f"{name}/vertices"]
        assert np.abs(found[there] - _expected(motion, body)).max() < 5e-4
        gone = np.delete(found, there, axis=0)
        assert np.ptp(gone, axis=1).max(initial=0) < 0.01  # shrunk to nothing


def test_without_blender_one_sentence_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.delenv("HMR_VIDEO_BLENDER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(by_blender, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"Blender, which is not here.*\[fbx\]"):
        check_formats(["fbx"])
    monkeypatch.setenv("HMR_VIDEO_BLENDER", "/nowhere/blender")
    with pytest.raises(UsageError, match="/nowhere/blender, which is no program"):
        check_formats(["fbx"])


def test_a_blender_that_fails_leaves_no_file(monkeypatch, motion, body, tmp_path):
    broken = tmp_path / "blender"
    broken.write_text("#!/bin/sh\necho out of memory >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("HMR_VIDEO_BLENDER", str(broken))
    with pytest.raises(OutputError, match="out of memory"):
        export([motion], body, tmp_path / "out", ["fbx"])
    assert not (tmp_path / "out").exists()


def _names(people: int) -> list[str]:
    return ["Armature"] if people == 1 else [person_name(person) for person in range(people)]


def _expected(motion, body) -> np.ndarray:
    return np.stack(list(place(motion, body).vertices())) @ Z_UP.T
