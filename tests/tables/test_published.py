"""The published numbers: those of the papers, one name for one network, and what the papers say of them."""

import pytest

from tf_imgtrans.metrics.challenge_score import pirm_score
from tf_imgtrans.recipes import list_generators
from tf_imgtrans.tables.mux_demux import FIGURE6, FIGURE7, ORDER
from tf_imgtrans.tables.published import feature_pyramid_pan, progressive_pan, x_gans
from tf_imgtrans.tables.published import mux_demux as published
from tf_imgtrans.tables.published.x_gans import Key

# The numbers as a file lists them: names of tables, rows and columns there, and what each is here.
ENHANCERS = {"APE": "ape", "SRCNN": "srcnn", "Johnson": "johnson", "ResNet-12-64": "resnet_12_64",
             "ResNet-8-32": "resnet_8_32", "DPED": "dped", "ours_normal": "mux_demux",
             "ours_high_performance": "mux_demux_hp"}
VARIANTS = {"without_conditional_adversarial_loss": "without_conditional",
            "without_adversarial_loss_on_low_frequency": "without_low",
            "without_adversarial_loss_on_high_frequency": "without_high", "completed_model": "full"}
BLOCKS = {f"{name}_block_128x128/{who}": Key(corruption, method) for name, corruption in (
    ("white", "white_block"), ("color", "color_blocks"))
          for who, method in (("gao_et_al", "on_demand"), ("ours", "x_gans"))}
FULL_REFERENCE = {"psnr_db": "psnr", "ssim": "ssim"}
SAME = {name: name for name in ("ms_ssim", "mos", "cpu_ms", "gpu_ms", "razer_phone_ms", "huawei_p20_ms", "ram_gb")}
LISTED = {
    "table2_distortion": (published.TABLE2, ENHANCERS, {"psnr_db": "psnr", "ssim": "ms_ssim_dped"}),
    "table3_niqe": (published.TABLE3, ENHANCERS, {"niqe": "niqe"}),
    "table4_runtime_1280x720": ({name: {"ms": value} for name, value in published.TABLE4.items()}, ENHANCERS,
                                {"time_ms": "ms"}),
    "table5_ablation": (published.TABLE5, {
        "full_losses_and_noise": "full", "no_noise": "no_noise", **{f"{name}_loss": name for name in published.TABLE5}},
        {"psnr_db": "psnr", "ssim": "ms_ssim_dped", "niqe": "niqe"}),
    "fig8_pirm_eos_track_b_final": (
        {team: {name: value for name, value in row.items() if value is not None}
         for team, row in published.FIGURE8.items()},
        {}, {"psnr_db": "psnr", "score_a": "A", "score_b": "B", "score_c": "C", **SAME}),
    "table1_celeba_blocks": (x_gans.TABLE1, BLOCKS, FULL_REFERENCE),
    "table1_fcn_scores_cityscapes_labels_to_photo": (feature_pyramid_pan.TABLE1, VARIANTS, {
        "per_pixel_acc": "pixel_accuracy", "per_class_acc": "class_accuracy", "class_iou": "class_iou"}),
    "table2_sr_x4_ablation": (feature_pyramid_pan.TABLE2, {
        "without_high_frequency_pyramid": "without_high_pyramid", "without_low_frequency_pyramid": "without_low",
        "completed_model": "full"}, FULL_REFERENCE),
    "table1_x4_celebahq_top5000": (progressive_pan.TABLE1, {
        "Bicubic": "bicubic", "ESRGAN": "esrgan", "CARN": "carn", "RCAN": "rcan", "PAN": "full"}, {
            **FULL_REFERENCE, "niqe": "niqe", "fid": "fid", "swd_x1e3_512": "swd_fine", "swd_x1e3_256": "swd_half"}),
    "table2_x8_ablation": (progressive_pan.TABLE2, {
        "l1_loss": "l1", "l2_loss": "l2", "non_progressive": "non_progressive", "non_noise": "non_noise", "PAN": "full"}, {
            **FULL_REFERENCE, "niqe": "niqe", "fid": "fid", "swd_x1e3_1024": "swd_fine", "swd_x1e3_512": "swd_half"}),
}


@pytest.fixture(scope="module")
def listed(data_folder):
  """dict of table to dict of (row, column) to the number in the file."""
  yaml = pytest.importorskip("yaml", reason="PyYAML is not installed: pip install 'tf_imgtrans[test]'")
  path = data_folder.resolve().parent / "papers" / "tables.yaml"
  if not path.is_file():
    pytest.skip(f"{path} does not exist: it lists the numbers of the papers")
  found = {}
  for record in yaml.safe_load(path.read_text())["records"]:
    found.setdefault(record["table"], {})[record["row"].split(" (")[0], record["metric"]] = record["value"]
  return found


@pytest.mark.parametrize("table", LISTED)
def test_every_number_is_the_published_one(table, listed):
  ours, rows, columns = LISTED[table]
  expected = {}
  for (row, column), value in listed[table].items():
    if column in columns:
      if isinstance(value, (int, float)):  # not "out of memory"
        expected.setdefault(rows.get(row, row), {})[columns[column]] = value
  assert ours == expected


