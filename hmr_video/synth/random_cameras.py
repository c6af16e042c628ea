"""Random cameras: where a person stands before the lens, and how the lens is turned."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.synth.augment import chance, drift, log_uniform, uniform

_CAMERA_FROM_LEVEL = torch.diag(torch.tensor([1.0, -1.0, -1.0]))  # y up, looking along -z -> y down, looking along +z


@dataclass(frozen=True)
class CameraConfig:
    """Ranges of the random cameras. Angles in radians, distances in metres."""

    distance: tuple[float, float] = (1.1, 14.0)
    usual_pitch: tuple[float, float] = (0.1, 0.14)  # mean and deviation; positive looks down
    wide_pitch: tuple[float, float] = (-0.45, 0.95)
    wide_pitch_share: float = 0.3
    usual_roll: float = 0.05
    wide_roll: float = 0.25
    wide_roll_share: float = 0.25
    off_centre: tuple[float, float] = (0.45, 0.2)  # tangents of the largest and the usual angle away from the axis: x and y
    following_share: float = 0.3  # cameras that keep the person at one place
    focal_error: float = 0.35  # largest log of wrong focal length over true


def view(rotations: Tensor, trans: Tensor, config: CameraConfig, generator: Generator) -> tuple[Tensor, Tensor]:
    """Puts windows before random cameras.

    rotations (B, T, 24, 3, 3) and trans (B, T, 3) in the world -> the same in camera space, trans being the pelvis' position.
    """
    batch, frames = trans.shape[:2]
    zero = torch.zeros(batch)
    yaw = uniform(generator, -torch.pi, torch.pi, batch)
    pitch = config.usual_pitch[0] + config.usual_pitch[1] * torch.randn(batch, generator=generator)
    wide = chance(generator, config.wide_pitch_share, batch)
    pitch = torch.where(wide, uniform(generator, *config.wide_pitch, batch), pitch)
    roll_size = torch.where(chance(generator, config.wide_roll_share, batch), config.wide_roll, config.usual_roll)
    roll = roll_size * torch.randn(batch, generator=generator)
    turn_y = axis_angle_to_matrix(torch.stack([zero, yaw, zero], -1))
    turn_x = axis_angle_to_matrix(torch.stack([pitch, zero, zero], -1))
    turn_z = axis_angle_to_matrix(torch.stack([zero, zero, roll], -1))
    camera = turn_z @ _CAMERA_FROM_LEVEL @ turn_x @ turn_y  # (B, 3, 3)

    distance = log_uniform(generator, *config.distance, batch)
    aside = uniform(generator, -config.off_centre[0], config.off_centre[0], batch)
    above = config.off_centre[1] * torch.randn(batch, generator=generator)
    place = torch.stack([aside, above, torch.ones(batch)], -1) * distance[:, None]  # (B, 3)
    path = (camera[:, None] @ (trans - trans[:, frames // 2, None])[..., None]).squeeze(-1)
    following = chance(generator, config.following_share, batch)[:, None, None]
    shake = 0.03 * distance[:, None, None] * drift(generator, batch, frames, 3) * torch.tensor([1.0, 1.0, 0.3])
    path = torch.where(following, shake, path)

    rotations = rotations.clone()
    rotations[:, :, 0] = camera[:, None] @ rotations[:, :, 0]
    position = place[:, None] + path
    nearest = position[..., 2].amin(1) - 0.9  # no body part may pass behind the lens: step back where it would
    position = position + torch.relu(0.3 - nearest)[:, None, None] * torch.tensor([0.0, 0.0, 1.0])
    return rotations, position
