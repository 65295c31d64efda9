"""Statements of the papers, each on made-up results whose verdict is known."""

import dataclasses
import math

import pytest
from reproduce import results

from tf_imgtrans.tables import claims
from tf_imgtrans.tables.published import feature_pyramid_pan, mux_demux, progressive_pan, x_gans
from tf_imgtrans.tables.published.progressive_pan import Key as SuperKey
from tf_imgtrans.tables.published.x_gans import Key
from tf_imgtrans.tables.statements import (
    CONTRADICTED,
    HOLDS,
    UNDECIDED,
    UNMEASURED,
    Claim,
    Mean,
    Ratio,
    Statement,
    check,
    higher,
    higher_mean,
    lower,
    value,
)


def curve(corruption, method, start, step=1.0, shares=x_gans.POINT_SHARES, loss="", data="", **columns):
  return {Key(corruption, method, share, loss, data): {"psnr": start + step * place, **columns}
          for place, share in enumerate(shares)}


def at(share, corruption="random_points", method="x_gans", loss="", data=""):
  return Key(corruption, method, share, loss, data)


def enlarged(**methods):
  """Rows of super-resolution: PSNR, Fréchet distance and SWD by method."""
  return {SuperKey(name): dict(zip(("psnr", "frechet", "swd_fine"), values)) for name, values in methods.items()}


# Rows in which every statement of the table is true.
POINTS = {**curve("random_points", "on_demand", 14), **curve("random_points", "x_gans", 15, jpeg_psnr=14.0),
          **curve("edge_points", "x_gans", 16), **curve("random_points", "classical", 13),
          **curve("edge_points", "classical", 12)}
