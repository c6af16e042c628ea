"""What pictures of people need besides the people: their numbers, and a second camera that sees them from the side."""

import functools
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hmr_video.export.actors import by_frame
from hmr_video.export.palette import person_color
from hmr_video.export.render import Mesh, Renderer
from hmr_video.motion import Array, Motion

_BACKDROP = (46, 60)  # grey levels at the top and the bottom of the view from the side
_MARGIN = 0.35  # metres around the joints, for what reaches beyond them
_TAG, _TAG_SIZES = 1 / 36, (10, 40)  # of the picture's height is a number's, within limits in pixels
_USED = 0.92  # share of the picture that people may fill


def draw_tag(image: Array, index: int, mesh: Mesh, camera_matrix: Array, height: int) -> None:
    """Puts the number of person ``index`` over the highest point of the mesh that the camera sees, in place.

    height: of the picture in pixels, by which the number's size goes.
    """
    vertices = mesh.vertices[mesh.vertices[:, 2] > 0.05]
    if len(vertices) == 0:
        return
    pixels = vertices[:, :2] / vertices[:, 2:] * camera_matrix[[0, 1], [0, 1]] + camera_matrix[:2, 2]
    x, y = pixels[pixels[:, 1].argmin()]
    plate = _plate(index, height)
    tall, wide = plate.shape[:2]
    if not (-wide < x < image.shape[1] + wide and y < image.shape[0]):
        return
    left = int(np.clip(x - wide / 2, 0, max(0, image.shape[1] - wide)))
    top = int(np.clip(y - tall - 6, 0, max(0, image.shape[0] - tall)))
    under = image[top : top + tall, left : left + wide]
    cut = plate[: under.shape[0], : under.shape[1]].astype(np.float32)
    under[:] = (under + (cut[..., :3] - under) * cut[..., 3:] / 255).round()


@functools.cache
def _plate(index: int, height: int) -> Array:
    """A rounded plate (H, W, 4) uint8 with the number of a person on their colour, for pictures of so many pixels' height."""
    text, size = str(index + 1), min(max(round(height * _TAG), _TAG_SIZES[0]), _TAG_SIZES[1])
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(text)
    width, tall = int(right - left) + size, int(bottom - top) + size * 2 // 3
    plate = Image.new("RGBA", (width, tall))
    pen = ImageDraw.Draw(plate)
    pen.rounded_rectangle((0, 0, width - 1, tall - 1), size // 3, (*person_color(index), 225))
    pen.text((width / 2, tall / 2), text, (20, 20, 24, 255), font, anchor="mm")
    return np.asarray(plate)


def _moves(motions: Sequence[Motion]) -> dict[int, Array]:
    """Rigid transforms (4, 4) from the space of each frame's camera into that of the first person's first; none where the
    camera stands."""
    if not any(motion.world_from_camera is not None and np.ptp(motion.world_from_camera, axis=0).any() for motion in motions):
        return {}
    first = np.linalg.inv(np.asarray(motions[0].world_from_camera, np.float64)[0])
    return by_frame(motions, [first @ np.asarray(motion.world_from_camera) for motion in motions])


class SideView:
    """A camera far to the left of the first one's view, level, that looks to the right: near people are on its right.

    It stands still, so that movement in depth is seen as movement, and takes in all that happens in the clip.
    """

    def __init__(self, motions: Sequence[Motion], size: tuple[int, int]) -> None:
        width, height = size
        world = motions[0].world_from_camera
        up = np.array([0.0, 1.0, 0.0]) if world is None else -np.asarray(world)[0, 1, :3]
        self._moves = _moves(motions)
        down = up / np.linalg.norm(up)  # in camera space, where y runs down
        forward = np.array([1.0, 0.0, 0.0]) - down[0] * down  # to the right of the first picture, level
        forward /= np.linalg.norm(forward)
        self._rotation = np.stack([np.cross(down, forward), down, forward])  # rows: its right, down and forward
        joints = [
            self.moved(point, int(frame))
            for motion in motions
            for point, frame in zip(motion.joints3d, motion.frame_ids, strict=True)
        ]
        points = np.concatenate(joints) @ self._rotation.T
        low, high = points.min(0) - _MARGIN, points.max(0) + _MARGIN
        self._centre = (low + high) / 2
        across, tall, deep = (high - low) / 2
        focal = float(max(size))
        self._distance = deep + focal * max(across / (_USED * width / 2), tall / (_USED * height / 2))
        self._camera = np.array([[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])
        shades = np.linspace(*_BACKDROP, height).round().astype(np.uint8)
        self._backdrop = np.ascontiguousarray(np.broadcast_to(shades[:, None, None], (height, width, 3)))

    def draw(self, renderer: Renderer, people: dict[int, Mesh], frame: int) -> Array:
        """The people of a frame, given in its camera's space, on a plain ground (H, W, 3)."""
        meshes = [mesh._replace(vertices=self.turn(self.moved(mesh.vertices, frame))) for mesh in people.values()]
        return renderer.draw(self._backdrop, meshes, self._camera)

    def moved(self, points: Array, frame: int) -> Array:
        """Points (V, 3) from the space of a frame's camera into that of the first one's."""
        if frame not in self._moves:
            return points
        move = self._moves[frame]
        return np.asarray(points @ move[:3, :3].T + move[:3, 3])

    def turn(self, points: Array) -> Array:
        """From the first camera's space (V, 3) into this one's."""
        turned: Array = points @ self._rotation.T - self._centre
        turned[:, 2] += self._distance
        return turned
