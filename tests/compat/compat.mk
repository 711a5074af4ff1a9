# SPDX-License-Identifier: Apache-2.0
# Every client family against our broker; tests/compat/README.md says how it works.

.PHONY: compat compat-docs librdkafka-suite
COMPAT = ODRADEK=$(B)/odradek tests/compat/run.py $(addprefix --client ,$(CLIENT)) \
         $(if $(RECORDS),--records $(RECORDS)) $(if $(QUICK),--quick)

compat: all ## the steps of tests/compat through each CLIENT=name; RECORDS=n, QUICK=1
	@$(COMPAT)
compat-docs: all ## the same with all clients, and docs/compatibility.md written anew
	@ODRADEK=$(B)/odradek tests/compat/run.py $(if $(RECORDS),--records $(RECORDS)) --minimum 10 \
	    --doc docs/compatibility.md

librdkafka-suite: all ## librdkafka's own broker tests, docs/librdkafka-suite.md; TESTS="0012 0081"
	@ODRADEK=$(B)/odradek tests/compat/librdkafka-suite \
	    $(if $(TESTS),--tests "$(TESTS)",--doc docs/librdkafka-suite.md)
