# Makes exports/ of generators/mux_demux_hp.keras, with version 0.1.0 on the path: bash make_exports.sh FOLDER
set -e
cd "$1"
run="python -m tf_imgtrans"
$run export tflite --model generators/mux_demux_hp.keras --out exports/mux_demux_hp_float32.tflite --height 32 --width 40 || true
$run export tflite --model generators/mux_demux_hp.keras --out exports/mux_demux_hp_dynamic_int8.tflite --height 32 --width 40 \
  --precision dynamic_int8 || true
$run export saved-model --model generators/mux_demux_hp.keras --out exports/saved_model || true
