"""Images, shapes, configurations, seeds and files: what every package uses, without anything of a single paper."""
