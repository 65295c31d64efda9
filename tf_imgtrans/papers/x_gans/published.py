"""The published results of the X-GANs paper. Figures 10 to 12 are curves without numbers; what the text states about them
is in STATEMENTS.

Rows are named (corruption)_(method).
"""

TITLES = {"input": "corrupted input", "classical": "without learning", "on_demand": "Gao and Grauman", "x_gans": "X-GANs"}

# 128x128 blocks in the middle of 256x256 faces of CelebA: PSNR in dB, and SSIM.
TABLE1 = {
    "white_block_on_demand": {"psnr": 21.88, "ssim": 0.68},
    "white_block_x_gans": {"psnr": 24.99, "ssim": 0.85},
    "color_blocks_on_demand": {"psnr": 21.83, "ssim": 0.67},
    "color_blocks_x_gans": {"psnr": 23.16, "ssim": 0.82},
}
POINT_SHARES = (0.01, 0.02, 0.04, 0.06, 0.08, 0.10, 0.15, 0.20)  # Fig. 4 and 10
NOISE_SHARES = (0.05, 0.10, 0.15)  # valid pixels, Fig. 5 and 11: noise of 95, 90 and 85 %