TRUE = {
    "mux_demux/table2": {name: {"psnr": psnr, "ms_ssim_dped": psnr / 25} for name, psnr in (
        ("srcnn", 19.0), ("johnson", 20.0), ("resnet_12_64", 21.0), ("resnet_8_32", 22.0), ("dped", 20.0),
        ("mux_demux", 24.0), ("mux_demux_hp", 23.0))},
    "mux_demux/table3": {name: {"niqe": niqe} for name, niqe in (
        ("srcnn", 6.0), ("resnet_12_64", 9.0), ("resnet_8_32", 7.0), ("dped", 8.0), ("mux_demux", 5.0),
        ("mux_demux_hp", 4.0))},
    "mux_demux/table5": {
        name: {"psnr": psnr, "ms_ssim_dped": ms_ssim, "niqe": niqe} for name, psnr, ms_ssim, niqe in (
            ("full", 23.0, 0.93, 6.0), ("no_contextual", 22.0, 0.91, 7.0), ("no_adversarial", 22.0, 0.91, 5.0),
            ("no_l1", 21.0, 0.91, 5.0), ("no_color", 22.0, 0.91, 6.0), ("no_perceptual", 22.0, 0.91, 5.0),
            ("no_total_variation", 22.0, 0.91, 6.0), ("no_noise", 22.0, 0.91, 7.0))},
    "x_gans/table1": {Key(block, method): {"psnr": value, "ssim": value / 100} for block in ("white_block", "color_blocks")
                      for method, value in (("on_demand", 20.0), ("x_gans", 21.0))},
    "x_gans/figure10": {**POINTS, **curve("random_points", "x_gans", 14.5, data="scenes")},
    "x_gans/figure11": {**curve("color_noise", "x_gans", 15, 1, x_gans.NOISE_SHARES),
                        **curve("color_noise", "on_demand", 14, 1, x_gans.NOISE_SHARES),
                        **curve("color_noise", "x_gans", 13, 1, x_gans.NOISE_SHARES, data="scenes"),
                        **curve("color_noise", "on_demand", 12, 1, x_gans.NOISE_SHARES, data="scenes")},
    "x_gans/figure12": {**curve("random_points", "x_gans", 16, loss="l2"),
                        **curve("random_points", "x_gans", 15, loss="l1"),
                        **curve("random_points", "x_gans", 14, loss="none")},
    "x_gans/compression": POINTS,
    "feature_pyramid_pan/table1": {name: {"class_iou": value} for name, value in (
        ("full", 0.4), ("without_low", 0.3), ("without_high", 0.2), ("without_conditional", 0.1), ("cnn_objective", 0.25),
        ("class_colors", 0.05))},
    "feature_pyramid_pan/table2": {
        name: {"psnr": psnr, "ssim": psnr / 30, "sharpness": sharpness} for name, psnr, sharpness in (
            ("full", 24.0, 1.0), ("without_high_pyramid", 22.0, 0.3), ("without_low", 21.0, 1.2), ("input", 23.0, 0.4),
            ("cnn_objective", 25.0, 0.6))},
    "feature_pyramid_pan/figure4": {name: {"psnr": 20.0 + ssim, "ssim": ssim, "sharpness": sharpness}
                                    for name, ssim, sharpness in (
        ("full", 0.8, 0.9), ("context_encoder_objective", 0.7, 0.5), ("pix2pix_objective", 0.6, 1.3),
        ("without_high_pyramid", 0.75, 0.6), ("inpainted", 0.5, 0.4))},
    "feature_pyramid_pan/figure5": {name: {"ssim": ssim, "sharpness": sharpness} for name, ssim, sharpness in (
        ("full", 0.8, 0.9), ("cnn_objective", 0.7, 0.5), ("pix2pix_objective", 0.6, 1.3), ("crn", 0.75, 0.6),
        ("class_colors", 0.5, 0.1))},
    "feature_pyramid_pan/figure7": {"drrn": {"psnr": 25.0}, "full": {"psnr": 24.0}},
    "feature_pyramid_pan/figure9": {"full": {"psnr": 25.0}, "input": {"psnr": 24.0}, "median": {"psnr": 24.5}},
    "progressive_pan/table1": enlarged(bicubic=(30, 50, 90), esrgan=(25, 10, 40), carn=(32, 20, 60), rcan=(31, 20, 60),
                                       full=(26, 5, 30)),
    "progressive_pan/table2": enlarged(bicubic=(27, 90, 90), l1=(28, 80, 80), l2=(28, 80, 80),
                                       non_progressive=(24, 20, 60), non_noise=(25, 4, 20), full=(25, 5, 30)),
    "progressive_pan/figure1": {f"dimensions_{number}": {"mean": 5.0 / number, "deviation": 9.0 / number}
                                for number in progressive_pan.DIMENSIONS[1:]},
    "progressive_pan/figure9": {SuperKey("full", skips=number): {"psnr": 20.0 + number} for number in (2, 1, 0)},
    "progressive_pan/figure10": enlarged(bicubic=(30, 50, 90), esrgan=(25, 10, 40), carn=(32, 20, 60), rcan=(31, 20, 60),
                                         full=(26, 5, 30)),
    "progressive_pan/figure11": enlarged(bicubic=(30, 50, 90), esrgan=(25, 10, 40), carn=(32, 20, 60), rcan=(31, 20, 60),
                                         full=(26, 9, 35), degraded=(26, 5, 30)),
    "progressive_pan/figure5": {SuperKey(method, scale): {"frechet": value} for method, values in (
        ("full", (10, 20, 30)), ("rcan", (5, 20, 40))) for scale, value in zip((2, 4, 8), values)},
}
STATEMENTS = {f"{paper}/{table}": found for paper, tables in claims.STATEMENTS.items() for table, found in tables.items()}
# One value changed, and the places of the statements that become false by it.
CHANGES = [
    *(("mux_demux/table2", rival, column, value, places)
      for rival in ("srcnn", "johnson", "resnet_12_64", "resnet_8_32", "dped")
      for column, value, places in (("psnr", 23.5, [1]), ("psnr", 25.0, [0, 1]), ("ms_ssim_dped", 0.95, [1]),
                                    ("psnr", 24.0, [0, 1]))),
    ("mux_demux/table2", "mux_demux_hp", "psnr", 30.0, []), ("mux_demux/table2", "mux_demux", "ms_ssim_dped", 0.1, [0]),
    *(("mux_demux/table3", rival, "niqe", value, places) for rival in ("srcnn", "resnet_12_64", "resnet_8_32", "dped")
      for value, places in ((4.5, [0]), (3.0, [0, 1]))),
    ("mux_demux/table3", "mux_demux", "niqe", 1.0, []), ("mux_demux/table3", "mux_demux_hp", "niqe", 9.5, [1]),
    ("mux_demux/table5", "no_color", "psnr", 23.5, [0]), ("mux_demux/table5", "no_noise", "psnr", 23.5, [0, 7]),
    ("mux_demux/table5", "no_total_variation", "psnr", 20.5, [3]),
    ("mux_demux/table5", "no_color", "ms_ssim_dped", 0.94, [1]),
    ("mux_demux/table5", "full", "psnr", 20.0, [0, 3, 4, 5, 6, 7]),
    ("mux_demux/table5", "full", "ms_ssim_dped", 0.90, [1, 4, 5, 6, 7]),
    ("mux_demux/table5", "no_contextual", "niqe", 5.0, [2]), ("mux_demux/table5", "no_adversarial", "niqe", 6.5, [4]),
    ("mux_demux/table5", "no_l1", "niqe", 6.5, [5]), ("mux_demux/table5", "no_perceptual", "niqe", 6.5, [6]),
    ("mux_demux/table5", "no_noise", "niqe", 5.5, [8]), ("mux_demux/table5", "no_noise", "ms_ssim_dped", 0.935, [1, 7]),
    ("mux_demux/table5", "full", "psnr", 22.0, [0, 4, 6, 7]),  # equal is not higher
    *(("x_gans/table1", Key(block, "x_gans"), column, value, [place]) for place, block in
      enumerate(("white_block", "color_blocks")) for column, value in (("psnr", 19.0), ("ssim", 0.1), ("psnr", 20.0))),
    ("x_gans/figure10", at(0.08), "psnr", 20.5, [0]), ("x_gans/figure10", at(0.08), "psnr", 18.0, [0, 3]),
    ("x_gans/figure10", at(0.10, "edge_points"), "psnr", 19.0, [1]),
    ("x_gans/figure10", at(0.20, "edge_points"), "psnr", 10.0, [2]),
    ("x_gans/figure10", at(0.20, "edge_points"), "psnr", 1.0, [2, 4]),
    ("x_gans/figure10", at(0.01, method="on_demand"), "psnr", 15.5, [3]),
    ("x_gans/figure10", at(0.20, data="scenes"), "psnr", 40.0, [5]), ("x_gans/figure10", at(0.01), "psnr", 1.0, [3, 5]),
    ("x_gans/figure11", at(0.10, "color_noise", "on_demand", data="scenes"), "psnr", 16.5, [1]),
    ("x_gans/figure11", at(0.10, "color_noise", "on_demand"), "psnr", 16.5, [0]),
    ("x_gans/figure11", at(0.15, "color_noise"), "psnr", 15.5, [0]),
    ("x_gans/figure12", at(0.01, loss="l2"), "psnr", 1.0, [0, 1]),
    ("x_gans/figure12", at(0.01, loss="none"), "psnr", 29.0, [0]),
    ("x_gans/figure12", at(0.20, loss="l1"), "psnr", 40.0, [1]), ("x_gans/figure12", at(0.20, loss="l1"), "psnr", 1.0, []),
    ("x_gans/compression", at(0.15, "edge_points"), "psnr", 20.0, []),
    ("x_gans/compression", at(0.15, "edge_points"), "psnr", 10.0, [0, 1]),
    ("x_gans/compression", at(0.02, method="classical"), "psnr", 17.0, [1]),
    ("x_gans/compression", at(0.20, "edge_points", "classical"), "psnr", 30.0, [1]),
    ("x_gans/compression", at(0.01), "jpeg_psnr", 15.5, [2]), ("x_gans/compression", at(0.02), "jpeg_psnr", 99.0, []),
    ("feature_pyramid_pan/table1", "full", "class_iou", 0.3, []),
    ("feature_pyramid_pan/table1", "full", "class_iou", 0.29, [0]),
    ("feature_pyramid_pan/table1", "cnn_objective", "class_iou", 0.41, [3]),
    ("feature_pyramid_pan/table1", "cnn_objective", "class_iou", 0.04, [4]),
    ("feature_pyramid_pan/table1", "without_low", "class_iou", 0.2, [1]),
    ("feature_pyramid_pan/table1", "without_high", "class_iou", 0.05, [2]),
    ("feature_pyramid_pan/table2", "full", "psnr", 22.5, [5]), ("feature_pyramid_pan/table2", "full", "psnr", 21.5, [0, 5]),
    ("feature_pyramid_pan/table2", "full", "ssim", 0.5, [2]),
    ("feature_pyramid_pan/table2", "cnn_objective", "psnr", 22.9, [6]),
    ("feature_pyramid_pan/table2", "without_high_pyramid", "sharpness", 0.5, [3]),
    ("feature_pyramid_pan/table2", "without_low", "sharpness", 0.2, [4]),
    ("feature_pyramid_pan/figure4", "pix2pix_objective", "ssim", 0.9, [0]),
    ("feature_pyramid_pan/figure4", "context_encoder_objective", "sharpness", 1.0, [1]),
    ("feature_pyramid_pan/figure4", "without_high_pyramid", "sharpness", 1.0, [2]),
    ("feature_pyramid_pan/figure4", "inpainted", "psnr", 21.0, [3]),
    ("feature_pyramid_pan/figure5", "cnn_objective", "sharpness", 1.4, [0]),
    ("feature_pyramid_pan/figure5", "crn", "ssim", 0.9, [1]),
    ("feature_pyramid_pan/figure5", "class_colors", "ssim", 0.9, [2]),
    ("feature_pyramid_pan/figure7", "drrn", "psnr", 23.0, [0]),
    ("feature_pyramid_pan/figure9", "input", "psnr", 26.0, [0]),
    ("feature_pyramid_pan/figure9", "median", "psnr", 26.0, [1]),
    ("feature_pyramid_pan/table2", "without_low", "psnr", 22.0, [1]),
    *(("progressive_pan/table1", SuperKey(name), "frechet", 4, [0]) for name in ("bicubic", "esrgan", "carn", "rcan")),
    *(("progressive_pan/table1", SuperKey(name), "swd_fine", 30, [1]) for name in ("bicubic", "esrgan", "carn", "rcan")),
    ("progressive_pan/table1", SuperKey("full"), "psnr", 30, [2]),
    *(("progressive_pan/table1", SuperKey(name), "psnr", 29, [3]) for name in ("carn", "rcan")),
    ("progressive_pan/table1", SuperKey("esrgan"), "psnr", 40, []),
    *(("progressive_pan/table2", SuperKey(name), column, 1, [place]) for place, name in
      ((0, "bicubic"), (1, "l1"), (2, "l2"), (4, "non_progressive")) for column in ("frechet", "swd_fine")),
    *(("progressive_pan/table2", SuperKey(name), "psnr", 24, [3]) for name in ("l1", "l2")),
    *(("progressive_pan/table2", SuperKey("non_noise"), column, 70, [5]) for column in ("frechet", "swd_fine")),
    ("progressive_pan/figure1", "dimensions_100", "mean", 9.0, [0]),
    ("progressive_pan/figure1", "dimensions_100000", "deviation", 1.0, [1]),
    ("progressive_pan/figure9", SuperKey("full", skips=2), "psnr", 20.5, [0, 1]),
    ("progressive_pan/figure9", SuperKey("full", skips=0), "psnr", 21.5, [1]),
    ("progressive_pan/figure10", SuperKey("esrgan"), "frechet", 4, [0]),
    ("progressive_pan/figure10", SuperKey("carn"), "swd_fine", 20, [1]),
    ("progressive_pan/figure11", SuperKey("full"), "frechet", 4, [0]),
    ("progressive_pan/figure11", SuperKey("rcan"), "swd_fine", 20, [1]),
    ("progressive_pan/figure5", SuperKey("full", 8), "frechet", 85, [0]),
    ("progressive_pan/figure5", SuperKey("rcan", 2), "frechet", 20, [0]),
    ("progressive_pan/figure5", SuperKey("full", 4), "frechet", 1000, []),
]


