# SPDX-License-Identifier: Apache-2.0
# The same conversations with Apache Kafka and with us; see tests/differential/README.md.

DIFFERENTIAL := $(B)/tests/differential/differential
DIFFERENTIAL_SRC := $(sort $(wildcard tests/differential/*.c)) tests/integration/raw.c

$(B)/obj/tests/differential/%.o: CPPFLAGS += -Itests/integration -Itests/differential
$(DIFFERENTIAL): $(call obj,$(DIFFERENTIAL_SRC)) $(B)/common.a $(B)/os-linux.a
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LD  $@")
	$(Q)$(CC) $(LDFLAGS) -o $@ -Wl,--start-group $^ -Wl,--end-group $(LIBS) -ljansson

.PHONY: differential
differential: packages-peers ## compare our answers with Apache Kafka's; QUICK=1, T=api limits it
	@$(MAKE) -j$(JOBS) all $(DIFFERENTIAL)
	@ODRADEK=$(B)/odradek DIFFERENTIAL=$(DIFFERENTIAL) tests/differential/run $(if $(QUICK),--quick) $(T) \
	    || { [ $$? -eq 77 ] && echo 'differential: SKIP, nothing was compared'; }
