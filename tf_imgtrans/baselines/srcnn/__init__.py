"""SRCNN in the form of the PIRM 2018 challenge on smartphones, which Mux/Demux is compared with."""
