"""A Lightning module with a CSVLogger. Fits sin(x) in some ten seconds of one core."""
import argparse

import lightning
import torch
from lightning.pytorch.loggers import CSVLogger

options = argparse.ArgumentParser()
options.add_argument("--epochs", type=int, default=20)
options = options.parse_args()


class Fit(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Linear(1, 64), torch.nn.Tanh(), torch.nn.Linear(64, 1))

    def loss(self, batch):
        x, y = batch
        return torch.nn.functional.mse_loss(self.net(x), y)

    def training_step(self, batch, index):
        loss = self.loss(batch)
        self.log("train_loss", loss, prog_bar=True, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch, index):
        self.log("val_loss", self.loss(batch), prog_bar=True)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 0.01)


torch.manual_seed(0)
torch.set_num_threads(1)
x = torch.linspace(-3, 3, 400)[:, None]
data = torch.utils.data.TensorDataset(x, torch.sin(2 * x))
loader = torch.utils.data.DataLoader(data, batch_size=50)
trainer = lightning.Trainer(max_epochs=options.epochs, logger=CSVLogger("."), log_every_n_steps=1, accelerator="cpu", enable_model_summary=False)
trainer.fit(Fit(), loader, loader)