def words_of(table, values, seeds=(0,)):
  return [verdict.word for verdict in check(results(values, seeds), STATEMENTS[table])]


def changed(table, key, column, value):
  return {**TRUE[table], key: {**TRUE[table][key], column: value}}


@pytest.mark.parametrize("table", STATEMENTS)
def test_every_statement_holds_where_all_is_as_it_says(table):
  assert words_of(table, TRUE[table]) == [HOLDS] * len(STATEMENTS[table])


@pytest.mark.parametrize("table", STATEMENTS)
def test_every_statement_is_contradicted_where_all_is_reversed(table):
  """A statement whose comparison is turned round holds here, and one that says nothing is undecided."""
  values = {key: {column: -number for column, number in columns.items()} for key, columns in TRUE[table].items()}
  if table == "progressive_pan/figure5":  # of ratios, which keep their value
    values = {dataclasses.replace(key, method={"full": "rcan", "rcan": "full"}[key.method]): columns
              for key, columns in TRUE[table].items()}
  assert words_of(table, values) == [CONTRADICTED] * len(STATEMENTS[table])


@pytest.mark.parametrize(("table", "key", "column", "value", "false"), CHANGES)
def test_a_changed_value_makes_exactly_its_statements_false(table, key, column, value, false):
  found = check(results(changed(table, key, column, value)), STATEMENTS[table])
  assert [place for place, verdict in enumerate(found) if verdict.word != HOLDS] == false
  for place in false:  # equal is not higher, and not lower
    equal = min(claim.difference for claim in found[place].claims) == 0
    assert found[place].word == (UNDECIDED if equal else CONTRADICTED)


