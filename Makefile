# Names the tasks; the work is in `cargo xtask` (fhir-server/xtask).
.PHONY: run test lint bench tasks

run: tasks ; @cargo xtask run $(ARGS)
test: tasks ; @cargo xtask test $(ARGS)
lint: tasks ; @cargo xtask lint
bench: tasks ; @cargo xtask bench $(SUITE)

# The tasks themselves, first: `cargo xtask` alone would build them without a word.
tasks: ; @echo 'Building the tasks ...'; cargo build --package xtask
