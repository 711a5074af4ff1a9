# SPDX-License-Identifier: Apache-2.0
# Builds, tests and runs everything; `make help` lists the targets.
#
# PROFILE=release|asan|tsan|cov chooses flags and the folder build/<profile>.  CC=clang works too.

MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.SECONDARY:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

PROFILE ?= release
ifeq ($(origin CC),default)
CC := gcc
endif
CXX := $(if $(findstring clang,$(CC)),clang++,g++)
JOBS ?= $(shell nproc)
# V=1 prints the commands.
Q := $(if $(V),,@)
B := build/$(PROFILE)

WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wswitch \
        -Wno-sign-conversion $(if $(WERROR),-Werror)
VERSION := 0.1.0
CPPFLAGS := -D_GNU_SOURCE -DOD_VERSION=\"$(VERSION)\" -Isrc -I$(B)/gen -include base/banned.h
CFLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
LDFLAGS_release := -pie -Wl,-z,relro,-z,now
CFLAGS_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS_tsan := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
CFLAGS_cov := -O0 -g --coverage
CFLAGS_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
CFLAGS := -std=gnu17 $(WARN) $(CFLAGS_$(PROFILE))
LDFLAGS := $(if $(LDFLAGS_$(PROFILE)),$(LDFLAGS_$(PROFILE)),$(CFLAGS_$(PROFILE)))
LIBS := -lisal -lzstd -llz4 -lsnappy -lz -ljansson -lre2 -lstdc++ -lpthread

# --- sources -----------------------------------------------------------------------------------
SRC := $(sort $(shell find src -name '*.c'))
OS_LINUX := $(filter src/os/linux/%,$(SRC))
OS_SIM := $(filter src/os/sim/%,$(SRC))
MAIN := $(filter src/main/%,$(SRC))
COMMON := $(filter-out $(OS_LINUX) $(OS_SIM) $(MAIN),$(SRC))
COMMON_CC := $(sort $(shell find src -name '*.cc'))
obj = $(patsubst %.c,$(B)/obj/%.o,$(patsubst %.cc,$(B)/obj/%.o,$(1)))

