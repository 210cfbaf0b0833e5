"""The contender torch: a training loop by hand, with the fused Adam."""

from itertools import pairwise

import torch
from torch import nn

from peers.contenders import Fitted
from peers.job import ADAM_EPSILON, IMAGE_SIDE, KERNEL_SIZE


def fit(X, job, clock):
    """Train a network, the rows shuffled in each epoch."""
    torch.manual_seed(job.seed)
    network = make_network(job)
    optimizer = torch.optim.Adam(
        network.parameters(), lr=job.step_size, eps=ADAM_EPSILON, fused=True
    )
    loss_of = nn.BCEWithLogitsLoss() if job.is_logistic else nn.MSELoss()
    data = torch.from_numpy(X)
    for _ in range(job.n_epochs):
        for rows in torch.randperm(len(data)).split(job.batch_size):
            batch = data[rows].float()
            optimizer.zero_grad()
            loss_of(network(batch), batch).backward()
            optimizer.step()
        clock.tick()

    def reconstruct(rows):
        with torch.inference_mode():
            return job.output(network(torch.from_numpy(rows).float()).numpy())

    return Fitted(reconstruct, sum(weight.numel() for weight in network.parameters()))


def make_network(job):
    """Make the network of a job, whose output comes before the logistic function."""
    network = nn.Sequential(*(_convolutions(job) if job.filters else _dense(job)))
    for layer in network:
        if hasattr(layer, "weight"):  # initial weights as Keras and scikit-learn draw them
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return network


def _dense(job):
    layers = [(nn.Linear(*widths), nn.ReLU()) for widths in pairwise(job.widths)]
    return [part for layer in layers for part in layer][:-1]


def _convolutions(job):
    options = {"kernel_size": KERNEL_SIZE, "stride": 2, "padding": KERNEL_SIZE // 2}
    channels = list(pairwise((1, *job.filters)))
    yield nn.Unflatten(1, (1, IMAGE_SIDE, IMAGE_SIDE))
    for inputs, outputs in channels:
        yield nn.Conv2d(inputs, outputs, **options)
        yield nn.ReLU()
    for outputs, inputs in reversed(channels):
        yield nn.ConvTranspose2d(inputs, outputs, output_padding=1, **options)
        yield nn.ReLU() if outputs > 1 else nn.Flatten()
