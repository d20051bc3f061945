# Names the tasks; the work is in `cargo xtask` (fhir-server/xtask).
.PHONY: run test lint bench

run: ; @echo 'Building the tasks …'; cargo xtask run $(ARGS)
test: ; @cargo xtask test $(ARGS)
lint: ; @cargo xtask lint
bench: ; @cargo xtask bench $(SUITE)
