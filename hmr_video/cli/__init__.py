"""The command line: parse, call, report. No algorithm lives here."""
