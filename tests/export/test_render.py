"""The two renderers: what they cover, what hides what, and that they agree."""

import subprocess
import sys

import numpy as np
import pytest

from hmr_video.console import Reporter
from hmr_video.errors import UsageError
from hmr_video.export.render import Mesh, choose_renderer
from hmr_video.export.render.base import working_gl_platform
from hmr_video.export.render.lighting import vertex_normals
from hmr_video.export.render.software import SoftwareRenderer, clip_near

CAMERA = np.array([[200.0, 0.0, 60.0], [0.0, 200.0, 50.0], [0.0, 0.0, 1.0]])
BLACK = np.zeros((100, 120, 3), np.uint8)


def square(depth, side=0.2, x=0.0, y=0.0, colour=(1.0, 1.0, 1.0)):
    """A square that faces the camera, its centre at (x, y, depth)."""
    corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) * side / 2 + [x, y, depth]
    return Mesh(corners, np.array([[0, 2, 1], [0, 3, 2]]), colour)


def sphere(centre, radius, rings=24):
    """A closed ball with faces that turn anticlockwise from outside."""
    polar, azimuth = np.meshgrid(np.linspace(0, np.pi, rings), np.linspace(0, 2 * np.pi, 2 * rings), indexing="ij")
    points = np.stack([np.sin(polar) * np.cos(azimuth), np.cos(polar), np.sin(polar) * np.sin(azimuth)], -1)
    index = np.arange(points.shape[0] * points.shape[1]).reshape(points.shape[:2])
    a, b, c, d = index[:-1, :-1].ravel(), index[1:, :-1].ravel(), index[1:, 1:].ravel(), index[:-1, 1:].ravel()
    faces = np.concatenate([np.stack([a, c, b], 1), np.stack([a, d, c], 1)])
    return Mesh(points.reshape(-1, 3) * radius + centre, faces, (0.6, 0.7, 0.9))


def covered(mesh, image=BLACK, camera=CAMERA):
    return SoftwareRenderer().draw_lit(image.copy(), [mesh], camera)


def test_a_square_covers_exactly_its_pixels():
    coverage = covered(square(depth=1.0, side=0.2))  # 200 px/m: 40 px around (60, 50)
    expected = np.zeros((100, 120))
    expected[30:70, 40:80] = 1
    np.testing.assert_array_equal(coverage, expected)


def test_edges_are_anti_aliased():
    coverage = covered(square(depth=1.0, side=0.2, x=0.5 / 200))  # moved by half a pixel
    assert coverage[50, 40] == 0.5
    assert coverage[50, 80] == 0.5
    assert coverage.sum() == 40 * 40


def test_nearer_surfaces_hide_farther_ones_in_any_order():
    red, green = square(1.0, colour=(1.0, 0, 0)), square(1.5, side=0.6, colour=(0, 1.0, 0))
    for order in ([red, green], [green, red]):
        image = BLACK.copy()
        SoftwareRenderer().draw_lit(image, order, CAMERA)
        assert tuple(image[50, 60]) == (255, 0, 0)
        assert tuple(image[50, 25]) == (0, 255, 0)  # the green square reaches from 20 to 100


def test_a_second_picture_does_not_remember_the_first():
    renderer = SoftwareRenderer()
    renderer.draw(BLACK, [square(1.0)], CAMERA)
    assert not renderer.draw(BLACK, [square(1.0, side=0.01)], CAMERA)[:45].any()


def test_the_picture_given_is_not_changed_and_shows_through_outside():
    photograph = np.random.default_rng(0).integers(0, 256, BLACK.shape, np.uint8)
    before = photograph.copy()
    drawn = SoftwareRenderer().draw(photograph, [square(1.0)], CAMERA)
    np.testing.assert_array_equal(photograph, before)
    np.testing.assert_array_equal(drawn[:30], photograph[:30])
    assert (drawn[30:70, 40:80] != photograph[30:70, 40:80]).any()


def test_surfaces_behind_the_camera_and_beside_the_picture_draw_nothing():
    assert covered(square(depth=-1.0)).sum() == 0
    assert covered(square(depth=1.0, x=5.0)).sum() == 0


