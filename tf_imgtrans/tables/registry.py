"""The tables and figures that can be measured; importing this module imports none of them."""

# paper -> (summary, {table or figure: ("module:function", summary)}), modules of this package
PAPERS = {
    "mux_demux": ("Mux/Demux photo enhancement.", {
        "table2": ("mux_demux:table2", "PSNR and SSIM on DPED's test patches."),
        "table3": ("mux_demux:table3", "NIQE on full photographs."),
        "table4": ("mux_demux:table4", "Running time at 1280x720."),
        "table5": ("mux_demux:table5", "Ablation of losses and noise."),
        "score": ("challenge:score", "Score of the PIRM 2018 challenge on smartphones (Figure 8)."),
    }),
    "x_gans": ("X-GANs reconstruction.", {
        "table1": ("x_gans:table1", "Blocks in the middle of faces."),
        "figure10": ("x_gans:figure10", "Reconstruction from 1 to 20 % of the pixels."),
        "figure11": ("x_gans:figure11", "Reconstruction from colour noise."),
        "figure12": ("x_gans:figure12", "The corresponding point loss."),
        "compression": ("compression:compression", "Bits per pixel against PSNR, beside JPEG and WebP."),
    }),
    "feature_pyramid_pan": ("Translation with a feature pyramid.", {
        "table1": ("feature_pyramid_pan:table1", "FCN scores of labels to photo, ablation."),
        "table2": ("feature_pyramid_pan:table2", "x4 super-resolution, ablation."),
        "figure2": ("feature_pyramid_pan:figure2", "Labels to photo by the variants."),
        "figure4": ("feature_pyramid_pan:figure4", "Inpainting, beside other objectives."),
        "figure5": ("feature_pyramid_pan:figure5", "Labels to photo, beside other methods."),
        "figure7": ("feature_pyramid_pan:figure7", "x4 super-resolution, beside DRRN."),
        "figure9": ("feature_pyramid_pan:figure9", "Rain or snow taken out."),
    }),
    "progressive_pan": ("Progressive super-resolution.", {
        "table1": ("progressive_pan:table1", "x4 super-resolution, beside other methods."),
        "table2": ("progressive_pan:table2", "Super-resolution, ablation."),
        "figure1": ("progressive_pan:figure1", "The curse of dimensionality."),
        "figure5": ("progressive_pan:figure5", "PAN and RCAN at x2, x4 and x8."),
        "figure9": ("progressive_pan:figure9", "Fewer and fewer skip connections."),
        "figure10": ("progressive_pan:figure10", "x4 super-resolution of cats."),
        "figure11": ("progressive_pan:figure11", "x4 super-resolution of degraded inputs."),
    }),
}
