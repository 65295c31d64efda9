"""The paper's published numbers: one name for one network, and the paper's own statements hold on them."""

import pytest

from tf_imgtrans.cli.reproduce.frame import Result, Row
from tf_imgtrans.cli.reproduce.mux_demux import FIGURE6, FIGURE7, ORDER
from tf_imgtrans.cli.reproduce.statements import ABLATION, check
from tf_imgtrans.generators import list_generators
from tf_imgtrans.metrics.challenge_score import pirm_score
from tf_imgtrans.papers.mux_demux import published

QUOTED = {"ape"}  # a commercial program: no generator of ours


def test_rows_are_named_as_their_generators():
  assert set(published.TABLE2) - QUOTED <= set(list_generators())
  assert set(published.TABLE2) == set(published.TITLES) - {"input"} == set(ORDER) - {"input"}
  assert set(published.TABLE3) == set(published.TABLE4) == set(published.TABLE2) - {"ape", "johnson"}
  assert set(published.TABLE2_MIXED) < set(published.TABLE2)
  assert set(FIGURE6) == set(ORDER) - {"ape", "resnet_12_64"} and set(FIGURE7) == set(published.TABLE5)
  assert set(published.TABLE5_TITLES) == set(published.TABLE5)


def test_figures_count_their_columns_as_the_paper_does():
  assert [header[:3] for header in FIGURE6.values()] == [f"({letter})" for letter in "acdefgh"]  # (b) is APE, (i) DSLR
  assert [header[:3] for header in FIGURE7.values()] == [f"({letter})" for letter in "abcdefgh"]


@pytest.mark.parametrize("table, columns", [
    (published.TABLE2, {"psnr", "ms_ssim_dped"}), (published.TABLE3, {"niqe"}),
    (published.TABLE5, {"psnr", "ms_ssim_dped", "niqe"})])
def test_every_row_has_the_columns_of_its_table(table, columns):
  bounds = {"psnr": (15, 25), "ms_ssim_dped": (0.8, 1), "niqe": (4, 10)}
  for name, values in table.items():
    assert set(values) == columns, name
    assert all(bounds[column][0] < value < bounds[column][1] for column, value in values.items()), name


def test_the_tables_speak_of_one_normal_network():
  full = published.TABLE5["full"]
  assert {name: full[name] for name in ("psnr", "ms_ssim_dped")} == published.TABLE2["mux_demux"]
  assert full["niqe"] == published.TABLE3["mux_demux"]["niqe"]


def test_what_the_paper_says_of_its_tables():
  def best(table, column, choose):
    return choose(table, key=lambda name: table[name][column])

  assert best(published.TABLE2, "psnr", max) == best(published.TABLE2, "ms_ssim_dped", max) == "mux_demux"
  assert sorted(published.TABLE3, key=lambda name: published.TABLE3[name]["niqe"])[:2] == ["mux_demux_hp", "mux_demux"]
  assert sorted(published.TABLE4, key=published.TABLE4.get)[:2] == ["mux_demux_hp", "mux_demux"]


def test_all_nine_statements_on_the_ablation_hold_on_the_printed_numbers():
  results = [Result(Row(name, name), [{"seed": 0, "values": values}]) for name, values in published.TABLE5.items()]
  verdicts = check(results, ABLATION)
  assert len(verdicts) == len(ABLATION) == 9
  assert {verdict for _, verdict in verdicts} == {"holds (1 of 1 seeds)"}


@pytest.mark.parametrize("team", published.FIGURE8)
def test_the_formula_gives_the_printed_scores(team):
  psnr, mos, cpu_ms, *scores = published.FIGURE8[team]
  ours = pirm_score(psnr, mos, cpu_ms)
  largest = max(abs(ours[name] - score) for name, score in zip("ABC", scores))
  assert (largest > 0.1) == (team in published.FIGURE8_MISPRINTS)
  assert largest < 0.05 or team in published.FIGURE8_MISPRINTS


@pytest.mark.parametrize("team, corrected", [  # what the misprints' notes say
    ("Rainbow", {"psnr": 21.85, "mos": 2.558, "cpu_ms": 830}), ("DPED-Baseline", {"mos": 2.441}), ("Geometry", {})])
def test_the_misprints_are_described_by_what_fits(team, corrected):
  psnr, mos, cpu_ms, *scores = published.FIGURE8[team]
  note = published.FIGURE8_MISPRINTS[team]
  ours = pirm_score(**{"psnr": psnr, "mos": mos, "cpu_ms": cpu_ms, **corrected})
  assert all(str(value) in note for value in corrected.values())
  if corrected:
    assert [ours[name] for name in "ABC"] == pytest.approx(scores, abs=0.05)
  else:
    assert ours["A"] == pytest.approx(scores[0], abs=0.05)
    assert f"{ours['B']:.2f} and {ours['C']:.2f}" in note


def test_the_table_of_teams_is_sorted_by_opinion_but_for_its_misprint():
  mos = {team: row[1] for team, row in published.FIGURE8.items()}
  assert list(mos.values()) != sorted(mos.values(), reverse=True)
  corrected = list((mos | {"DPED-Baseline": 2.441}).values())
  assert corrected == sorted(corrected, reverse=True)
