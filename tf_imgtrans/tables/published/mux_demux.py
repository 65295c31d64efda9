"""Mux/Demux: published numbers and statements, and which numbers can be compared with new measurements.

Rows are named as their generators; "ape" is Apple's photo enhancer, a commercial program.
"""

from tf_imgtrans.tables.statements import Statement, higher, lower

TITLES = {"input": "input", "tone_curve": "one tone curve", "ape": "APE", "srcnn": "SRCNN", "johnson": "Johnson",
          "resnet_12_64": "ResNet-12-64", "resnet_8_32": "ResNet-8-32", "dped": "DPED", "mux_demux": "ours, normal",
          "mux_demux_hp": "ours, high-performance"}

# PSNR in dB and what the paper calls SSIM. It is the MS-SSIM of DPED and of the challenge: public checkpoints have 0.92 in
# that form, and 0.78 in plain SSIM.
TABLE2 = {
    "ape": {"psnr": 17.28, "ms_ssim_dped": 0.8631},
    "srcnn": {"psnr": 19.27, "ms_ssim_dped": 0.8992},
    "johnson": {"psnr": 20.32, "ms_ssim_dped": 0.9161},
    "resnet_12_64": {"psnr": 22.43, "ms_ssim_dped": 0.9203},
    "resnet_8_32": {"psnr": 22.57, "ms_ssim_dped": 0.9163},
    "dped": {"psnr": 20.08, "ms_ssim_dped": 0.9201},
    "mux_demux": {"psnr": 22.98, "ms_ssim_dped": 0.9235},
    "mux_demux_hp": {"psnr": 22.73, "ms_ssim_dped": 0.9206},
}
# Why a published row of Table 2 cannot be compared; the other rows can.
TABLE2_MIXED = dict.fromkeys(
    ("ape", "srcnn", "johnson", "dped"),
    "the published row equals the DPED paper's table for the iPhone, another evaluation than that of the ResNet rows")

TABLE3 = {"srcnn": {"niqe": 6.55}, "resnet_12_64": {"niqe": 9.37}, "resnet_8_32": {"niqe": 7.61}, "dped": {"niqe": 6.82},
          "mux_demux": {"niqe": 6.00}, "mux_demux_hp": {"niqe": 5.90}}
TABLE3_UNKNOWN = ("the paper does not name the images; DPED and ResNet-12-64, whose public weights are the same, "
                  "have two published values")

# Milliseconds at 1280x720 on a processor that the paper does not name.
TABLE4 = {"srcnn": 2044, "resnet_12_64": 12539, "resnet_8_32": 3928, "dped": 16072, "mux_demux": 1148, "mux_demux_hp": 806}

TABLE5 = {
    "no_contextual": {"psnr": 22.44, "ms_ssim_dped": 0.9114, "niqe": 6.43},
    "no_adversarial": {"psnr": 22.64, "ms_ssim_dped": 0.9173, "niqe": 5.64},
    "no_l1": {"psnr": 21.79, "ms_ssim_dped": 0.9121, "niqe": 5.08},
    "no_color": {"psnr": 22.17, "ms_ssim_dped": 0.9166, "niqe": 6.07},
    "no_perceptual": {"psnr": 22.72, "ms_ssim_dped": 0.9158, "niqe": 5.32},
    "no_total_variation": {"psnr": 22.53, "ms_ssim_dped": 0.9171, "niqe": 6.13},
    "full": {"psnr": 22.98, "ms_ssim_dped": 0.9235, "niqe": 6.00},
    "no_noise": {"psnr": 22.84, "ms_ssim_dped": 0.9207, "niqe": 6.87},
}
# Table 5: what each row changes in the training of the normal network.
ABLATION = {
    "no_contextual": {"weight_contextual": 0.0}, "no_adversarial": {"weight_adversarial": 0.0}, "no_l1": {"weight_l1": 0.0},
    "no_color": {"weight_color": 0.0}, "no_perceptual": {"weight_perceptual": 0.0},
    "no_total_variation": {"weight_total_variation": 0.0}, "full": {}, "no_noise": {"noise": "off"},
}
TABLE5_TITLES = {
    "no_contextual": "no contextual loss", "no_adversarial": "no adversarial loss", "no_l1": "no L1 loss",
    "no_color": "no color loss", "no_perceptual": "no perceptual loss", "no_total_variation": "no total variation loss",
    "full": "full losses and noise", "no_noise": "no noise",
}


_OURS, _RIVALS = ("mux_demux", "mux_demux_hp"), ("srcnn", "johnson", "resnet_12_64", "resnet_8_32", "dped")


def _all_but(name):
  return [other for other in ABLATION if other != name]


def _trades(name):
  """Without a loss: a better (lower) NIQE, and a worse PSNR and MS-SSIM."""
  return lower("niqe", name, "full") + lower("psnr", name, "full") + lower("ms_ssim_dped", name, "full")


