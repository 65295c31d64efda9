"""Feature-pyramid PAN: published numbers and statements.

The figures are images without numbers: what the text says of them by eye is measured here by SSIM, and by how much fine
detail there is (`metrics.sharpness`).
"""

from tf_imgtrans.tables.statements import Statement, higher, lower

TITLES = {
    "input": "input", "target": "photographs themselves", "without_conditional": "without conditioning",
    "without_low": "without Eq. 7", "without_high": "without Eq. 6", "without_high_pyramid": "without Eq. 6 and 8",
    "full": "completed model", "full_upsampled": "completed model, u(p_k)", "cnn_objective": "CNN (L1 alone)",
    "pix2pix_objective": "pix2pix", "context_encoder_objective": "Context-Encoder", "crn": "CRN", "drrn": "DRRN",
    "class_colors": "mean colour of each class", "inpainted": "Telea's inpainting", "median": "median of 3x3",
}
# FCN scores on Cityscapes, labels to photo.
TABLE1 = {
    "without_conditional": {"pixel_accuracy": 0.42, "class_accuracy": 0.10, "class_iou": 0.07},
    "without_low": {"pixel_accuracy": 0.71, "class_accuracy": 0.25, "class_iou": 0.18},
    "without_high": {"pixel_accuracy": 0.45, "class_accuracy": 0.15, "class_iou": 0.11},
    "full": {"pixel_accuracy": 0.74, "class_accuracy": 0.26, "class_iou": 0.19},
}
# x4 super-resolution on COCO.
TABLE2 = {
    "without_high_pyramid": {"psnr": 20.34, "ssim": 0.8279},
    "without_low": {"psnr": 19.82, "ssim": 0.8097},
    "full": {"psnr": 23.85, "ssim": 0.8563},
}
STATEMENTS = {
    "table1": [
        Statement("class IoU: the completed model has at least that of the one without Eq. 7",
                  higher("class_iou", "full", "without_low", equal=True)),
        Statement("class IoU: without Eq. 7 more than without Eq. 6", higher("class_iou", "without_low", "without_high")),
        Statement("class IoU: without Eq. 6 more than without conditioning",
                  higher("class_iou", "without_high", "without_conditional")),
        Statement("Sec. 3.3: the completed model has a higher class IoU than the CNN",
                  higher("class_iou", "full", "cnn_objective")),
        Statement("ours: the CNN has a higher class IoU than the mean colour of each class",
                  higher("class_iou", "cnn_objective", "class_colors")),
    ],
    "table2": [
        Statement("PSNR: the completed model has more than the one without the high-frequency pyramid",
                  higher("psnr", "full", "without_high_pyramid")),
        Statement("PSNR: without the high-frequency pyramid more than without the low-frequency one",
                  higher("psnr", "without_high_pyramid", "without_low")),
        Statement("SSIM: the completed model has the highest of the three",
                  higher("ssim", "full", "without_high_pyramid", "without_low")),
        Statement("the low-frequency pyramid alone is blurrier than bicubic enlargement",
                  lower("sharpness", "without_high_pyramid", "input")),
        Statement("the high-frequency pyramid alone is sharper than the low-frequency one alone",
                  higher("sharpness", "without_low", "without_high_pyramid")),
        Statement("ours: the completed model has a higher PSNR than bicubic enlargement", higher("psnr", "full", "input")),
        Statement("ours: the CNN has a higher PSNR than bicubic enlargement, so that it was trained for long enough",
                  higher("psnr", "cnn_objective", "input")),
    ],
    "figure4": [
        Statement("Context-Encoder and pix2pix are inferior to the completed model, by SSIM",
                  higher("ssim", "full", "context_encoder_objective", "pix2pix_objective")),
        Statement("Context-Encoder is blurrier than the completed model",
                  lower("sharpness", "context_encoder_objective", "full")),
        Statement("the low-frequency pyramid alone lacks fine detail: it is blurrier than the completed model",
                  lower("sharpness", "without_high_pyramid", "full")),
        Statement("ours: the completed model has a higher PSNR than Telea's inpainting",
                  higher("psnr", "full", "inpainted")),
    ],
    "figure5": [
        Statement("pix2pix is sharper than the CNN", higher("sharpness", "pix2pix_objective", "cnn_objective")),
        Statement("CNN, pix2pix and CRN are inferior to the completed model, by SSIM",
                  higher("ssim", "full", "cnn_objective", "pix2pix_objective", "crn")),
        Statement("ours: the completed model has a higher SSIM than the mean colour of each class",
                  higher("ssim", "full", "class_colors")),
    ],
    "figure7": [
        Statement("DRRN has a higher PSNR than the completed model", higher("psnr", "drrn", "full")),
    ],
    "figure9": [
        Statement("ours: the completed model has a higher PSNR than what it was given", higher("psnr", "full", "input")),
        Statement("ours: the completed model has a higher PSNR than the median of 3x3", higher("psnr", "full", "median")),
    ],
}
