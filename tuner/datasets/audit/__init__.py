"""What should be known about images and labels before anything is trained on them."""