def test_a_floor_that_runs_under_the_camera_is_cut_at_the_near_plane():
    corners = np.array([[-9.0, 1, -9], [9, 1, -9], [9, 1, 9], [-9, 1, 9]])
    floor = Mesh(corners, np.array([[0, 1, 2], [0, 2, 3]]), (1.0, 1.0, 1.0))
    coverage = covered(floor)
    horizon = 50 + 200 * 1 / 9  # where z = 9 m
    rows = np.nonzero(coverage[:, 60])[0]
    assert rows.min() == pytest.approx(horizon, abs=1)
    assert coverage[rows.min() + 1 :, 20:100].all()


def test_clipping_keeps_the_area_in_front_of_the_plane():
    vertices = np.array([[0.0, 0, 0], [0, 0, 2], [2, 0, 2], [2, 0, 0]])
    colours = np.eye(4, 3, dtype=np.float32)
    cut, faces, tints = clip_near(vertices, np.array([[0, 1, 2], [0, 2, 3]]), colours, 0.5)
    edges = cut[faces]
    areas = np.linalg.norm(np.cross(edges[:, 1] - edges[:, 0], edges[:, 2] - edges[:, 0]), axis=1) / 2
    assert areas.sum() == pytest.approx(2 * 1.5)  # 4 m2 without the quarter before the plane
    assert (np.cross(edges[:, 1] - edges[:, 0], edges[:, 2] - edges[:, 0])[:, 1] > 0).all()  # none turned over
    assert cut[:, 2].min() >= 0.5
    assert len(tints) == len(cut)


def test_normals_of_a_ball_point_outwards():
    ball = sphere((0.0, 0.0, 0.0), 1.0)
    inner = slice(48, -48)  # without the poles, where faces have no area
    normals = vertex_normals(np.asarray(ball.vertices), ball.faces)
    assert (np.sum(normals * ball.vertices, 1)[inner] > 0.9).all()


def test_auto_says_which_renderer_it_took():
    said = []
    reporter = Reporter(quiet=True)
    reporter.say = said.append
    assert choose_renderer("auto", reporter).name in said[0].lower()


def test_an_unknown_renderer_is_wrong_usage():
    with pytest.raises(UsageError, match="povray"):
        choose_renderer("povray", Reporter(quiet=True))


@pytest.mark.slow
def test_renderers_agree_on_the_silhouette_of_bodies():
    """Two people of over 400 pixels, one partly before the other. In a process of its own: OpenGL binds to one window system."""
    platform = working_gl_platform()
    if platform is None:
        pytest.skip("no OpenGL here")
    program = f"""
import numpy as np, torch
from hmr_video.body import load_body
from hmr_video.export.render import Mesh
from hmr_video.export.render.opengl import PyrenderRenderer
from hmr_video.export.render.software import SoftwareRenderer
body = load_body("open")
rest = body.rest(torch.zeros(10))[0].numpy() * [1, -1, -1]
places = [(-0.2, 0.0, 2.8), (0.25, 0.05, 3.1)]
people = [Mesh(rest - rest.mean(0) + place, body.faces, (0.6, 0.7, 0.9)) for place in places]
camera = np.array([[800.0, 0, 330], [0, 790.0, 260], [0, 0, 1]])
grey = np.full((600, 640, 3), 128, np.uint8)
renderers = PyrenderRenderer({platform!r}), SoftwareRenderer()
both = [renderer.draw(grey, people, camera).astype(int) for renderer in renderers]
alone = [[(renderer.draw(grey, [mesh], camera) != 128).any(2) for mesh in people] for renderer in renderers]
tall = min(np.ptp(np.nonzero(shape)[0]) for shape in alone[0])
overlap = min((a & b).sum() / (a | b).sum() for a, b in zip(*alone))
print(tall, overlap, np.abs(both[0] - both[1]).mean())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    tall, overlap, difference = map(float, done.stdout.split())
    assert tall > 400
    assert overlap > 0.98
    assert difference < 1  # of 255: the same light, the same one before the other
