"""DPED's residual network and its sizes in the PIRM 2018 challenge on smartphones, which Mux/Demux is compared with."""
