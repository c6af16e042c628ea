"""USD: `person_01.usd` and, with several people, `people.usd`: UsdSkel characters and the camera that saw them (metres, y up).

Each person is a SkelRoot of a skeleton with the rig's bones, a skinned mesh and an animation at the source's own times. A second
is as many time codes as the video has frames a second; time code 0 is the first frame of the people in the file. The layer's
custom data name the video. Bone names that USD does not allow in paths (`mixamorig:Hips`, `thigh.L`) have `_` there, and stand as
they are in the skeleton's `jointNames`.
"""

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from pxr import Gf, Kind, Sdf, Usd, UsdGeom, UsdShade, UsdSkel, UsdUtils, Vt

from hmr_video.export.actors import continuous_quaternions, world_from_camera
from hmr_video.export.palette import person_color, srgb_to_linear
from hmr_video.export.registry import ExportOptions, NewFiles, casts, person_name
from hmr_video.export.rigs.rigging import Rigged, presence, rigged_people, strongest
from hmr_video.motion import Array, Motion

if TYPE_CHECKING:
    from hmr_video.body import Body

_CAMERA_AXES = np.diag([1.0, -1.0, -1.0, 1.0])  # USD's cameras look along -z, y up; ours along z, y down
_SENSOR = 0.36  # 36 mm that a picture is wide, in tenths of a metre, which is the scene's unit


def write(motions: list[Motion], body: "Body", files: NewFiles, options: ExportOptions) -> None:
    """One file per person, and one of all. A body with pose blendshapes loses them: the skin is linear."""
    actors = rigged_people(motions, body, options)
    for name, people in casts(len(actors)):
        with files.new(f"{name}.usd") as path:
            stage(path, actors, people, options.video).Save()


def write_usdz(motions: list[Motion], body: "Body", files: NewFiles, options: ExportOptions) -> None:
    """The same, packed for AR Quick Look and others."""
    actors = rigged_people(motions, body, options)
    for name, people in casts(len(actors)):
        with files.new(f"{name}.usdz") as path, TemporaryDirectory() as folder:
            layer = Path(folder) / f"{name}.usdc"
            stage(layer, actors, people, options.video).Save()
            UsdUtils.CreateNewARKitUsdzPackage(Sdf.AssetPath(str(layer)), str(path), layer.name)


def stage(path: Path, actors: list[Rigged], people: list[int], video: Path | None) -> Any:
    """The stage of the actors with the numbers ``people``, in a new layer at ``path``."""
    motions = [actors[person].actor.motion for person in people]
    start, rate = min(motion.timestamps[0] for motion in motions), motions[0].frame_rate
    end = max(motion.timestamps[-1] for motion in motions)
    made = Usd.Stage.CreateNew(str(path))
    UsdGeom.SetStageMetersPerUnit(made, 1.0)
    UsdGeom.SetStageUpAxis(made, UsdGeom.Tokens.y)
    made.SetTimeCodesPerSecond(rate)
    made.SetFramesPerSecond(rate)
    made.SetStartTimeCode(0.0)
    made.SetEndTimeCode((end - start) * rate)
    description = {"creator": "hmr-video", "frameRate": rate, "startSeconds": float(start)}
    made.GetRootLayer().customLayerData = description | ({} if video is None else {"source": video.name})
    scene = UsdGeom.Xform.Define(made, "/scene")
    Usd.ModelAPI(scene).SetKind(Kind.Tokens.assembly if len(people) > 1 else Kind.Tokens.component)
    made.SetDefaultPrim(scene.GetPrim())
    for person in people:
        _add_person(made, actors[person], person, (start, end))
    _add_camera(made, max(motions, key=len), start)
    return made


def _add_person(made: Any, actor: Rigged, person: int, span: tuple[float, float]) -> None:
    motion = actor.actor.motion
    codes = _codes(actor.times - span[0], motion.frame_rate)
    path = Sdf.Path(f"/scene/{person_name(person)}")
    root = UsdSkel.Root.Define(made, path)
    keys, scales = presence(motion, span)
    if len(keys) > 1:
        for key, scale in zip(_codes(keys, motion.frame_rate), scales, strict=True):
            root.CreateVisibilityAttr().Set(UsdGeom.Tokens.inherited if scale else UsdGeom.Tokens.invisible, key)
    animation = _animation(made, path.AppendChild("motion"), actor, codes)
    skeleton = _skeleton(made, path.AppendChild("skeleton"), actor)
    color = Gf.Vec3f(*srgb_to_linear(person_color(person)).tolist())
    mesh = _mesh(made, path.AppendChild("body"), actor, color)
    material = _material(made, path.AppendChild("material"), color)
    UsdShade.MaterialBindingAPI.Apply(mesh.GetPrim()).Bind(material)
    UsdSkel.BindingAPI.Apply(mesh.GetPrim()).CreateSkeletonRel().SetTargets([skeleton.GetPath()])
    UsdSkel.BindingAPI.Apply(skeleton.GetPrim()).CreateAnimationSourceRel().SetTargets([animation.GetPath()])
    for code, vertices in zip(codes, actor.actor.vertices(), strict=True):
        root.CreateExtentAttr().Set(_corners(vertices), code)


