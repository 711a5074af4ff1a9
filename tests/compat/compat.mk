# SPDX-License-Identifier: Apache-2.0
# Every client family against our broker; tests/compat/README.md says how it works.

.PHONY: packages-compat compat compat-docs compat-tools librdkafka-suite
COMPAT = ODRADEK=$(B)/odradek tests/compat/run.py $(addprefix --client ,$(CLIENT)) \
         $(if $(RECORDS),--records $(RECORDS)) $(if $(QUICK),--quick --seconds 720)

packages-compat:
	@command -v python3 >/dev/null || tools/install-packages compat

compat: packages-compat all ## the steps of tests/compat through each CLIENT=name; RECORDS=n, QUICK=1
	@$(COMPAT)
	$(if $(CLIENT)$(QUICK),,@$(MAKE) compat-tools)
compat-tools: packages-compat all ## Apache Kafka's own command-line tools against our broker
	@ODRADEK=$(B)/odradek tests/compat/kafka-tools $(if $(RECORDS),--records $(RECORDS))
	@for r in 4.4 3.9; do \
	    ODRADEK=$(B)/odradek RELEASE=$$r sh tests/peers/test_dump_log.sh || [ $$? -eq 77 ] || exit 1; \
	done
compat-docs: packages-compat all ## both with everything, and docs/compatibility.md, docs/kafka-tools.md
	@ODRADEK=$(B)/odradek tests/compat/run.py $(if $(RECORDS),--records $(RECORDS)) --minimum 10 \
	    --doc docs/compatibility.md
	@ODRADEK=$(B)/odradek tests/compat/kafka-tools $(if $(RECORDS),--records $(RECORDS)) \
	    --doc docs/kafka-tools.md
librdkafka-suite: packages-compat all ## librdkafka's own broker tests, docs/librdkafka-suite.md; TESTS="0012 0081"
	@ODRADEK=$(B)/odradek tests/compat/librdkafka-suite \
	    $(if $(TESTS),--tests "$(TESTS)",--doc docs/librdkafka-suite.md)
