"""`Motion`: the finished result of one person, and its file.

Everything before it makes it, everything after it only reads it. All in camera space (x right, y down, z forward), metres,
radians, seconds, pixels of the upright frame.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hmr_video.errors import InputError
from hmr_video.files import replacing
from hmr_video.geometry.skeleton import BODY_LANDMARKS, with_limb_ends

if TYPE_CHECKING:
    from hmr_video.geometry.silhouettes import Silhouettes

Array = NDArray[Any]

# Field -> the shape it must have; a letter is a length that all fields share.
_SHAPES: dict[str, tuple[int | str, ...]] = {
    "poses": ("T", 72),
    "trans": ("T", 3),
    "betas": (10,),
    "frame_ids": ("T",),
    "timestamps": ("T",),
    "confidence": ("T",),
    "camera_matrix": (3, 3),
    "image_size": (2,),
    "boxes": ("T", 4),
    "landmarks2d": ("T", 29, 3),
    "joints3d": ("T", 24, 3),
    "poses_past": ("T", 72),
    "poses_future": ("T", 72),
    "world_from_camera": ("T", 4, 4),
    "zoom": ("T",),
}
_OPTIONAL = ("world_from_camera", "zoom")
# Key in the file -> the attribute of Silhouettes.
_SILHOUETTE = {"silhouette": "runs", "silhouette_counts": "counts", "silhouette_crops": "crops"}


@dataclass(frozen=True)
class Motion:
    """One person over T consecutive frames of the source.

    Attributes:
        poses: (T, 72) axis-angle of the 24 SMPL joints; the root's turns the body into camera space.
        trans: (T, 3) metres; vertices = skinning(poses, betas) + trans, as smplx defines it.
        betas: (10,) shape, constant over the clip, of the body named by ``body`` and of no other.
        joints3d: (T, 24, 3) metres, skinned joints + trans.
        poses_past, poses_future: (T, 72) the predicted poses 5/30 s before and after each frame (HMMR's delta regressors).
        frame_ids: (T,) 0-based frames of the source, consecutive.
        timestamps: (T,) seconds from the container.
        frame_rate: frames per second of the source.
        confidence: (T,) in 0..1; low where the frame was filled in.
        camera_matrix: (3, 3) intrinsics in pixels, one per clip.
        image_size: (2,) width and height.
        boxes: (T, 4) x1 y1 x2 y2.
        landmarks2d: (T, 29, 3) x, y, confidence of `hmr_video.geometry.skeleton.LANDMARKS` as used, never filtered; confidence 0
            where absent. Fused from the detector and the landmark network. Left and right are exchanged in frames in which one of
            them took a person's front for the back, or one leg or arm for the other. COCO's 17 alone are taken too.
        silhouettes: the person's in the pictures, where they were asked for; in the file ``silhouette`` (R,),
            ``silhouette_counts`` (T,) and ``silhouette_crops`` (T, 2, 3).
        body, body_hash: the body's name and the SHA-256 of its file; ``weights_hash``: that of the model's.
        world_from_camera: (T, 4, 4) or None; the rigid transforms into a level world (y up, floor at y = 0). One
            (4, 4) for a camera that stands is taken too.
        zoom: (T,) or None; the focal length of each frame is that of ``camera_matrix`` times this.
    """

    poses: Array
    trans: Array
    betas: Array
    frame_ids: Array
    timestamps: Array
    frame_rate: float
    confidence: Array
    camera_matrix: Array
    image_size: Array
    boxes: Array
    landmarks2d: Array
    joints3d: Array
    poses_past: Array
    poses_future: Array
    body: str
    body_hash: str
    weights_hash: str
    gender: str = "neutral"
    world_from_camera: Array | None = None
    zoom: Array | None = None
    silhouettes: "Silhouettes | None" = None

    def __post_init__(self) -> None:
        if np.shape(self.landmarks2d)[1:] == (BODY_LANDMARKS.stop, 3):
            object.__setattr__(self, "landmarks2d", with_limb_ends(self.landmarks2d))
        if self.world_from_camera is not None and np.shape(self.world_from_camera) == (4, 4):
            object.__setattr__(self, "world_from_camera", np.tile(self.world_from_camera, (len(self.poses), 1, 1)))
        for name, shape in _SHAPES.items():
            value = getattr(self, name)
            if value is None and name in _OPTIONAL:
                continue
            wanted = tuple(len(self.poses) if size == "T" else size for size in shape)
            if np.shape(value) != wanted:
                raise InputError(
                    f"{name} has the shape {np.shape(value)} where {wanted} is meant.", "Give a result file of hmr-video."
                )
            if not np.isfinite(value).all():
                raise InputError(f"{name} holds numbers that are not finite.", "Convert the video again.")
        if len(self.poses) == 0:
            raise InputError("The result holds no frame.", "Convert the video again.")
        if self.silhouettes is not None and not self.silhouettes.fits(len(self)):
            raise InputError("The silhouettes are not those of the frames.", "Convert the video again.")

    def __len__(self) -> int:
        return len(self.poses)

    @property
    def keypoints2d(self) -> Array:
        """(T, 17, 3) COCO's, the first of the landmarks."""
        return self.landmarks2d[:, BODY_LANDMARKS]

    @property
    def zooms(self) -> Array:
        """(T,) the focal length of each frame over that of ``camera_matrix``."""
        return np.ones(len(self)) if self.zoom is None else self.zoom

    @property
    def steady_landmarks(self) -> Array:
        """(T, 29, 3) the landmarks where ``camera_matrix`` would see them, without the zoom."""
        steady = np.array(self.landmarks2d, np.float64)
        steady[..., :2] = self._without_zoom(steady[..., :2])
        return steady

    @property
    def steady_boxes(self) -> Array:
        """(T, 4) the boxes likewise."""
        return self._without_zoom(self.boxes.reshape(-1, 2, 2)).reshape(-1, 4)

    def _without_zoom(self, pixels: Array) -> Array:
        """Of (T, N, 2)."""
        if self.zoom is None:
            return pixels
        middle = self.camera_matrix[:2, 2]
        return np.asarray((pixels - middle) / self.zooms[:, None, None] + middle)

    def replace(self, **changes: Any) -> "Motion":
        """A copy with some fields changed."""
        return replace(self, **changes)

    def rows(self, rows: slice | Array) -> "Motion":
        """The frames at these places, in this order, without silhouettes."""
        known = [name for name, shape in _SHAPES.items() if shape[0] == "T" and getattr(self, name) is not None]
        return self.replace(silhouettes=None, **{name: getattr(self, name)[rows] for name in known})

    def save(self, path: Path, overwrite: bool = False) -> None:
        """Writes the motion as an NPZ of plain arrays, without pickle.

        Args:
            path: the file, which is there whole or not at all.
            overwrite: replace a file that exists.

        Raises:
            OutputError: when it exists already or cannot be written.
        """
        arrays: dict[str, Array] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None or field.name in ("frame_rate", "silhouettes"):
                continue
            array = np.asarray(value)
            arrays[field.name] = array.astype(np.float32) if _is_single(field.name, array) else array
        if self.silhouettes is not None:
            arrays |= {key: getattr(self.silhouettes, name) for key, name in _SILHOUETTE.items()}
            arrays["silhouette_crops"] = arrays["silhouette_crops"].astype(np.float32)
        arrays["keypoints2d"] = arrays["landmarks2d"][:, BODY_LANDMARKS]
        # Both spellings are in use: AMASS writes the first, SMPL-X tools the second.
        arrays["mocap_framerate"] = arrays["mocap_frame_rate"] = np.array(self.frame_rate, np.float64)
        with replacing(path, overwrite) as temporary, temporary.open("wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> "Motion":
        """Reads what `save` wrote; never unpickles.

        Args:
            path: a ``person_NN.npz``, of older versions too.

        Returns:
            The motion, in camera space.

        Raises:
            InputError: for anything else, or a damaged file.
        """
        names = {field.name: field.name for field in fields(cls) if field.name != "silhouettes"}
        names["frame_rate"] = "mocap_frame_rate"
        data = load_arrays(path, [*names.values(), "keypoints2d", *_SILHOUETTE])
        if "landmarks2d" not in data:  # as results were before there were landmarks
            names["landmarks2d"] = "keypoints2d"
        missing = [key for name, key in names.items() if key not in data and name not in _OPTIONAL]
        if missing:
            raise InputError(
                f"{path} is not a result of hmr-video: it lacks {', '.join(missing)}.",
                "Give a person_NN.npz made by `hmr-video convert`.",
            )
        values: dict[str, Any] = {name: data[key] for name, key in names.items() if key in data}
        if all(key in data for key in _SILHOUETTE):
            from hmr_video.geometry.silhouettes import Silhouettes  # few results have them

            values["silhouettes"] = Silhouettes(**{name: data[key] for key, name in _SILHOUETTE.items()})
        texts = {name: str(values[name]) for name in ("body", "body_hash", "weights_hash", "gender")}
        whole = [name for name in ("frame_ids", "image_size") if values[name].dtype.kind not in "iu"]
        try:
            motion = cls(**(values | texts | {"frame_rate": float(values["frame_rate"])}))
        except (TypeError, ValueError) as error:
            raise InputError(f"{path} is not a result of hmr-video: {error}.", "Give a result file of hmr-video.") from error
        if whole or not (np.diff(motion.frame_ids) == 1).all() or motion.frame_ids[0] < 0 or not 0 < motion.frame_rate < np.inf:
            raise InputError(f"{path} is damaged: its frames are not numbered as they should be.", "Convert the video again.")
        return motion


def _is_single(name: str, array: Array) -> bool:
    """Floating point is stored as float32, but for times: 2 hours at float32 is off by a quarter of a millisecond."""
    return array.dtype.kind == "f" and name != "timestamps"


def load_arrays(path: Path, only: Collection[str] | None = None) -> Mapping[str, Array]:
    """The arrays of an NPZ, read without pickle; with ``only`` no others than those. Raises InputError with a reason."""
    if not path.exists():
        raise InputError(f"{path} does not exist.", "Check the path.")
    if path.is_dir():
        raise InputError(f"{path} is a folder where a file is meant.", "Name one NPZ file.")
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files if only is None or key in only}
    except Exception as error:  # zip, zlib, header and pickle refusals: all mean the same to the user
        raise InputError(
            f"{path} cannot be read as NPZ ({type(error).__name__}).", "The file is damaged or of another kind."
        ) from error