def test_every_statement_is_made_false_by_a_change():
  assert {(table, place) for table, *_, false in CHANGES for place in false} == {
      (table, place) for table, found in STATEMENTS.items() for place in range(len(found))}


def with_rows(table, **class_iou):
  """Published rows, and some that the paper does not have."""
  return {**table, **{name: {"class_iou": value} for name, value in class_iou.items()}}


def with_sharpness(table):
  """Published rows of super-resolution as sharp as the text says, beside bicubic enlargement and the CNN."""
  sharp = {"without_high_pyramid": 0.3, "without_low": 1.2, "full": 1.0}
  return {**{name: {**row, "sharpness": sharp[name]} for name, row in table.items()},
          "input": {"psnr": 0.0, "sharpness": 0.4}, "cnn_objective": {"psnr": 1.0}}


def with_frechet(table, **more):
  """Published rows of super-resolution, whose Fréchet distance is the FID."""
  return {SuperKey(name): {**row, "frechet": row["fid"]} for name, row in {**table, **more}.items()}


@pytest.mark.parametrize(("table", "values"), [
    ("mux_demux/table2", mux_demux.TABLE2), ("mux_demux/table3", mux_demux.TABLE3),
    ("mux_demux/table5", mux_demux.TABLE5), ("x_gans/table1", x_gans.TABLE1),
    ("feature_pyramid_pan/table1", with_rows(feature_pyramid_pan.TABLE1, cnn_objective=0.1, class_colors=0.0)),
    ("feature_pyramid_pan/table2", with_sharpness(feature_pyramid_pan.TABLE2)),
    ("progressive_pan/table1", with_frechet(progressive_pan.TABLE1)),
    ("progressive_pan/table2", with_frechet(progressive_pan.TABLE2, bicubic={"psnr": 0.0, "swd_fine": 1e3, "fid": 1e3}))])
