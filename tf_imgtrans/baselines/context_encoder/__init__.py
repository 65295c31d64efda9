"""The context encoder, which fills the middle of an image."""
