# SPDX-License-Identifier: Apache-2.0
# The benchmark programs and `make bench`; see bench/README.md.

BENCH_SHARED := bench/fail.c bench/load/histogram.c bench/load/batch.c bench/load/kafka.c \
                bench/load/script.c bench/limits/kafka.c
BENCH_LOAD := bench/load/main.c bench/load/engine.c bench/load/setup.c
BENCH_LIMIT := $(filter-out bench/limits/kafka.c,$(sort $(wildcard bench/limits/*.c)))
BENCH_BIN := $(addprefix $(B)/bench/,load limit ready empty wire)

$(B)/obj/bench/%.o $(B)/obj/tests/unit/bench/%.o: CPPFLAGS += -Ibench
$(B)/bench.a: $(call obj,$(BENCH_SHARED))
$(B)/bench/load: $(call obj,$(BENCH_LOAD)) $(B)/bench.a $(B)/common.a $(B)/os-linux.a
$(B)/bench/limit: $(call obj,$(BENCH_LIMIT)) $(B)/bench.a $(B)/common.a $(B)/os-linux.a
$(B)/bench/ready: $(call obj,bench/start/ready.c bench/fail.c)
$(B)/bench/empty: $(call obj,bench/start/empty.c)
$(B)/bench/wire: $(call obj,$(wildcard bench/wire/*.c) bench/fail.c) $(B)/common.a $(B)/os-linux.a
$(BENCH_BIN):
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LD  $@")
	$(Q)$(CC) $(LDFLAGS) -o $@ -Wl,--start-group $^ -Wl,--end-group $(LIBS)

$(filter $(B)/tests/unit/bench/%,$(UNIT_BIN)): $(B)/bench.a

.PHONY: bench-programs
bench-programs: $(BENCH_BIN)

.PHONY: bench
bench: ## speed beside the limit programs; T=row limits it (T=wire: codecs), PAIRS=5 WINDOW_MS=500
	@$(MAKE) -s -j$(JOBS) all bench-programs
	@if [ '$(T)' = wire ]; then BUILD=$(B) bench/wire/run; else BUILD=$(B) bench/run $(T); fi

integration: bench-programs