def test_every_statement_holds_on_the_published_numbers(table, values):
  assert words_of(table, values) == [HOLDS] * len(STATEMENTS[table])


# How statements are decided.

THREE = (0, 1, 2)


def test_a_statement_holds_where_the_interval_over_seeds_says_so():
  values = changed("mux_demux/table5", "no_noise", "psnr", [23.5, 22.0, 22.0])  # one seed of three against the others
  assert words_of("mux_demux/table5", values, THREE) == [UNDECIDED, *[HOLDS] * 6, UNDECIDED, HOLDS]
  values = changed("mux_demux/table5", "no_noise", "niqe", 5.5)
  assert words_of("mux_demux/table5", values, THREE)[8] == CONTRADICTED


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_statement_on_a_missing_value_is_not_decided_by_it(value):
  """NIQE of images too small for it is None; PSNR of a pair that is reproduced exactly is infinite, and None when kept."""
  assert words_of("mux_demux/table5", changed("mux_demux/table5", "full", "niqe", value)) == [
      HOLDS, HOLDS, UNMEASURED, HOLDS, *[UNMEASURED] * 3, HOLDS, UNMEASURED]
  no_color = changed("mux_demux/table5", "no_color", "niqe", value)  # which stands in no statement
  assert words_of("mux_demux/table5", no_color) == [HOLDS] * 9
  verdicts = check(results(changed("mux_demux/table5", "no_color", "psnr", [value, 22.0, 22.0]), THREE),
                   mux_demux.STATEMENTS["table5"])
  assert {verdict.word for verdict in verdicts} == {HOLDS}
  assert {claim.claim: claim.seeds for claim in verdicts[0].claims}["psnr of full above psnr of no_color"] == 2
  assert {claim.seeds for claim in verdicts[1].claims} == {3}


