// SPDX-License-Identifier: Apache-2.0
// The driver of node-rdkafka.
'use strict'

require('./rdkafka')(require('node-rdkafka'), require('node-rdkafka/package.json').version)
