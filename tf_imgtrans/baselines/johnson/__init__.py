"""The image transformation network of Johnson et al. (2016), which Mux/Demux is compared with."""