def test_a_seed_that_a_row_lacks_is_left_out():
  found = results(TRUE["mux_demux/table5"], (0, 1))
  full, = (result for result in found if result.row.key == "full")
  full.records.pop()
  verdicts = check(found, mux_demux.STATEMENTS["table5"])
  assert {verdict.word for verdict in verdicts} == {HOLDS}
  assert {claim.seeds for verdict in verdicts for claim in verdict.claims if "full" in claim.claim} == {1}
  full.records.clear()
  assert [verdict.word for verdict in check(found, mux_demux.STATEMENTS["table5"])] == [UNMEASURED] * 9
  lacking = [result for result in found if result.row.key != "full"]
  assert [verdict.word for verdict in check(lacking, mux_demux.STATEMENTS["table5"])] == [UNMEASURED] * 9


def test_a_row_of_one_seed_counts_with_every_seed():
  """On-demand learning and the input may be measured once where X-GANs have three seeds."""
  values = TRUE["x_gans/figure10"]
  ours = {key: columns for key, columns in values.items() if key.method == "x_gans"}
  once = {key: columns for key, columns in values.items() if key.method != "x_gans"} | curve("random_points", "input", 60)
  found = check(results(ours, THREE) + results(once), x_gans.STATEMENTS["figure10"])
  assert [verdict.word for verdict in found] == [HOLDS] * 6
  assert {claim.seeds for verdict in found for claim in verdict.claims} == {3}


