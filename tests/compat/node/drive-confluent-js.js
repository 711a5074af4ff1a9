// SPDX-License-Identifier: Apache-2.0
// The driver of confluent-kafka-javascript, by its calls that are those of librdkafka.
'use strict'

require('./rdkafka')(require('@confluentinc/kafka-javascript'),
  require('@confluentinc/kafka-javascript/package.json').version)
