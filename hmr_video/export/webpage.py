"""`view.html`: one self-contained page that plays the people in 3D beside the video, from disk and without a network."""

import base64
import html
import json
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from hmr_video.body import Body
from hmr_video.export.actors import Actor, by_frame, continuous_quaternions, place, world_from_camera
from hmr_video.export.formats.angles import joint_angles
from hmr_video.export.overlay import open_source
from hmr_video.export.palette import person_color
from hmr_video.export.registry import ExportOptions, NewFiles
from hmr_video.export.rigs.rigging import strongest
from hmr_video.geometry.rotations import pose_matrices
from hmr_video.geometry.skeleton import PARENTS
from hmr_video.motion import Array, Motion
from hmr_video.video import ahead
from hmr_video.video.writer import VideoWriter

GHOST_SECONDS = 5 / 30  # how far `poses_past` and `poses_future` lie off
PLOTTED = ("knee_flexion", "hip_flexion", "shoulder_elevation", "elbow_flexion")  # of both sides, beside the trunk's flexion
EMBEDDED_BYTES = 20_000_000  # a larger preview lies beside the page, which would grow past 30 MB
_SCRIPTS = ("data.js", "people.js", "clock.js", "stage.js", "plots.js", "page.js")
_LONGEST_SIDE = 960  # pixels of the preview
_QUALITY = 26  # of x264; between 23, its default, and 28, where skin gets blocky
_KEYFRAMES = 12  # frames between two; scrubbing decodes at most so many
_ROAMING = 3.0  # metres; the view follows people who go farther than this


def write(motions: list[Motion], body: Body, files: NewFiles, options: ExportOptions) -> None:
    """One page, and beside it `view.mp4` where the video is too long to be put inside."""
    with files.new("view.html") as page:
        preview, video = None, b""
        if options.video is not None:
            made = page.with_suffix(".mp4")
            try:
                preview = _make_preview(motions, made, options)
                if made.stat().st_size <= EMBEDDED_BYTES:
                    video = made.read_bytes()
                else:
                    with files.new("view.mp4") as beside:
                        made.rename(beside)
            finally:
                made.unlink(missing_ok=True)
        title = "hmr-video" if options.video is None else options.video.stem
        page.write_text(page_text([place(motion, body) for motion in motions], title, preview, video), encoding="utf-8")


class Preview(NamedTuple):
    """timestamps: (N,) seconds of all frames in the source, of which the first, number ``first_frame`` there, is shown at 0."""

    timestamps: Array
    first_frame: int


def _make_preview(motions: list[Motion], target: Path, options: ExportOptions) -> Preview:
    """Writes the video of a result (a photograph or folder of images too) as H.264 to ``target``, its sound with it.

    The picture is made smaller but no frame that was converted is left out, which takes a fraction of the time of converting;
    memory does not grow with the length. Raises InputError when the video cannot be read or is not the result's, and OutputError.
    """
    reader = open_source(motions, options)
    width, height = reader.info.width, reader.info.height
    scale = min(1.0, _LONGEST_SIDE / max(width, height))
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    times: list[float] = []
    numbers: list[int] = []
    sound = None if reader.info.retimed else options.video
    writer = VideoWriter(target, reader.info.frame_rate, size, audio_from=sound, quality=_QUALITY, keyframe_interval=_KEYFRAMES)
    with writer, options.reporter.progress("Preparing the video", reader.info.frame_count) as advance:
        for chunk in ahead(reader.chunks(16)):
            for frame, time in zip(chunk.frames, chunk.timestamps.tolist(), strict=True):
                small = frame if scale == 1.0 else np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BILINEAR))
                writer.write(small, time)
            times += chunk.timestamps.tolist()
            numbers += chunk.frame_ids.tolist()
            advance(len(chunk))
    return Preview(np.array(times), numbers[0] if numbers else 0)


def page_text(actors: list[Actor], title: str, preview: Preview | None, video: bytes) -> str:
    """The page's source. ``video``: what is put inside, empty where ``preview`` lies beside the page as `view.mp4`."""
    arrays = _Arrays()
    scene = _scene(actors, arrays, preview)
    if preview is not None:
        scene["video"] = {"embedded": bool(video), "path": "view.mp4"}
    parts = {
        "title": html.escape(title),
        "style": _source("page.css"),
        "three": _source("three.min.js"),
        "script": "\n".join(_source(name) for name in _SCRIPTS),
        "scene": json.dumps(scene).replace("<", "\\u003c"),
        "arrays": base64.b64encode(arrays.data).decode(),
        "video": base64.b64encode(video).decode(),
    }
    text = _source("page.html")
    for name, part in parts.items():
        text = text.replace("{{" + name + "}}", part)
    return text


def _source(name: str) -> str:
    return (resources.files("hmr_video.export") / "view" / name).read_text(encoding="utf-8")


