"""Feature-pyramid PAN: published numbers and statements. Figures 2, 4 and 5 are images without numbers."""

from tf_imgtrans.tables.statements import Statement, higher

TITLES = {
    "input": "input", "without_conditional": "without conditioning", "without_low": "without Eq. 7",
    "without_high": "without Eq. 6", "full": "completed model", "cnn_objective": "CNN", "pix2pix_objective": "pix2pix",
    "context_encoder_objective": "Context-Encoder", "crn": "CRN",
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
    "without_high": {"psnr": 20.34, "ssim": 0.8279},
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
    ],
    "table2": [
        Statement("PSNR: the completed model has more than the one without the high-frequency pyramid",
                  higher("psnr", "full", "without_high")),
        Statement("PSNR: without the high-frequency pyramid more than without the low-frequency one",
                  higher("psnr", "without_high", "without_low")),
        Statement("PSNR: the completed model has more than bicubic enlargement", higher("psnr", "full", "input")),
    ],
}
