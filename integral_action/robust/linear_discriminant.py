import torch
import torch.nn.functional as F
from mmengine.dist import all_gather
from torch import Tensor, nn


class LinearDiscriminant(nn.Module):
    r"""Linear discriminant analysis, in closed form from running statistics.

    .. math::
        \log p(x|y) = \mu_y^T S^{-1} x - \tfrac{1}{2} \mu_y^T S^{-1} \mu_y
        + const, \quad
        S = (1 - \alpha) \Sigma + \alpha \frac{tr \Sigma}{C} I

    :math:`\mu_y` is a class's mean, :math:`\Sigma` the covariance within
    classes, shared by all, and :math:`\alpha` its shrinkage (Friedman,
    Regularized Discriminant Analysis, 1989). Nothing is learned by gradient:
    :meth:`update` takes a batch into the statistics. Features are brought to
    :math:`sign(x) \sqrt{|x|}` of unit length first (Perronnin et al.,
    Improving the Fisher Kernel, 2010, section 3), which are nearer to
    Gaussian.

    Args:
        in_channels: C.
        num_classes: of the data set.
        shrinkage: alpha, above 0, up to 1.

    Raises:
        ValueError: a shrinkage out of range.

    Example:
        >>> classifier = LinearDiscriminant(2, num_classes=2)
        >>> x = torch.tensor([[1.0, 0], [2, 1], [0, 1], [1, 2]])
        >>> classifier.update(x, torch.tensor([0, 0, 1, 1]))
        >>> classifier(torch.tensor([[3.0, 0], [0, 3]])).argmax(1)
        tensor([0, 1])
    """

    def __init__(
        self, in_channels: int, num_classes: int, shrinkage: float = 0.3
    ) -> None:
        super().__init__()
        if not 0 < shrinkage <= 1:
            raise ValueError(
                f'shrinkage must be above 0, up to 1, got {shrinkage}'
            )
        self.shrinkage = shrinkage
        self.register_buffer('count', torch.zeros(num_classes))
        self.register_buffer('mean', torch.zeros(num_classes, in_channels))
        self.register_buffer(
            'covariance', torch.zeros(in_channels, in_channels)
        )
        # of the statistics, which alone a checkpoint carries
        self.register_buffer('weight', self.mean.clone(), persistent=False)
        self.register_buffer('bias', self.count.clone(), persistent=False)
        self._solved = True

    @torch.no_grad()
    def update(self, x: Tensor, labels: Tensor) -> None:
        """Take a batch into the statistics, of all processes alike.

        By the pairwise update of Chan, Golub and LeVeque (1979), which does
        not lose digits however many batches there are.

        Args:
            x: [N, C]; N the same in all processes.
            labels: [N].
        """
        with torch.autocast(x.device.type, enabled=False):
            self._update(
                torch.cat(all_gather(normalise_power(x))),
                torch.cat(all_gather(labels)),
            )
        self._solved = False

    def _update(self, x: Tensor, labels: Tensor) -> None:
        members = F.one_hot(labels, len(self.count)).to(x)  # [N, classes]
        number = members.sum(0)
        mean = members.T @ x / number.clamp(min=1)[:, None]
        within = x - mean[labels]
        count = self.count + number
        shift = mean - self.mean
        between = self.count * number / count.clamp(min=1)  # 0 if either is
        scatter = within.T @ within + (shift.T * between) @ shift
        total = count.sum()
        self.covariance += (scatter - len(x) * self.covariance) / total
        self.mean += shift * (number / count.clamp(min=1))[:, None]
        self.count.copy_(count)

    @torch.no_grad()
    def solve(self) -> None:
        """Bring ``weight`` and ``bias`` up to date with the statistics."""
        if self._solved:
            return
        mean, covariance = self.mean.double(), self.covariance.double()
        spread = covariance.diagonal().mean()
        shrunk = (1 - self.shrinkage) * covariance
        # one video a class has no covariance; its mean is all there is
        floor = self.shrinkage * spread if spread > 0 else spread.new_ones(())
        shrunk.diagonal().add_(floor)
        weight = torch.linalg.solve(shrunk, mean.T).T
        bias = -(weight * mean).sum(1) / 2
        # a class that was never seen is not to be found
        if self.count.any():
            bias = bias.masked_fill(self.count == 0, -torch.inf)
        self.weight.copy_(weight)
        self.bias.copy_(bias)
        self._solved = True

    def _load_from_state_dict(self, *args, **kwargs) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._solved = False
        self.train(self.training)

    def train(self, mode: bool = True) -> 'LinearDiscriminant':
        """Set the mode; solved before predictions, which may be recorded."""
        if not mode:
            self.solve()
        return super().train(mode)

    def forward(self, x: Tensor) -> Tensor:
        """log p(x|y) less what all classes share, [N, C] -> [N, classes]."""
        self.solve()
        # a model in half precision has halved its buffers, too
        weight, bias = self.weight.float(), self.bias.float()
        with torch.autocast(x.device.type, enabled=False):
            return F.linear(normalise_power(x), weight, bias)


def normalise_power(x: Tensor) -> Tensor:
    """sign(x) sqrt|x|, of unit length: [N, C] -> [N, C], float32."""
    x = x.float()
    return F.normalize(x.sign() * x.abs().sqrt(), dim=-1)