# --- generated codecs --------------------------------------------------------------------------
# One run of the schema compiler writes all files; unchanged ones keep their time.
MSGS := $(sort $(wildcard schema/api/*.msg schema/records/*.msg))
SCHEMAC := build/tools/schemac
GEN := $(B)/gen/wire/codecs \
       $(shell ls schema/api | sed -nE 's|^[0-9]+_(.*)\.msg$$|$(B)/gen/wire/api/\1|p') \
       $(patsubst schema/records/%.msg,$(B)/gen/wire/records/%,$(filter schema/records/%,$(MSGS)))
GEN_STAMP := $(B)/gen/wire.stamp
GEN_OBJ := $(addsuffix .o,$(GEN))

COMPARE := build/tools/schema_compare
COMPARE_SRC := tools/schema_compare.c tools/schema_kafka.c
$(SCHEMAC): $(filter-out $(COMPARE_SRC) tools/schema_kafka.h,$(wildcard tools/schema*.c tools/schema*.h))
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC  $@")
	$(Q)$(CC) -std=gnu17 -D_GNU_SOURCE $(WARN) -O1 -g -o $@ $(filter %.c,$^)

$(COMPARE): $(COMPARE_SRC) tools/schema_parse.c tools/schema.h tools/schema_kafka.h
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC  $@")
	$(Q)$(CC) -std=gnu17 -D_GNU_SOURCE $(WARN) -O1 -g -o $@ $(filter %.c,$^) -ljansson

$(GEN_STAMP): $(SCHEMAC) $(MSGS)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  GEN $(words $(MSGS)) messages")
	$(Q)$(SCHEMAC) --out $(B)/gen $(MSGS)
	@touch $@
$(addsuffix .c,$(GEN)) $(addsuffix .h,$(filter-out %/codecs,$(GEN))): $(GEN_STAMP) ;

$(B)/gen/%.o: $(B)/gen/%.c
	$(if $(V),,@echo "  CC  $<")
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# --- tests -------------------------------------------------------------------------------------
TESTLIB := $(B)/obj/tests/lib/test.o
UNIT := $(sort $(shell find tests/unit -name 'test_*.c'))
UNIT_BIN := $(patsubst tests/%.c,$(B)/tests/%,$(UNIT))

.PHONY: all golden fuzz fuzz-run fuzz-replay test unit docs check-docs crash-enum stress sim mutants integration lint packages packages-test run demo schema-compare asan tsan cov fmt install clean help

all: $(B)/common.a $(B)/os-linux.a $(if $(MAIN),$(B)/odradek) ## build the broker: build/release/odradek

$(B)/odradek: $(call obj,$(MAIN)) $(B)/common.a $(B)/os-linux.a
	$(if $(V),,@echo "  LD  $@")
	$(Q)$(CC) $(LDFLAGS) -o $@ -Wl,--start-group $^ -Wl,--end-group $(LIBS)

$(B)/common.a: $(call obj,$(COMMON) $(COMMON_CC)) $(GEN_OBJ)
$(B)/os-linux.a: $(call obj,$(OS_LINUX))
$(B)/os-sim.a: $(call obj,$(OS_SIM))
$(B)/%.a:
	@rm -f $@
	$(Q)ar qcs $@ $^

$(B)/obj/%.o: %.c | $(GEN_STAMP)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC  $<")
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
# C++ without what C code cannot meet; nothing in it has virtual functions.
CXXFLAGS := -std=gnu++17 -fno-exceptions -fno-rtti -Wall -Wextra $(if $(WERROR),-Werror) \
            $(CFLAGS_$(PROFILE)) \
            $(if $(findstring sanitize=,$(CFLAGS_$(PROFILE))),-fno-sanitize=vptr \
                $(if $(findstring clang,$(CC)),-fno-sanitize=function))
$(B)/obj/%.o: %.cc
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CXX $<")
	$(Q)$(CXX) -Isrc -D_GNU_SOURCE $(CXXFLAGS) -MMD -MP -c -o $@ $<
$(B)/obj/tests/%.o: CPPFLAGS += -Itests/lib -DOD_ALLOW_MALLOC
$(B)/obj/src/base/mem.o: CPPFLAGS += -DOD_ALLOW_MALLOC

# Tests that stand between the code and the system wrap what they replace.
WRAP_FILES := -Wl,--wrap=od_file_open,--wrap=od_file_write,--wrap=od_file_sync \
              -Wl,--wrap=od_file_truncate,--wrap=od_path_rename,--wrap=od_path_remove,--wrap=od_dir_sync
LINK_test_damage := $(WRAP_FILES)
LINK_test_faults := $(WRAP_FILES)
LINK_test_producer_faults := $(WRAP_FILES)
LINK_test_clean_faults := $(WRAP_FILES)
LINK_test_local := $(WRAP_FILES)
LINK_test_reserve := -Wl,--wrap=od_file_write,--wrap=od_file_truncate,--wrap=od_file_preallocate \
                     -Wl,--wrap=od_dir_space
# Every system call of src/os/linux that can fail; tools/check-calls compares.
OS_CALLS := open pread pwrite pwritev fdatasync ftruncate fstat fallocate sync_file_range syscall \
            rename remove mkdir stat fsync opendir readdir fcntl statvfs realpath socket bind listen \
            getsockname accept4 connect recv sendmsg sendfile epoll_create1 epoll_ctl epoll_wait \
            eventfd signalfd pthread_create getrandom sysinfo sched_getaffinity fopen \
            getaddrinfo
LINK_test_failures := $(foreach call,$(OS_CALLS),-Wl,--wrap=$(call))
$(B)/tests/unit/%: $(B)/obj/tests/unit/%.o $(TESTLIB) $(B)/common.a $(B)/os-linux.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) $(LINK_$(notdir $@)) -o $@ -Wl,--start-group $^ -Wl,--end-group $(LIBS) -lcmocka

# --- integration -------------------------------------------------------------------------------
RDKAFKA_CLIENT := $(addprefix $(B)/tests/integration/,rdkafka_client rdkafka_groups)
$(RDKAFKA_CLIENT): $(B)/tests/integration/%: tests/integration/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 -Wall -Wextra $(CFLAGS_$(PROFILE)) $(LDFLAGS) -o $@ $< -lrdkafka

integration: all $(RDKAFKA_CLIENT) ## kcat, librdkafka and raw clients against a real broker
	@for t in $(sort $(wildcard tests/integration/test_*.sh)); do \
	    ODRADEK=$(B)/odradek BUILD=$(B) sh $$t || exit 1; done

N ?= 100000
crash-enum: $(B)/tests/unit/storage/test_crash_enum ## N=100000 cuts and turned bits of every kind of file; SEED=1
	@CRASH_ENUM_STATES=$(N) CRASH_ENUM_SEED=$(SEED) $< 2>$(B)/crash-enum.log || \
	    { grep WRONG $(B)/crash-enum.log; exit 1; }

stress: ## producers and consumers at once on a broker built with ThreadSanitizer
	@$(MAKE) -j$(JOBS) PROFILE=tsan all
	@$(MAKE) -j$(JOBS) bench-programs
	@ODRADEK=build/tsan/odradek LOAD=$(B)/bench/load sh tests/integration/stress.sh

lint: ## what a script can check: layers, sizes, headers that compile alone
	@tools/check-layers
	@tools/check-style
	@$(MAKE) -s $(GEN_STAMP) $(B)/os-linux.a
	@tools/check-calls $(B)/os-linux.a $(OS_CALLS)
	@tools/check-headers $(CC) -std=gnu17 $(CPPFLAGS)

packages:
	@tools/install-packages build
packages-test:
	@tools/install-packages test

test: packages-test ## everything that must be green before a commit
	@$(MAKE) -j$(JOBS) all
	@$(MAKE) lint check-docs
	@$(MAKE) -j$(JOBS) unit
	@$(MAKE) -j$(JOBS) sim SEEDS=200
	@$(MAKE) -j$(JOBS) fuzz-replay
	@$(MAKE) integration

run: packages ## install what is missing, build, start a broker on localhost:9092
	@$(MAKE) -j$(JOBS) all
	@echo 'Next, in another terminal:'
	@echo '  echo hello | $(B)/odradek produce greetings'
	@echo '  $(B)/odradek consume greetings --exit'
	@exec $(B)/odradek server

demo: packages-test ## this system's package index through six partitions with each codec, and back
	@$(MAKE) -j$(JOBS) all
	@ODRADEK=$(B)/odradek tools/demo

schema-compare: $(COMPARE) ## our messages beside Kafka's: DIR=folder/RELEASE/.../Name.json
	@$(COMPARE) schema/compare-exceptions.txt $(or $(DIR),$(error say DIR=folder)) $(MSGS)

asan tsan cov: ## unit tests under this profile, in build/<profile>
	@$(MAKE) -j$(JOBS) PROFILE=$@ unit

fmt: ## format the sources with clang-format
	clang-format -i $(shell git ls-files '*.c' '*.h')

PREFIX ?= /usr/local
install: all ## copy the binary to $(PREFIX)/bin
	install -D -m 755 $(B)/odradek $(DESTDIR)$(PREFIX)/bin/odradek

unit: $(UNIT_BIN) ## build and run the unit tests; T=path limits them
	@tools/run-tests $(filter $(B)/tests/unit/$(T)%,$^)

docs: all ## write the generated references in docs/ anew
	@$(B)/odradek config document >docs/configuration.md
	@$(B)/odradek protocol document >docs/protocol.md
	@$(B)/odradek commands document >docs/command-line.md

# Needs Go and the module; the tests need only what it wrote.
KMSG := tests/unit/wire/foreign/kmsg.txt
golden: ## write the messages of a foreign library anew, after a schema has got a version
	@cd bench/wire/kmsg && go run ./golden $(CURDIR)/schema >$(CURDIR)/$(KMSG).new
	@mv $(KMSG).new $(KMSG)

check-docs: all
	@$(B)/odradek config document | cmp - docs/configuration.md
	@$(B)/odradek protocol document | cmp - docs/protocol.md
	@$(B)/odradek commands document | cmp - docs/command-line.md
	@echo "docs: ok"

# --- simulation --------------------------------------------------------------------------------
SIM_TESTS := $(sort $(wildcard tests/sim/*.c))
SEEDS ?= 200
SEED ?= 1
$(B)/obj/tests/sim/%.o: CPPFLAGS += -Itests/sim

$(B)/sim: $(call obj,$(SIM_TESTS)) $(B)/common.a $(B)/os-sim.a
	$(if $(V),,@echo "  LD  $@")
	$(Q)$(CC) $(LDFLAGS) -o $@ $(call obj,$(SIM_TESTS)) -Wl,--start-group $(B)/common.a $(B)/os-sim.a \
	    -Wl,--end-group $(LIBS)

sim: $(B)/sim ## simulate SEEDS=200 histories from SEED=1; T=scenario, V=1 for a trace
	$(Q)ASAN_OPTIONS=detect_leaks=0 $(B)/sim --seeds $(SEEDS) --first $(SEED) $(if $(T),--scenario $(T)) \
	    $(if $(V),--verbose)

mutants: SEEDS := 1000
mutants: $(B)/sim ## each seeded bug must be found within SEEDS=1000; MUTANTS=names
	@tools/run-mutants $(B) $(SEEDS) "$(LIBS)" "$(MUTANTS)" -- \
	    $(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)

# --- fuzzing -----------------------------------------------------------------------------------
FUZZ := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_SECONDS ?= 60
FUZZ_RUNS ?=
FUZZ_LIMIT = $(if $(FUZZ_RUNS),-runs=$(FUZZ_RUNS),-max_total_time=$(FUZZ_SECONDS))
FUZZ_LINK = $(Q)$(CC) $(LDFLAGS) $(1) -o $@ -Wl,--start-group $(filter %.o %.a,$^) -Wl,--end-group \
            $(LIBS)

$(B)/fuzz/%: $(B)/obj/tests/fuzz/fuzz_%.o $(B)/common.a $(B)/os-linux.a
	@mkdir -p $(@D)
	$(call FUZZ_LINK,-fsanitize=fuzzer)
$(B)/fuzz-replay/%: $(B)/obj/tests/fuzz/fuzz_%.o $(B)/obj/tests/fuzz/replay.o $(B)/common.a \
    $(B)/os-linux.a
	@mkdir -p $(@D)
	$(call FUZZ_LINK)

fuzz: ## fuzz with clang for FUZZ_SECONDS or FUZZ_RUNS executions each; T=target limits them
	@$(MAKE) -j$(JOBS) PROFILE=fuzz CC=clang fuzz-run
fuzz-run: $(addprefix $(B)/fuzz/,$(filter $(or $(T),%),$(FUZZ)))
	$(Q)for t in $(^F); do mkdir -p $(B)/corpus/$$t; echo "  FUZZ $$t"; \
	    $(B)/fuzz/$$t $(FUZZ_LIMIT) -rss_limit_mb=1024 -print_final_stats=1 \
	        -artifact_prefix=$(B)/ $(B)/corpus/$$t tests/fuzz/corpus/$$t \
	        2>$(B)/$$t.log || { tail -40 $(B)/$$t.log; exit 1; }; \
	    grep -E 'number_of_executed|new_units|^Done' $(B)/$$t.log; done

fuzz-replay: $(addprefix $(B)/fuzz-replay/,$(filter $(or $(T),%),$(FUZZ))) ## past findings again, with any compiler
	$(Q)for t in $(^F); do $(B)/fuzz-replay/$$t tests/fuzz/corpus/$$t || exit 1; done

include bench/bench.mk
include tests/integration/integration.mk
include tests/peers/peers.mk
include tests/compat/compat.mk
include tests/differential/differential.mk

clean: ## remove everything that was built
	rm -rf build

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' Makefile $(wildcard */*.mk */*/*.mk) | sed -E 's/:.*## /\t/' | expand -t 16

-include $(shell find $(B)/obj $(B)/gen -name '*.d' 2>/dev/null)
