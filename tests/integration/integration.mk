# SPDX-License-Identifier: Apache-2.0
# The programs of the integration tests; each test_*.sh runs some of them against a real broker.

IT_SHARED := $(addprefix tests/integration/,raw.c ask.c admin.c)
IT_SEMANTICS := $(sort $(wildcard tests/integration/semantics_*.c))
IT_HOSTILE := $(sort $(wildcard tests/integration/hostile*.c))
IT_BIN := $(addprefix $(B)/tests/integration/,semantics frozen survival hostile recorder fenced \
    liar plant transactions)
FREEZE_SYNC := $(B)/tests/integration/freeze_sync.so

$(B)/obj/tests/integration/%.o: CPPFLAGS += -Itests/integration
$(B)/tests/integration/semantics: $(call obj,$(IT_SEMANTICS) $(IT_SHARED)) $(TESTLIB)
$(B)/tests/integration/frozen: $(call obj,tests/integration/frozen.c $(IT_SHARED)) $(TESTLIB)
$(B)/tests/integration/fenced: $(call obj,tests/integration/fenced.c $(IT_SHARED)) $(TESTLIB)
$(B)/tests/integration/survival: $(call obj,tests/integration/survival.c $(IT_SHARED)) $(TESTLIB)
$(B)/tests/integration/hostile: $(call obj,$(IT_HOSTILE) $(IT_SHARED)) $(TESTLIB)
$(B)/tests/integration/plant: $(call obj,tests/integration/plant.c)
$(B)/tests/integration/transactions: $(call obj,tests/integration/transactions.c $(IT_SHARED)) $(TESTLIB)
$(B)/tests/integration/recorder: $(call obj,tests/integration/recorder.c)
$(B)/tests/integration/liar: $(call obj,tests/integration/liar.c)
$(IT_BIN): $(B)/common.a $(B)/os-linux.a
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LD  $@")
	$(Q)$(CC) $(LDFLAGS) -o $@ -Wl,--start-group $^ -Wl,--end-group $(LIBS) -lcmocka

$(FREEZE_SYNC): tests/integration/freeze_sync.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 -D_GNU_SOURCE $(WARN) -O1 -shared -fPIC -o $@ $<

integration: $(IT_BIN) $(FREEZE_SYNC) $(B)/tests/unit/wire/test_captured
