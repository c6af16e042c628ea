"""Weights that read COCO's points, made to read all landmarks."""

from dataclasses import replace

from torch.nn.functional import pad

from hmr_video.features.keypoints import feature_size
from hmr_video.geometry.skeleton import LANDMARKS
from hmr_video.model import HMMR


def reading_all_points(model: HMMR) -> HMMR:
    """The same model with an input for every landmark: those that it did not know have no say yet."""
    size = feature_size(len(LANDMARKS))
    wider = HMMR(replace(model.config, feature_size=size, keypoints=len(LANDMARKS)))
    state = model.state_dict()
    first = state["projection.0.weight"]
    wider.load_state_dict(state | {"projection.0.weight": pad(first, (0, size - first.shape[1]))})
    return wider.train()
