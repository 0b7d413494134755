"""Search spaces and the models built from them: one file a model family."""

SEARCH_SPACES: dict[str, str] = {
    "cnn": "search_spaces.cnn:FAMILY",
    "cnn-full": "search_spaces.cnn_full:FAMILY",
    "cnn-small": "search_spaces.cnn_small:FAMILY",
    "mlp": "search_spaces.mlp:FAMILY",
    "pretrained": "search_spaces.pretrained:FAMILY",
    "resnet": "search_spaces.resnet:FAMILY",
    "transfer": "search_spaces.transfer:FAMILY",
}
"""name -> "module:ATTRIBUTE" of its `Family`; strings, so that listing them imports nothing."""
