"""Image quality metrics: one per file, each opening with its card (definition, range, protocol, comparability).

A metric takes float [N, H, W, 3] RGB images in [0, 1] and gives float64 [N], one value per image; it needs NumPy,
SciPy and OpenCV only. The challenge's scores take the means of such values instead of images, and the segmentation scores
take maps of classes, all frames at once. Metrics of sets (fid, feature_distance, sliced_wasserstein) take two sets of
pictures, as arrays or one picture at a time, and give a dict; the networks of the first two need Keras.
"""

from lazy_loader import attach as _attach

__getattr__, __dir__, __all__ = _attach(
    __name__,
    submodules=["registry", "feature_extractors"],
    submod_attrs={
        "peak_signal_to_noise": ["psnr"],
        "structural_similarity": ["ssim"],
        "multiscale_structural_similarity": ["ms_ssim"],
        "natural_image_quality": ["niqe"],
        "challenge_score": ["pirm_score", "pirm_validation_score"],
        "frechet_inception": ["feature_distance", "fid", "frechet_distance"],
        "sliced_wasserstein_distance": ["sliced_wasserstein"],
        "segmentation": ["confusion_matrix", "segmentation_scores"],
    },
)
