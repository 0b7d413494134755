"""A CNN that trains in seconds on a CPU: for a first look, for small images, for tests."""

from dataclasses import replace

from search_spaces import cnn
from search_spaces.family import Family, Task
from search_spaces.space import Float, Int, SearchSpace
from search_spaces.training import recipe


def space(task: Task) -> SearchSpace:
    """As `cnn`, with 8 to 24 filters, one convolution a block also on a GPU, and a head of 128 units."""
    parameters = cnn.parameters(task)
    dense_units, convolutions = parameters["dense_units"], parameters["convs_per_block"]
    assert isinstance(dense_units, Int)
    assert isinstance(convolutions, Int)
    parameters["filters"] = Int(
        8, 24, 16, log=True, minimum=1, maximum=1024, summary=parameters["filters"].summary
    )
    parameters["dense_units"] = replace(dense_units, default=128)
    parameters["convs_per_block"] = replace(convolutions, default=1)
    for name in ("conv_dropout", "cutout"):
        parameter = parameters[name]
        assert isinstance(parameter, Float)
        parameters[name] = replace(parameter, searched=False)
    return SearchSpace("cnn-small", parameters, cnn.cost_for(task))


FAMILY = Family(
    name="cnn-small",
    summary="CNN of 8-24 filters, for minutes on a CPU",
    space=space,
    build=cnn.build,
    recipe=recipe,
)
