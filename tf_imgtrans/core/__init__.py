"""Images, shapes, configurations, seeds and files: what every room uses, and no paper's name."""
