# SPDX-License-Identifier: Apache-2.0
# Apache Kafka beside us: tests/peers/kafka starts it, tests/peers/kafka-tool runs its tools.

KAFKA ?= 4.4
KAFKA_DIR = $${TMPDIR:-/tmp}/odradek-kafka-$(KAFKA)-$$(id -u)

.PHONY: kafka-up kafka-down packages-peers
packages-peers:
	@tools/install-packages peers

kafka-up: packages-peers ## start Apache Kafka on loopback: KAFKA=4.4|3.9|3.9-zookeeper, PORT=n
	@PORT=$(PORT) tests/peers/kafka up $(KAFKA) "$(KAFKA_DIR)"
kafka-down: ## stop it and remove its data: KAFKA=4.4|3.9|3.9-zookeeper
	@tests/peers/kafka down "$(KAFKA_DIR)"
