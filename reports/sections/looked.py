"""Where the saved model looks."""

from reports import figures
from reports.facts.summary import RunSummary
from reports.markdown import join

LEFT_OUT = "This was left out: the time was up, the run was interrupted, or it failed (`logs/` says how)."


def render(summary: RunSummary) -> str:
    """Some test images with the places that the model's answer depends on, and how to read them."""
    figure = figures.place("looked", summary)
    if summary.unlooked:
        return join(["## Where the model looks", LEFT_OUT])
    if not figure:
        return ""
    how = (
        "The redder a place, the less sure the saved model is of its answer, which stands above the "
        "image, when a patch of a quarter of the side around it is covered with the average training "
        "image. Below stand its confidence in that answer, and what is left of it with the worst place "
        "covered. Red on what makes the class is as it should be; red on the background or a border says "
        "that the model goes by something else. Where little is lost whatever is covered, the model goes "
        "by many places at once."
    )
    source = "*Occlusion: [Zeiler and Fergus 2014](https://doi.org/10.1007/978-3-319-10590-1_53).*"
    return join(["## Where the model looks", how, figure, source])
