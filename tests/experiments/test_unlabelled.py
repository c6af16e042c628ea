"""Filmed windows as unlabelled video: what was seen and what is simulated are of the same people in the same places."""

from collections.abc import Callable
from dataclasses import replace

import torch

from hmr_video.body import load_body
from hmr_video.experiments.unlabelled import seen_tracks, simulated_tracks
from hmr_video.synth.film.filmed import Film
from hmr_video.synth.simulated_detector import DetectorConfig

FRAMES = 13


def test_both_are_about_the_same_people(small_film: Callable[[int], Film]) -> None:
    film = small_film(FRAMES)
    detector = replace(DetectorConfig(noise=(0.01, 0.01)), silent=0.0, missing=0.0, lost=0.0)
    seen, simulated = seen_tracks(film), simulated_tracks(film, load_body("open"), detector, seed=1)
    assert seen.lengths.tolist() == simulated.lengths.tolist() == [FRAMES] * len(film)
    assert seen.keypoints.shape == simulated.keypoints.shape == (len(film) * FRAMES, 17, 3)
    both = (seen.keypoints[..., 2] > 0) & (simulated.keypoints[..., 2] > 0)
    away = (seen.keypoints - simulated.keypoints)[..., :2].norm(dim=-1)[both]
    assert both.float().mean() > 0.6
    assert away.median() < 0.01  # rays: 4 cm
    assert (seen.keypoints[:, 9] == 0).all()
    torch.testing.assert_close(seen.keypoints[:FRAMES], seen.keypoints[:1].expand(FRAMES, -1, -1))
    assert not torch.equal(seen.keypoints[FRAMES], seen.keypoints[0])