STATEMENTS = {
    # Sec. 5.1: "our method is the best in terms of both PSNR and SSIM in this experiment"; APE cannot be measured.
    "table2": [
        Statement(f"{TITLES[name]}: the best in terms of both PSNR and SSIM",
                  higher("psnr", name, *_RIVALS) + higher("ms_ssim_dped", name, *_RIVALS)) for name in _OURS],
    # Sec. 5.1: "our method could get the lowest NIQE values"; Johnson's network is not in the table.
    "table3": [
        Statement(f"{TITLES[name]}: the lowest NIQE values",
                  lower("niqe", name, *(rival for rival in _RIVALS if rival in TABLE3))) for name in _OURS],
    # Sec. 5.2
    "table5": [
        Statement("the highest PSNR with full losses", higher("psnr", "full", *_all_but("full"))),
        Statement("the highest SSIM with full losses", higher("ms_ssim_dped", "full", *_all_but("full"))),
        Statement("a worse NIQE without the contextual loss", higher("niqe", "no_contextual", "full")),
        Statement("the lowest PSNR without the L1 loss", lower("psnr", "no_l1", *_all_but("no_l1"))),
        Statement("without the adversarial loss a better NIQE and a worse distortion", _trades("no_adversarial")),
        Statement("without the L1 loss a better NIQE and a worse distortion", _trades("no_l1")),
        Statement("without the perceptual loss a better NIQE and a worse distortion", _trades("no_perceptual")),
        Statement("without noise a worse PSNR and SSIM",
                  lower("psnr", "no_noise", "full") + lower("ms_ssim_dped", "no_noise", "full")),
        Statement("without noise a worse NIQE", higher("niqe", "no_noise", "full")),
    ],
}

# Figure 8, track B of the challenge, as published; None where there is no time, or "out of memory" stands.
_FIGURE8_COLUMNS = ("psnr", "ms_ssim", "mos", "cpu_ms", "gpu_ms", "razer_phone_ms", "huawei_p20_ms", "ram_gb", *"ABC")
FIGURE8 = {team: dict(zip(_FIGURE8_COLUMNS, values)) for team, values in {
    "Mt.Phoenix": (21.99, 0.9125, 2.6804, 682, 64, 1472, 2187, 1.4, 14.72, 20.06, 19.11),
    "EdS": (21.66, 0.9048, 2.6523, 3241, 253, 5153, None, 2.3, 7.18, 12.94, 9.36),
    "BOE-SBG": (21.99, 0.9079, 2.6283, 1620, 111, 1802, 2321, 1.6, 10.39, 14.61, 12.62),
    "MENet": (22.22, 0.9086, 2.6108, 1465, 138, 2279, 3459, 1.8, 11.62, 14.77, 13.47),
    "Rainbow": (21.96, 0.9067, 2.5993, 608, 111, None, None, 1.6, 13.19, 16.31, 16.93),
    "KAIST-VICLAB": (21.56, 0.8948, 2.5123, 2153, 161, 3200, 4701, 2.3, 6.84, 9.84, 8.66),
    "SNPR": (22.03, 0.9042, 2.466, 1448, 81, 1987, 3061, 1.6, 9.86, 10.43, 11.06),
    "DPED-Baseline": (21.38, 0.9034, 2.4111, 20452, 1517, 37003, None, 3.7, 2.89, 4.9, 3.32),
    "Geometry": (21.79, 0.9068, 2.4324, 833, 83, 1209, 1843, 1.6, 12.0, 12.69, 14.05),
    "IV SR+": (21.6, 0.8957, 2.4309, 1375, 125, 1812, 2508, 1.6, 8.13, 9.26, 10.05),
    "SRCNN-Baseline": (21.31, 0.8929, 2.296, 3274, 204, 6890, 11593, 2.6, 3.22, 2.29, 3.49),
    "TEAM_ALEX": (21.87, 0.9036, 2.1196, 781, 70, 962, 1436, 1.6, 10.21, 3.82, 10.81),
}.items()}
FIGURE8_OURS = "BOE-SBG"  # the paper's team
# Sec. 5.3: "We achieved the third place according to MOS scores. And the 4th, 4th and 5th places according to scoreA,
# scoreB and scoreC"; by the published scores of Figure 8 it is the 5th by score A.
FIGURE8_PLACES = {"mos": 3, "A": 4, "B": 4, "C": 5}


def places(rows, column):
  """The place of each row by a column, the highest first: dict of key to int.

  Args:
    rows: dict of key to dict of column to value.
    column: str.
  """
  values = [row[column] for row in rows.values()]
  return {key: 1 + sum(other > row[column] for other in values) for key, row in rows.items()}


# Rows whose published values contradict the formula that all others follow: apparently misprints.
FIGURE8_MISPRINTS = {
    "Rainbow": "the scores fit PSNR 21.85, MOS 2.558 and 830 ms, not the published ones",
    "DPED-Baseline": "the scores fit MOS 2.441, which also keeps the table sorted, not the published 2.4111",
    "Geometry": "the formula gives 12.58 and 14.95 for the published B 12.69 and C 14.05",
}
