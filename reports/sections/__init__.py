"""One file a section of the report: `render(summary) -> str`, Markdown, empty if there is nothing to say."""
