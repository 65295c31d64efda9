"""The Mux/Demux networks trained to improve photographs of phones, and to leave good photographs as they are."""
