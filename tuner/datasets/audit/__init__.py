"""The audit: facts about images and labels that matter before anything is trained on them."""
