"""Rotations, cameras, alignment: pure functions of torch tensors, batch dimensions first."""
