# Makes the run folders and exports here, with version 0.1.0 on the path:
#   bash make_runs.sh EMPTY_FOLDER
# Afterwards clean.py takes away what no test needs.
set -e
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1" && cd "$1"
python "$here/make_data.py" data
run="python -m tf_imgtrans"
often="--log_every 1 --validate_every 2 --checkpoint_every 2 --keep 1 --validation_share 0.3 --validation_pictures 2"

$run train mux_demux --data data/pairs --out runs/mux_demux $often --config.growth_half 2 --config.growth_quarter 2 \
  --config.discriminator_channels 2 4 4 4 4 --config.discriminator_dense 4 --config.weight_perceptual 0 \
  --config.weight_contextual 0 --config.patch_size 32 --config.batch_size 2 --config.iterations 4
$run train x_gans --data data/photographs --out runs/x_gans $often --config.image_size 16 --config.block_size 8 \
  --config.tile_size 4 8 --config.base_channels 2 --config.residual_blocks 1 --config.discriminators 1 \
  --config.discriminator_channels 1 --config.weight_perceptual 0 --config.batch_size 2 --config.iterations 4
$run train feature_pyramid_pan --data data/streets --out runs/feature_pyramid_pan $often --config.label_set camvid \
  --config.image_size 32 --config.load_size 36 --config.base_channels 1 --config.discriminator_channels 1 \
  --config.levels 1 --config.low_levels 1 --config.batch_size 2 --config.iterations 4
# Five steps. --keep 9 and clean.py leave the checkpoint of step 2, so that there is something to resume: a schedule that
# ends with its last stage cannot be made longer.
$run train progressive_pan --data data/photographs --out runs/progressive_pan $often --keep 9 --config.input_size 8 \
  --config.output_size 16 --config.channel_base 32 --config.channels_max 4 --config.stable 4 --config.fade 4 \
  --config.minibatch 4 2 --config.replicas 1 --config.average_half_life 8
$run train baseline --name pix2pix --data data/pairs --out runs/pix2pix $often --config.label_set none \
  --config.image_size 32 --config.load_size 36 --config.base_channels 1 --config.discriminator_channels 1 \
  --config.batch_size 2 --config.iterations 4
# SRCNN has 69,249 weights and Adam as many numbers twice, which are noise to a packer. So its first step is followed by
# weights that repeat, and those by two more steps, which keep that (repeat_weights.py).
$run train baseline --name srcnn --data data/pairs --out runs/srcnn $often --config.patch_size 16 --config.batch_size 2 \
  --config.iterations 1
python "$here/repeat_weights.py" runs/srcnn/checkpoints/step-00000001.npz
$run train baseline --resume --out runs/srcnn --config.iterations 3
$run train baseline --name on_demand --data data/photographs --out runs/on_demand $often --config.image_size 16 \
  --config.base_channels 1 --config.batch_size 5 --config.adaptation_pictures 2 --config.iterations 4
$run train baseline --name esrgan --data data/photographs --out runs/esrgan $often --config.channels 4 --config.blocks 1 \
  --config.growth 2 --config.patch_size 16 --config.batch_size 2 --config.halve_at 2 --config.iterations 4
$run train fcn8s --preset small --data data/streets --out runs/fcn8s $often --config.label_set camvid \
  --config.image_size 16 --config.load_size 32 --config.base_channels 1 --config.fc_channels 4 --config.batch_size 2 \
  --config.iterations 4
