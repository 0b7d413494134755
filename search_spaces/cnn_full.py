"""The CNN of `cnn` with every parameter open, and each kind of augmentation by its own dial."""

from dataclasses import replace

from search_spaces import cnn
from search_spaces.family import Family, Task
from search_spaces.space import Float, Parameter, SearchSpace
from search_spaces.training import recipe


def space(task: Task) -> SearchSpace:
    """All parameters of `cnn` searched, but for the common dial of augmentation, which stays at 1.

    The default is the one of `cnn`: the strength that the data set names has moved into the dials.
    Flips are searched only where mirrored images keep their class.
    """
    parameters = cnn.parameters(task)
    strength = float(parameters["augmentation"].default)
    opened: dict[str, Parameter] = {}
    for name, parameter in parameters.items():
        if name == "augmentation":
            assert isinstance(parameter, Float)
            opened[name] = replace(parameter, default=1.0, searched=False)
        elif name in {"rotation", "shift", "zoom", "contrast", "brightness"}:
            assert isinstance(parameter, Float)
            default = parameter.clamp(float(parameter.default) * strength)
            opened[name] = replace(parameter, default=default, searched=True)
        elif name == "flip":
            opened[name] = replace(parameter, searched=task.flips)
        else:
            opened[name] = replace(parameter, searched=True)
    return SearchSpace("cnn-full", opened, cnn.cost_for(task))


FAMILY = Family(
    name="cnn-full",
    summary="the same with all parameters open and a dial for each kind of augmentation",
    space=space,
    build=cnn.build,
    recipe=recipe,
)