def test_the_parts_of_a_table_are_decided_apart():
  values = changed("x_gans/table1", Key("color_blocks", "x_gans"), "psnr", [None, 23.0, math.inf])
  assert words_of("x_gans/table1", values, THREE) == [HOLDS, HOLDS]


@pytest.mark.parametrize(("seeds", "word"), [(1, UNDECIDED), (2, UNDECIDED), (3, HOLDS)])
def test_networks_that_are_trained_need_three_seeds(seeds, word):
  found = results(TRUE["mux_demux/table5"], tuple(range(seeds)), {"config": {"iterations": 9}})
  assert {verdict.word for verdict in check(found, mux_demux.STATEMENTS["table5"])} == {word}


def test_an_image_without_a_finite_value_is_left_out_of_all_rows():
  found = results({"a": {"x": 2.0}, "b": {"x": 1.0}})
  found[1].records[0]["each"]["x"]["image0"] = None
  verdict, = check(found, [Statement("a is higher", higher("x", "a", "b"))])
  assert (verdict.word, verdict.claims[0].images) == (HOLDS, 3)


def test_a_single_value_decides_nothing():
  """One seed, and one value of the whole set, as of the Fréchet distance."""
  found = results({"a": {"x": 2.0}, "b": {"x": 1.0}})
  for result in found:
    del result.records[0]["each"]
  verdict, = check(found, [Statement("a is higher", higher("x", "a", "b"))])
  assert verdict.word == UNDECIDED and verdict.claims[0].low is None
  assert str(verdict) == "undecided: a is higher (x of a above x of b: by 1, 1 seed)"


def test_what_a_verdict_says():
  values = {"a": {"x": [3.0, 3.25, 3.5]}, "b": {"x": 2.0}, "c": {"x": [2.75, 3.5, 3.25]}}
  verdict, = check(results(values, THREE), [Statement("a is the highest", higher("x", "a", "b", "c"))])
  assert str(verdict) == ("undecided: a is the highest (the least sure of its claims: x of a above x of c: "
                          "by 0.08333, 95 % interval -0.25 to 0.25, 3 seeds, 4 images)")
  first = verdict.as_json()["claims"][0]
  assert first == {"claim": "x of a above x of b", "verdict": HOLDS, "difference": pytest.approx(1.25),
                   "low": pytest.approx(1.0), "high": pytest.approx(1.5), "seeds": 3, "images": 4, "reason": ""}


def test_claims():
  values = {"a": {"x": 3.0}, "b": {"x": 2.0}, "c": {"x": 2.0}, "d": {"x": None}}
  ratios = (Ratio(Mean("x", ("a",)), Mean("x", ("b",))), Ratio(Mean("x", ("b",)), Mean("x", ("a",))))
  cases = {
      "higher": (higher("x", "a", "b", "c"), HOLDS), "not higher": (higher("x", "b", "a"), CONTRADICTED),
      "draw": (higher("x", "b", "c"), UNDECIDED), "draw allowed": (higher("x", "b", "c", equal=True), HOLDS),
      "lower": (lower("x", "b", "a"), HOLDS), "not lower": (lower("x", "a", "b"), CONTRADICTED),
      "mean": (higher_mean("x", "ab", "bc"), HOLDS), "missing": (higher("x", "a", "b", "d"), UNMEASURED),
      "unknown": (higher("x", "a", "e"), UNMEASURED), "ratio": ((Claim(*ratios),), HOLDS),
      "no ratio": ((Claim(Ratio(Mean("x", ("d",)), Mean("x", ("b",))), Mean("x", ("a",))),), UNMEASURED)}
  found = check(results(values), [Statement(text, claims) for text, (claims, _) in cases.items()])
  assert [verdict.word for verdict in found] == [word for _, word in cases.values()]
  rows = {result.row.key: result for result in results(values)}
  assert value(ratios[0], rows) == 1.5
  assert value(Mean("x", ("a", "d")), rows) is None and value(Mean("x", "e"), rows) is None
