"""A plain PyTorch loop: tqdm on the terminal, metrics as JSON lines in metrics.jsonl. Fits sin(x) in a few seconds of one core."""
import argparse
import json

import torch

try:
    from tqdm import trange
except ImportError:  # the bar is for people; the numbers are in the file
    trange = range

options = argparse.ArgumentParser()
options.add_argument("--epochs", type=int, default=200)
options.add_argument("--rate", type=float, default=0.01)
options = options.parse_args()

torch.manual_seed(0)
torch.set_num_threads(1)
x = torch.linspace(-3, 3, 400)[:, None]
y = torch.sin(2 * x) + 0.05 * torch.randn_like(x)
train, validation = (x[::2], y[::2]), (x[1::2], y[1::2])
net = torch.nn.Sequential(torch.nn.Linear(1, 64), torch.nn.Tanh(), torch.nn.Linear(64, 64), torch.nn.Tanh(), torch.nn.Linear(64, 1))
optimizer = torch.optim.Adam(net.parameters(), options.rate)


def loss_of(inputs, targets):
    return torch.nn.functional.mse_loss(net(inputs), targets)


with open("metrics.jsonl", "a", buffering=1) as metrics:
    bar = trange(1, options.epochs + 1)
    for epoch in bar:
        for batch in torch.randperm(len(train[0])).split(50):
            optimizer.zero_grad()
            loss = loss_of(train[0][batch], train[1][batch])
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            values = {"train_loss": loss_of(*train).item(), "val_loss": loss_of(*validation).item()}
        metrics.write(json.dumps({"epoch": epoch, "epochs": options.epochs, "lr": options.rate, **values}) + "\n")
        if hasattr(bar, "set_postfix"):
            bar.set_postfix(values)
torch.save(net.state_dict(), "net.pt")
