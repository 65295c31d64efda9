"""pix2pix, and `cnn`: pix2pix without its discriminator."""
