"""Networks whose weights were learnt on ImageNet: where the weights are, and how they become a model."""
