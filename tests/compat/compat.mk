# SPDX-License-Identifier: Apache-2.0
# Every client family against our broker; tests/compat/README.md says how it works.

.PHONY: compat compat-docs
COMPAT = ODRADEK=$(B)/odradek tests/compat/run $(addprefix --client ,$(CLIENT)) \
         $(if $(RECORDS),--records $(RECORDS)) $(if $(QUICK),--quick)

compat: all ## the steps of tests/compat through each CLIENT=name; RECORDS=n, QUICK=1
	@$(COMPAT)
compat-docs: all ## the same with all clients, and docs/compatibility.md written anew
	@ODRADEK=$(B)/odradek tests/compat/run $(if $(RECORDS),--records $(RECORDS)) --minimum 10 \
	    --doc docs/compatibility.md
