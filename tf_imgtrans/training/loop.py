"""The training loop: steps, logs, validations and checkpoints, resumable at any moment."""

import math
import sys
import time

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tf_imgtrans.core.stopping import Stopped, noted_stops
from tf_imgtrans.training.checkpoints import Checkpoints
from tf_imgtrans.training.strategies import distribute

SCREEN_SECONDS, FILE_SECONDS = 0.5, 30  # between two states of the progress bar, on a screen and in a log file


class NonFiniteTerm(ArithmeticError):
  """A loss term, or a variable of the run, that is no finite number."""


def run_training(trainer, batches, folder, options, iterations, strategy, validator=None):
  """Trains up to `iterations` steps, from the newest checkpoint of the run folder if there is one.

  Args:
    trainer: BaseTrainer, made in the strategy's scope, after `prepare`.
    batches: (start_step, Part) -> tf.data.Dataset.
    folder: RunFolder.
    options: TrainingOptions.
    iterations: int, total steps of the run.
    strategy: of `make_strategy`.
    validator: Validator, or None.
  Returns:
    dict: "steps", "resumed_from" (the step at which this call began), and the last validation's values.
  A signal to stop (core.stopping) is followed after the step, once its checkpoint is written.

  Raises:
    NonFiniteTerm: a loss term or a variable is not finite; the checkpoints before it stay.
    core.stopping.Stopped: as a signal asked for.
    ValueError: the run has more than `iterations` steps already.
  """
  checkpoints = Checkpoints(folder.checkpoints, options.keep)
  start = checkpoints.restore(trainer.state())
  if start > iterations:
    raise ValueError(f"{folder.path} is at step {start} already: expected iterations of {start} or more, not {iterations}")
  folder.rewind(start)
  step_function = compile_step(trainer, strategy, options.jit)
  batch_stream = iter(distribute(strategy, batches, start))
  window, values, began = folder.window(start), {}, time.perf_counter()
  first = began
  images_at = trainer.images_at
  bar = tqdm(total=images_at(iterations), initial=images_at(start), unit=" images", unit_scale=True,
             mininterval=SCREEN_SECONDS if sys.stderr.isatty() else FILE_SECONDS, disable=not folder.writes)
  with bar, noted_stops() as asked:
    for step in range(start + 1, iterations + 1):
      batch = next(batch_stream)
      window.append(step_function(batch))
      adapted = trainer.adapt(step)
      if adapted:
        _check_state(trainer, step, checkpoints)
        folder.log(step, "adaptation", adapted)
      for name, network in trainer.milestones(step).items():
        folder.save_generator(network, name)
      bar.update(images_at(step) - images_at(step - 1))
      last = step == iterations
      stops = asked.number is not None and not last
      validates, saves = last or step % options.validate_every == 0, last or step % options.checkpoint_every == 0
      saves = saves or stops
      if last or step % options.log_every == 0:
        means = _window_means(window, step, checkpoints)
        now = time.perf_counter()
        folder.log(step, "train", means, speed=(images_at(step) - images_at(step - len(window))) / (now - began))
        bar.set_postfix(step=step, total=f"{means['total']:.4g}", refresh=False)
        window, began = [], now
      if validates:
        if options.record_terms and (shares := trainer.term_shares(*batch)):
          folder.log(step, "terms", shares)
        trainer.settle()
      if validates or saves:
        _check_state(trainer, step, checkpoints)
      if validates and validator and folder.writes:
        values = _validate(trainer, validator, folder, step)
        began = time.perf_counter()
      if saves:
        folder.flush()
        if folder.writes and checkpoints.save(step, trainer.state()):
          folder.record_effort(start, step, time.perf_counter() - first, images_at(step), trainer.generator.count_params())
      if stops:
        folder.keep_window(step, _fetched(window))
        raise Stopped(asked.number, f"{folder.path} is at step {step}, whose checkpoint is written: go on with --resume")
  folder.save_generator(trainer.generator, "generator")
  return {"steps": iterations, "resumed_from": start, **values}


def compile_step(trainer, strategy, jit):
  """The trainer's step as a graph: batch -> dict of loss term to scalar, the mean over the replicas.

  Args:
    trainer: BaseTrainer, made in the strategy's scope.
    strategy: tf.distribute.Strategy.
    jit: bool, whether XLA compiles it.
  """
  if jit:
    trainer.prepare_xla()

  @tf.function(jit_compile=jit)
  def step(batch):
    terms = strategy.run(trainer.train_step, args=(batch,))
    return {name: strategy.reduce("MEAN", value, axis=None) for name, value in terms.items()}

  return step


def _window_means(window, step, checkpoints):
  """Means of the terms over the steps since the last log; the terms are fetched only here, not at every step."""
  fetched = _fetched(window)
  for offset, terms in enumerate(fetched):
    for name, value in terms.items():
      if not math.isfinite(value):
        raise _not_finite(f"loss term {name} is {value} at step {step - len(window) + 1 + offset}", checkpoints)
  return {name: math.fsum(terms[name] for terms in fetched) / len(fetched) for name in fetched[0]}


def _fetched(window):
  return [{name: float(value) for name, value in terms.items()} for terms in window]


def _check_state(trainer, step, checkpoints):
  """A step's terms, taken before its update, can be finite when the weights after it are not: those are not kept."""
  for name, variable in trainer.state().items():
    if not np.all(np.isfinite(variable.numpy())):
      raise _not_finite(f"{name} is not finite after step {step}", checkpoints)


def _not_finite(what, checkpoints):
  steps = checkpoints.steps()
  kept = f"the checkpoint of step {steps[-1]} is kept" if steps else "no checkpoint was written before"
  return NonFiniteTerm(f"{what}: training stopped, {kept}; lower --config.learning_rate, or train in float32")


def _validate(trainer, validator, folder, step):
  """Scores the generator, keeps it where it is the best so far, and writes the preview sheet."""
  values, sheet = validator(trainer.generator)
  for name in validator.improved([record for record in folder.records() if record["kind"] == "validation"], values):
    folder.save_generator(trainer.generator, f"best_{name}")
  folder.log(step, "validation", values)
  folder.preview(step, sheet)
  return values