def _scene(actors: list[Actor], arrays: "_Arrays", preview: Preview | None) -> dict[str, Any]:
    """All that the page knows but the big arrays, which go into ``arrays``. Times start with the first frame of the clip."""
    motions = [actor.motion for actor in actors]
    first = motions[0]
    paths = by_frame(motions, [world_from_camera(motion) for motion in motions])
    zooms = by_frame(motions, [motion.zooms for motion in motions])
    times = clip_times(motions, None if preview is None else preview.timestamps)
    shown = np.arange(len(times)) + (0 if preview is None else preview.first_frame)
    joints, weights = strongest(actors[0].body.weights.double().numpy())
    pelvis = np.concatenate([actor.pelvis for actor in actors])
    depth = max(float(motion.joints3d[..., 2].max()) for motion in motions)
    intrinsics = first.camera_matrix
    return {
        "frameRate": float(first.frame_rate),
        "firstFrame": 0 if preview is None else preview.first_frame,
        "frameTimes": arrays.add(times - times[0], np.float32),
        "duration": float(times[-1] - times[0] + 1 / first.frame_rate),
        "ghostSeconds": GHOST_SECONDS,
        "floor": _floor(actors),
        "roaming": bool(np.linalg.norm(np.ptp(pelvis, axis=0)) > _ROAMING),
        "screenDepth": depth + 0.7,
        "worldFromCamera": arrays.add(_nearest(paths, shown), np.float32),
        "zooms": arrays.add(_nearest(zooms, shown), np.float32),
        "cameraMoves": any(motion.zoom is not None or np.ptp(world_from_camera(motion), axis=0).any() for motion in motions),
        "levelled": first.world_from_camera is not None,
        "camera": {
            "width": int(first.image_size[0]),
            "height": int(first.image_size[1]),
            "focal": [float(intrinsics[0, 0]), float(intrinsics[1, 1])],
            "centre": [float(intrinsics[0, 2]), float(intrinsics[1, 2])],
        },
        "body": {
            "parents": list(PARENTS),
            "faces": arrays.add(actors[0].body.faces, np.uint16 if len(joints) < 65536 else np.uint32),
            "joints": arrays.add(joints, np.uint8),
            "weights": arrays.add(weights * 65535, np.uint16),
        },
        "people": [_person(actor, number, times[0], arrays) for number, actor in enumerate(actors)],
        "video": None,
    }


def _person(actor: Actor, number: int, start: float, arrays: "_Arrays") -> dict[str, Any]:
    """One person: the mesh at rest, and per frame 24 quaternions (three times: now, past, future) and the pelvis."""
    motion = actor.motion
    angles = joint_angles(actor.global_rotations, actor.joints)
    plotted = ["trunk_flexion", *(f"{side}_{name}" for side in ("left", "right") for name in PLOTTED)]
    root = world_from_camera(motion)[:, :3, :3]

    def quaternions(rotations: Array) -> dict[str, Any]:
        return arrays.add_fractions(continuous_quaternions(rotations), 1.0)

    def ghost(poses: Array) -> dict[str, Any]:
        rotations = pose_matrices(poses).numpy()
        rotations[:, 0] = root @ rotations[:, 0]
        return quaternions(rotations)

    return {
        "name": f"Person {number + 1}",
        "color": "#{:02x}{:02x}{:02x}".format(*person_color(number)),
        "times": arrays.add(motion.timestamps - start, np.float32),
        "confidence": arrays.add(motion.confidence, np.float32),
        "pelvis": arrays.add(actor.pelvis, np.float32),
        "quaternions": quaternions(actor.rotations),
        "past": ghost(motion.poses_past),
        "future": ghost(motion.poses_future),
        "restVertices": arrays.add_fractions(actor.rest_vertices, float(np.abs(actor.rest_vertices).max())),
        "restJoints": arrays.add(actor.rest_joints, np.float32),
        "angles": {name: arrays.add_fractions(np.degrees(angles[name]), 180.0) for name in plotted},
    }


def _nearest(known: dict[int, Array], shown: Array) -> Array:
    """What is known by frame, in the frames ``shown`` (N,), or in the nearest that shows somebody."""
    frames = np.array(sorted(known))
    after = np.searchsorted(frames, shown).clip(max=len(frames) - 1)
    before = (after - 1).clip(min=0)
    nearer = np.where(np.abs(frames[before] - shown) <= np.abs(frames[after] - shown), before, after)
    return np.stack([known[frame] for frame in frames[nearer].tolist()])


def clip_times(motions: list[Motion], decoded: Array | None) -> Array:
    """Seconds of every frame of the clip, from its first to the last that matters, by frame number.

    ``decoded``: those of the video where there is one. Else the frames between people are filled in, and those before the
    first person counted back at the frame rate.
    """
    if decoded is not None:
        return decoded
    known = by_frame(motions, [motion.timestamps for motion in motions])
    frames = np.array(sorted(known))
    times = np.array([known[frame] for frame in frames])
    filled = np.interp(np.arange(frames[0], frames[-1] + 1), frames, times)
    before = times[0] - np.arange(frames[0], 0, -1) / motions[0].frame_rate
    return np.concatenate([before, filled])


def _floor(actors: list[Actor]) -> float:
    """The height of the floor: that of a levelled world, else the lowest points of the bodies (2nd percentile over time)."""
    if actors[0].motion.world_from_camera is not None:
        return 0.0
    lowest = []
    for actor in actors:
        indices = np.linspace(0, len(actor) - 1, min(len(actor), 24)).astype(int)
        lowest += [float(vertices[:, 1].min()) for vertices in actor.vertices(indices)]
    return float(np.percentile(lowest, 2))


class _Arrays:
    """One block of bytes, and references into it: {offset, length, type, scale?}."""

    def __init__(self) -> None:
        self.data = bytearray()

    def add(self, values: Array, dtype: Any) -> dict[str, Any]:
        """Stores numbers as they are (rounded, for integers)."""
        kind = np.dtype(dtype)
        array = np.ascontiguousarray(np.rint(values) if kind.kind in "iu" else values, dtype=kind)
        reference = {"offset": len(self.data), "length": array.size, "type": kind.name}
        self.data += array.tobytes() + bytes(-array.nbytes % 4)
        return reference

    def add_fractions(self, values: Array, scale: float) -> dict[str, Any]:
        """Stores numbers of -scale..scale as 16-bit fractions of it."""
        return self.add(np.asarray(values) / scale * 32767, np.int16) | {"scale": scale}
