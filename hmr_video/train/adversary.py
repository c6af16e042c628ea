"""The adversarial pose prior: a discriminator that learns, beside the model, to tell its poses from captured ones."""

from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Generator, Tensor
from torch.func import functional_call

from hmr_video.geometry.rotations import six_d_to_matrix
from hmr_video.mocap.clips import Mocap
from hmr_video.model.discriminator import PoseDiscriminator
from hmr_video.model.losses import discriminator_loss

LEARNING_RATE = 1e-4  # the paper's


class Adversary:
    """The discriminator, its optimiser, and the captured poses that it takes for real. The root's rotation is left out."""

    def __init__(self, mocap: Mocap, clip_weights: Tensor, seed: int, fabric: Fabric) -> None:
        self.mocap, self.clip_weights, self.seed, self.device = mocap, clip_weights, seed, fabric.device
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self._network = PoseDiscriminator()
        self._bare = torch.optim.Adam(self._network.parameters(), lr=LEARNING_RATE)
        self._fabric = fabric
        self._module, self._optimiser = fabric.setup(self._network, self._bare)

    def judge(self, rotations: Tensor) -> Tensor:
        """Scores (..., 24) of rotations (..., 23, 3, 3). Gradients reach the rotations, never the discriminator."""
        held = {name: value.detach() for name, value in self._network.named_parameters()}
        scores: Tensor = functional_call(self._network, held, (rotations,))
        return scores

    def learn(self, fakes: Tensor, number: int) -> Tensor:
        """One step on predicted poses (N, 23, 3, 3) and as many captured ones, drawn by ``number``; the loss before it."""
        real = self.captured(len(fakes), number).to(self.device)
        self._optimiser.zero_grad()
        scores = self._module(torch.cat([real, fakes.detach()]))
        loss = discriminator_loss(*scores.float().split(len(fakes)))
        self._fabric.backward(loss)
        self._optimiser.step()
        return loss.detach()

    def captured(self, count: int, number: int) -> Tensor:
        """Captured poses (count, 23, 3, 3), neither mixed nor disturbed."""
        generator = Generator().manual_seed((self.seed << 32) + (3 << 30) + number)
        clips = torch.multinomial(self.clip_weights, count, replacement=True, generator=generator)
        first = torch.rand(count, generator=generator) * (self.mocap.lengths[clips] - 1)
        rotations, _ = self.mocap.window(clips, first, torch.ones(count), 1)
        return six_d_to_matrix(rotations[:, 0, 1:])

    def state_dict(self) -> dict[str, Any]:
        """What an exact resume needs."""
        return {"network": self._network.state_dict(), "optimiser": self._bare.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from :meth:`state_dict`."""
        self._network.load_state_dict(state["network"])
        self._bare.load_state_dict(state["optimiser"])
