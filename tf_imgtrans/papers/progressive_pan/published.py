"""The published results of the paper. Figures 4, 6 to 11 are images; Figures 1 and 5b are curves without numbers."""

TITLES = {
    "bicubic": "Bicubic", "esrgan": "ESRGAN", "carn": "CARN", "rcan": "RCAN", "full": "PAN", "l1": "L1 loss",
    "l2": "L2 loss", "non_progressive": "non-progressive", "non_noise": "non-noise",
}
# x4 on the first 5000 images of CelebA-HQ, 128 -> 512; SWD x1000 of the levels 512 and 256.
TABLE1 = {
    "bicubic": {"psnr": 30.79, "ssim": 0.84, "niqe": 15.95, "fid": 76.53, "swd_fine": 98.31, "swd_half": 42.75},
    "esrgan": {"psnr": 25.04, "ssim": 0.65, "niqe": 7.50, "fid": 8.03, "swd_fine": 40.15, "swd_half": 34.08},
    "carn": {"psnr": 31.54, "ssim": 0.86, "niqe": 14.73, "fid": 27.31, "swd_fine": 133.39, "swd_half": 37.23},
    "rcan": {"psnr": 31.33, "ssim": 0.86, "niqe": 14.31, "fid": 20.47, "swd_fine": 135.68, "swd_half": 38.01},
    "full": {"psnr": 26.81, "ssim": 0.73, "niqe": 9.71, "fid": 5.16, "swd_fine": 33.51, "swd_half": 28.35},
}
# x8, 128 -> 1024; SWD x1000 of the levels 1024 and 512.
TABLE2 = {
    "l1": {"psnr": 28.53, "ssim": 0.76, "niqe": 14.76, "fid": 88.28, "swd_fine": 111.33, "swd_half": 73.94},
    "l2": {"psnr": 28.19, "ssim": 0.77, "niqe": 14.91, "fid": 89.17, "swd_fine": 134.48, "swd_half": 77.98},
    "non_progressive": {"psnr": 24.17, "ssim": 0.59, "niqe": 10.34, "fid": 8.66, "swd_fine": 187.37, "swd_half": 36.77},
    "non_noise": {"psnr": 25.29, "ssim": 0.66, "niqe": 12.02, "fid": 5.01, "swd_fine": 36.08, "swd_half": 29.97},
    "full": {"psnr": 25.88, "ssim": 0.65, "niqe": 10.07, "fid": 5.24, "swd_fine": 82.78, "swd_half": 31.75},
}
DIMENSIONS = (1, 2, 3, 10, 100, 1000, 10000, 100000)  # of Figure 1, whose axis is logarithmic and has no ticks to read
POINTS = 500  # caption of Figure 1