def _animation(made: Any, path: Any, actor: Rigged, codes: list[float]) -> Any:
    """Rotations and translations of all bones at every frame."""
    animation = UsdSkel.Animation.Define(made, path)
    animation.CreateJointsAttr(_paths(actor))
    animation.CreateScalesAttr(Vt.Vec3hArray(len(actor.names), Gf.Vec3h(1, 1, 1)))
    quaternions, translations = continuous_quaternions(actor.rotations), actor.translations()
    rotate, move = animation.CreateRotationsAttr(), animation.CreateTranslationsAttr()
    for code, turns, places in zip(codes, quaternions.astype(np.float32), translations.astype(np.float32), strict=True):
        rotate.Set(Vt.QuatfArray.FromNumpy(turns), code)
        move.Set(Vt.Vec3fArray.FromNumpy(places), code)
    return animation


def _skeleton(made: Any, path: Any, actor: Rigged) -> Any:
    skeleton = UsdSkel.Skeleton.Define(made, path)
    skeleton.CreateJointsAttr(_paths(actor))
    skeleton.CreateJointNamesAttr(Vt.TokenArray(list(actor.names)))
    shifts = [Gf.Matrix4d(1).SetTranslate(Gf.Vec3d(*offset)) for offset in actor.offsets.tolist()]
    skeleton.CreateRestTransformsAttr(Vt.Matrix4dArray(shifts))
    skeleton.CreateBindTransformsAttr(Vt.Matrix4dArray([Gf.Matrix4d(pose.T.tolist()) for pose in actor.bind]))
    return skeleton


def _mesh(made: Any, path: Any, actor: Rigged, color: Any) -> Any:
    """The mesh as it is bound, with normals, its colour and skinning weights."""
    faces = actor.actor.body.faces
    joints, weights = strongest(actor.weights)
    mesh = UsdGeom.Mesh.Define(made, path)
    mesh.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(actor.bound.astype(np.float32)))
    mesh.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(np.full(len(faces), 3, np.int32)))
    mesh.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(faces.reshape(-1).astype(np.int32)))
    mesh.CreateNormalsAttr(Vt.Vec3fArray.FromNumpy(actor.normals.astype(np.float32)))
    mesh.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    mesh.CreateExtentAttr(_corners(actor.bound))
    mesh.CreateDisplayColorAttr([color])
    binding = UsdSkel.BindingAPI.Apply(mesh.GetPrim())
    binding.CreateJointIndicesPrimvar(False, joints.shape[1]).Set(Vt.IntArray.FromNumpy(joints.reshape(-1).astype(np.int32)))
    binding.CreateJointWeightsPrimvar(False, joints.shape[1]).Set(Vt.FloatArray.FromNumpy(weights.reshape(-1).astype(np.float32)))
    binding.CreateGeomBindTransformAttr(Gf.Matrix4d(1))
    return mesh


def _material(made: Any, path: Any, color: Any) -> Any:
    material = UsdShade.Material.Define(made, path)
    shader = UsdShade.Shader.Define(made, path.AppendChild("surface"))
    shader.CreateIdAttr("UsdPreviewSurface")
    shader.CreateInput("diffuseColor", Sdf.ValueTypeNames.Color3f).Set(color)
    shader.CreateInput("roughness", Sdf.ValueTypeNames.Float).Set(0.7)
    material.CreateSurfaceOutput().ConnectToSource(shader.ConnectableAPI(), "surface")
    return material


def _add_camera(made: Any, motion: Motion, start: float) -> None:
    """The camera that filmed, whose picture is as wide as a 36 mm film; it moves and zooms where the result says so."""
    focal, centre, size = motion.camera_matrix[[0, 1], [0, 1]], motion.camera_matrix[:2, 2], motion.image_size
    pixel = _SENSOR / float(size[0])
    camera = UsdGeom.Camera.Define(made, "/scene/camera")
    length = camera.CreateFocalLengthAttr(float(focal[0]) * pixel)
    camera.CreateHorizontalApertureAttr(_SENSOR)
    camera.CreateVerticalApertureAttr(float(size[1]) * pixel * float(focal[0] / focal[1]))
    camera.CreateHorizontalApertureOffsetAttr(float(size[0] / 2 - centre[0]) * pixel)
    camera.CreateVerticalApertureOffsetAttr(float(centre[1] - size[1] / 2) * pixel)
    camera.CreateClippingRangeAttr(Gf.Vec2f(0.05, 1000.0))
    place_camera = camera.AddTransformOp()
    poses = world_from_camera(motion) @ _CAMERA_AXES
    place_camera.Set(Gf.Matrix4d(poses[0].T.tolist()))
    codes = _codes(motion.timestamps - start, motion.frame_rate)
    if np.ptp(poses, axis=0).any():
        for code, pose in zip(codes, poses, strict=True):
            place_camera.Set(Gf.Matrix4d(pose.T.tolist()), code)
    if motion.zoom is not None:
        for code, zoom in zip(codes, motion.zoom, strict=True):
            length.Set(float(focal[0] * zoom) * pixel, code)


def _codes(seconds: Array, rate: float) -> list[float]:
    """Time codes; those of whole frames are whole."""
    return [round(code, 6) for code in (seconds * rate).tolist()]


def _paths(actor: Rigged) -> Any:
    """The bones as UsdSkel names them: by the way from the first one."""
    paths: list[str] = []
    for name, parent in zip(actor.names, actor.parents, strict=True):
        plain = re.sub(r"\W", "_", name)
        paths.append(plain if parent < 0 else f"{paths[parent]}/{plain}")
    return Vt.TokenArray(paths)


def _corners(points: Array) -> Any:
    """The extent of points (N, 3)."""
    return Vt.Vec3fArray.FromNumpy(np.stack([points.min(0), points.max(0)]).astype(np.float32))
