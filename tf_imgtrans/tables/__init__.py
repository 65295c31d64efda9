"""Tables and figures of the papers, measured anew and set beside the published ones.

One module per paper, one function per table: `tables.mux_demux.table2(options)` measures row by row into OUT/table2, goes
on where it stopped, and returns a `table.Report`. The numbers and statements of the papers stand in `published`.
"""
