"""USD, read back, skinned and judged by usd-core."""

import numpy as np
import pytest
from people import CASTS, two

from hmr_video.export import ExportOptions, export
from hmr_video.export.actors import UPRIGHT, place
from hmr_video.export.registry import casts

pxr = pytest.importorskip("pxr", reason="needs the extra usd")
from pxr import Gf, Usd, UsdGeom, UsdSkel, UsdValidation, Vt  # noqa: E402


@pytest.mark.parametrize(("kind", "cast"), [*(("usd", cast) for cast in CASTS), ("usdz", two)])
def test_everybody_is_where_they_were_at_the_time_they_were(kind, cast, motions, body, tmp_path):
    people = cast(motions)
    paths = export(people, body, tmp_path, [kind])
    assert [path.name for path in paths] == [f"{name}.{kind}" for name, _ in casts(len(people))]
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in paths}
    first = min(motion.timestamps[0] for motion in people)
    for person, motion in enumerate(people):
        expected = np.stack(list(place(motion, body).vertices()))
        for path, start in ((paths[person], motion.timestamps[0]), (paths[-1], first)):
            stage = Usd.Stage.Open(str(path))
            assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (0, pytest.approx(_last(stage)))
            codes = (motion.timestamps - start) * stage.GetTimeCodesPerSecond()
            found = np.stack([_posed(stage, f"/scene/person_{person + 1:02d}", code) for code in codes])
            assert np.abs(found - expected).max() < 1e-4


@pytest.mark.parametrize("rig", ["rigify", "unreal"])
def test_a_pose_of_the_rigs_own_changes_nothing_in_motion(rig, motion, body, tmp_path):
    (path,) = export([motion], body, tmp_path, ["usd"], ExportOptions(rig=rig))
    stage = Usd.Stage.Open(str(path))
    found = np.stack([_posed(stage, "/scene/person_01", code) for code in range(0, len(motion), 5)])
    assert np.abs(found - np.stack(list(place(motion, body).vertices()))[::5]).max() < 1e-4


def test_uneven_frames_keep_their_times_and_the_file_tells_its_video(motion, body, tmp_path):
    uneven = motion.replace(timestamps=7 + np.cumsum(np.linspace(0.02, 0.06, len(motion))))
    options = ExportOptions(video=tmp_path / "walk.mov", rig="rigify")
    stage = Usd.Stage.Open(str(export([uneven], body, tmp_path, ["usd"], options)[0]))
    assert (UsdGeom.GetStageMetersPerUnit(stage), UsdGeom.GetStageUpAxis(stage)) == (1, "Y")
    layer = stage.GetRootLayer().customLayerData
    assert (layer["source"], layer["frameRate"], layer["startSeconds"]) == ("walk.mov", 25, pytest.approx(uneven.timestamps[0]))
    animation = UsdSkel.Animation.Get(stage, "/scene/person_01/motion")
    seconds = np.array(animation.GetRotationsAttr().GetTimeSamples()) / stage.GetTimeCodesPerSecond()
    np.testing.assert_allclose(seconds, uneven.timestamps - uneven.timestamps[0], atol=1e-7)
    skeleton = UsdSkel.Skeleton.Get(stage, "/scene/person_01/skeleton")
    assert "thigh.L" in list(skeleton.GetJointNamesAttr().Get())
    assert "spine/thigh_L/shin_L" in list(skeleton.GetJointsAttr().Get())


def test_people_are_seen_while_they_are_there(motions, body, tmp_path):
    stage = Usd.Stage.Open(str(export(motions, body, tmp_path, ["usd"])[2]))
    person = UsdGeom.Imageable.Get(stage, "/scene/person_02")  # who comes 6 frames later and leaves 2 earlier
    assert [person.ComputeVisibility(code) for code in (0, 5.5, 6, 17, 18)] == [
        "invisible", "invisible", "inherited", "inherited", "invisible",
    ]  # fmt: skip


def test_the_camera_sees_the_joints_where_the_video_did(motion, body, tmp_path):
    carried = np.tile(UPRIGHT, (len(motion), 1, 1))
    carried[:, 0, 3] = np.linspace(0, 1, len(motion))
    zooming = motion.replace(zoom=np.linspace(1, 1.5, len(motion), dtype=np.float32), world_from_camera=carried)
    stage = Usd.Stage.Open(str(export([zooming], body, tmp_path, ["usd"])[0]))
    camera = UsdGeom.Camera.Get(stage, "/scene/camera")
    assert camera.GetHorizontalApertureAttr().Get() * 0.1 == pytest.approx(0.036)  # in tenths of metres: 36 mm
    for frame in (0, 12):
        view = camera.GetCamera(frame).frustum
        project = np.array(view.ComputeViewMatrix() * view.ComputeProjectionMatrix())
        seen = np.concatenate([place(zooming, body).joints[frame], np.ones((24, 1))], axis=1) @ project
        pixels = (seen[:, :2] / seen[:, 3:] * [0.5, -0.5] + 0.5) * motion.image_size
        centre = motion.camera_matrix[:2, 2]
        wanted = (motion.joints3d[frame, :, :2] / motion.joints3d[frame, :, 2:]) * 800 * zooming.zoom[frame] + centre
        np.testing.assert_allclose(pixels, wanted, atol=0.05)


@pytest.mark.parametrize("rig", ["smpl", "mixamo", "unreal"])
def test_usds_own_validators_find_nothing(rig, motions, body, tmp_path):
    judge = UsdValidation.ValidationContext(UsdValidation.ValidationRegistry().GetOrLoadAllValidators())
    for path in export(motions, body, tmp_path, ["usd", "usdz"], ExportOptions(rig=rig)):
        stage = Usd.Stage.Open(str(path))
        assert [error.GetMessage() for error in judge.Validate(stage)] == []


def _last(stage: Usd.Stage) -> float:
    """The last time code of anybody's animation."""
    animations = [UsdSkel.Animation(prim) for prim in stage.Traverse() if prim.IsA(UsdSkel.Animation)]
    return max(animation.GetRotationsAttr().GetTimeSamples()[-1] for animation in animations)


def _posed(stage: Usd.Stage, path: str, code: float) -> np.ndarray:
    """The vertices (V, 3) of a person at a time, skinned by UsdSkel."""
    root, cache = UsdSkel.Root.Get(stage, path), UsdSkel.Cache()
    cache.Populate(root, Usd.PrimDefaultPredicate)
    mesh = UsdGeom.Mesh.Get(stage, f"{path}/body")
    skin = cache.GetSkinningQuery(mesh.GetPrim())
    query = cache.GetSkelQuery(UsdSkel.Skeleton.Get(stage, f"{path}/skeleton"))
    points = Vt.Vec3fArray(mesh.GetPointsAttr().Get())
    assert skin.ComputeSkinnedPoints(query.ComputeSkinningTransforms(code), points, code)
    assert isinstance(points[0], Gf.Vec3f)
    return np.array(points)
