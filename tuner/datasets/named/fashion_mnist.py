"""Fashion-MNIST (H. Xiao, K. Rasul, R. Vollgraf, arXiv 1708.07747): the formats of MNIST."""

from tuner.datasets.named.mnist import FASHION as SOURCE

__all__ = ["SOURCE"]
