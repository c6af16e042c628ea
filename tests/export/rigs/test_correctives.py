"""Shapes that give back what a mesh bound in an A-pose misses: skinned with them it is the body's own."""

import numpy as np
import pytest

from hmr_video.export.actors import place
from hmr_video.export.rigs.correctives import correctives
from hmr_video.export.rigs.names import RIGS
from hmr_video.export.rigs.rigging import Rigged, rigged


@pytest.mark.parametrize("rig", ["unreal", "rigify"])
def test_with_shapes_a_mesh_bound_in_an_a_pose_is_the_bodys_own(rig, raised, body):
    actor = rigged(place(raised, body), RIGS[rig], root_motion=True)
    own = np.stack(list(actor.actor.vertices()))
    shapes, strengths = correctives(actor)
    assert np.abs(strengths).max() <= 1
    assert _worst(_skinned(actor, np.zeros((1, 1, 3))), own) > 8e-3  # without
    assert _worst(_skinned(actor, np.tensordot(strengths, shapes, 1)), own) < 4e-4


@pytest.mark.parametrize("frames", [[0], [0, 0, 0]])
def test_who_does_not_move_has_one_shape_of_each_side(frames, raised, body):
    still = rigged(place(raised.rows(np.array(frames)), body), RIGS["unreal"])
    shapes, strengths = correctives(still)
    assert (len(shapes), strengths.shape) == (2, (len(frames), 2))
    assert _worst(_skinned(still, np.tensordot(strengths, shapes, 1)), np.stack(list(still.actor.vertices()))) < 4e-4


def test_a_rig_that_rests_as_the_body_does_needs_none(raised, body):
    shapes, strengths = correctives(rigged(place(raised, body), RIGS["mixamo"]))
    assert (len(shapes), strengths.shape) == (0, (len(raised), 0))


def _skinned(actor: Rigged, added: np.ndarray) -> np.ndarray:
    """(T, V, 3) linear blend skinning of a mesh bound at rest, to which (T, V, 3) are added."""
    turned, translations, vertices = actor.turned, actor.translations(), actor.vertices
    at = [translations[:, 0]]
    for bone, parent in enumerate(actor.parents[1:], 1):
        at.append(at[parent] + (turned[:, parent] @ translations[:, bone, :, None])[..., 0])
    posed = np.zeros((len(turned), *vertices.shape))
    for bone, weights in enumerate(actor.weights.T):
        moved = (vertices + added - actor.heads[bone]) @ turned[:, bone].swapaxes(1, 2) + at[bone][:, None]
        posed += weights[:, None] * moved
    return posed


def _worst(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.linalg.norm(found - wanted, axis=-1).max())