QUOTED = {"ape"}  # a commercial program: no generator of ours
NAIVE = {"input", "tone_curve"}


def test_rows_are_named_as_their_generators():
  assert set(published.TABLE2) - QUOTED <= set(list_generators())
  assert set(published.TABLE2) == set(published.TITLES) - NAIVE == set(ORDER) - NAIVE
  assert set(published.TABLE3) == set(published.TABLE4) == set(published.TABLE2) - {"ape", "johnson"}
  assert set(published.TABLE2_MIXED) < set(published.TABLE2)
  assert set(FIGURE6) == {*ORDER, "target"} - {"tone_curve", "ape", "resnet_12_64"}
  assert set(FIGURE7) == set(published.TABLE5)
  assert set(published.TABLE5_TITLES) == set(published.ABLATION) == set(published.TABLE5)


def test_figures_count_their_columns_as_the_paper_does():
  assert [header[:3] for header in FIGURE6.values()] == [f"({letter})" for letter in "acdefghi"]  # (b) is APE
  assert [header[:3] for header in FIGURE7.values()] == [f"({letter})" for letter in "abcdefgh"]


@pytest.mark.parametrize("table, columns", [
    (published.TABLE2, {"psnr", "ms_ssim_dped"}), (published.TABLE3, {"niqe"}),
    (published.TABLE5, {"psnr", "ms_ssim_dped", "niqe"})])
def test_every_row_has_the_columns_of_its_table(table, columns):
  bounds = {"psnr": (15, 25), "ms_ssim_dped": (0.8, 1), "niqe": (4, 10)}
  for name, values in table.items():
    assert set(values) == columns, name
    assert all(bounds[column][0] < value < bounds[column][1] for column, value in values.items()), name


def test_the_tables_have_one_normal_network():
  full = published.TABLE5["full"]
  assert {name: full[name] for name in ("psnr", "ms_ssim_dped")} == published.TABLE2["mux_demux"]
  assert full["niqe"] == published.TABLE3["mux_demux"]["niqe"]


def test_what_the_paper_says_of_its_tables():
  def best(table, column, choose):
    return choose(table, key=lambda name: table[name][column])

  assert best(published.TABLE2, "psnr", max) == best(published.TABLE2, "ms_ssim_dped", max) == "mux_demux"
  assert sorted(published.TABLE3, key=lambda name: published.TABLE3[name]["niqe"])[:2] == ["mux_demux_hp", "mux_demux"]
  assert sorted(published.TABLE4, key=published.TABLE4.get)[:2] == ["mux_demux_hp", "mux_demux"]


@pytest.mark.parametrize("team", published.FIGURE8)
def test_the_formula_gives_the_published_scores(team):
  row = published.FIGURE8[team]
  ours = pirm_score(row["psnr"], row["mos"], row["cpu_ms"])
  largest = max(abs(ours[name] - row[name]) for name in "ABC")
  assert (largest > 0.1) == (team in published.FIGURE8_MISPRINTS)
  assert largest < 0.05 or team in published.FIGURE8_MISPRINTS


@pytest.mark.parametrize("team, corrected", [  # what the misprints' notes say
    ("Rainbow", {"psnr": 21.85, "mos": 2.558, "cpu_ms": 830}), ("DPED-Baseline", {"mos": 2.441}), ("Geometry", {})])
def test_the_misprints_are_described_by_what_fits(team, corrected):
  row, note = published.FIGURE8[team], published.FIGURE8_MISPRINTS[team]
  scores = [row[name] for name in "ABC"]
  ours = pirm_score(**{**{name: row[name] for name in ("psnr", "mos", "cpu_ms")}, **corrected})
  assert all(str(value) in note for value in corrected.values())
  if corrected:
    assert [ours[name] for name in "ABC"] == pytest.approx(scores, abs=0.05)
  else:
    assert ours["A"] == pytest.approx(scores[0], abs=0.05)
    assert f"{ours['B']:.2f} and {ours['C']:.2f}" in note


def test_the_table_of_teams_is_sorted_by_opinion_but_for_its_misprint():
  mos = {team: row["mos"] for team, row in published.FIGURE8.items()}
  assert list(mos.values()) != sorted(mos.values(), reverse=True)
  corrected = list((mos | {"DPED-Baseline": 2.441}).values())
  assert corrected == sorted(corrected, reverse=True)


def test_the_places_of_the_papers_team():
  """The text's are those of the figure but for score A, by which it is the 5th."""
  found = {column: published.places(published.FIGURE8, column)[published.FIGURE8_OURS] for column in ("mos", *"ABC")}
  assert found == published.FIGURE8_PLACES | {"A": 5}
  assert sorted(published.places(published.FIGURE8, "mos").values()) == list(range(1, 13))
  assert published.places({"a": {"x": 1}, "b": {"x": 2}, "c": {"x": 1}}, "x") == {"a": 2, "b": 1, "c": 2}
