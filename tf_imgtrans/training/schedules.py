"""Learning rates that depend on the step."""

import keras


def halved(learning_rate, halve_at):
  """A learning rate that is halved after some steps.

  Args:
    learning_rate: float, of the first step.
    halve_at: ascending ints, the steps; without any the rate is constant.
  Returns:
    float, or keras.optimizers.schedules.LearningRateSchedule.
  """
  if not halve_at:
    return learning_rate
  # The schedule counts from 0 and keeps a rate up to and at its boundary.
  return keras.optimizers.schedules.PiecewiseConstantDecay(
      [step - 1 for step in halve_at], [learning_rate / 2 ** index for index in range(len(halve_at) + 1)])
