// SPDX-License-Identifier: Apache-2.0
// The driver of KafkaJS, which consumes only as member of a group.
'use strict'

const kafkajs = require('kafkajs')
const { version } = require('kafkajs/package.json')
const snappy = require('kafkajs-snappy')
const lz4 = require('lz4-napi')
const zstd = require('@mongodb-js/zstd')
const contract = require('./contract')

const { CompressionCodecs, CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = kafkajs
CompressionCodecs[CompressionTypes.Snappy] = snappy
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: encoder => lz4.compressFrame(encoder.buffer),
  decompress: buffer => lz4.decompressFrame(buffer)
})
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: encoder => zstd.compress(encoder.buffer, 3),
  decompress: buffer => zstd.decompress(buffer)
})
const CODECS = { none: 'None', gzip: 'GZIP', snappy: 'Snappy', lz4: 'LZ4', zstd: 'ZSTD' }
const BATCH_BYTES = 800000 // KafkaJS makes one batch per partition of what a call is given

const kafka = new Kafka({ brokers: [process.argv[2]], logLevel: logLevel.ERROR })
let groups = 0

async function admin (call) {
  const client = kafka.admin()
  await client.connect()
  try {
    return await call(client)
  } finally {
    await client.disconnect()
  }
}

function message (r) {
  const m = { key: r.key, value: r.value, timestamp: String(r.timestamp) }
  if (r.partition !== null) m.partition = r.partition
  if (r.headers.length) m.headers = Object.fromEntries(r.headers)
  return m
}

// One call for each slice of the file that stays below the limit of a batch.
async function send (producer, topic, codec, records) {
  let slice = []
  let size = 0
  const go = async () => {
    const compression = CompressionTypes[CODECS[codec]]
    if (slice.length) await producer.send({ topic, acks: -1, compression, messages: slice })
    slice = []
    size = 0
  }
  for (const r of records) {
    const more = (r.value ? r.value.length : 0) + 200
    if (size + more > BATCH_BYTES) await go()
    slice.push(message(r))
    size += more
  }
  await go()
}

async function produce (topic, codec, path, mode) {
  const idempotent = mode === 'idempotent'
  const producer = kafka.producer({
    idempotent,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    maxInFlightRequests: 1
  })
  await producer.connect()
  try {
    await send(producer, topic, codec, contract.records(path))
  } finally {
    await producer.disconnect()
  }
}

async function transaction (topic, path) {
  const records = contract.records(path)
  const producer = kafka.producer({ transactionalId: topic, maxInFlightRequests: 1 })
  await producer.connect()
  for (const end of ['commit', 'abort']) {
    const open = await producer.transaction()
    await send(open, topic, 'none', records)
    await open[end]()
  }
  await producer.disconnect()
}

const byPartition = (rows, name) => Object.fromEntries(rows.map(r => [r.partition, Number(r[name])]))

async function begin (a, topic, where) {
  if (where.partition !== null) return { [where.partition]: where.offset }
  if (where.ms !== null) return byPartition(await a.fetchTopicOffsetsByTimestamp(topic, where.ms), 'offset')
  return byPartition(await a.fetchTopicOffsets(topic), 'low')
}

// Reads in a group until `each(batch, done)` calls done; `started(consumer, done)` is called each time
// that it has joined, before anything is fetched.
async function read (topic, groupId, options, started, each) {
  const consumer = kafka.consumer({ groupId, ...options })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  let heard = Date.now()
  let over = false
  try {
    await new Promise((resolve, reject) => {
      const done = () => {
        over = true
        resolve()
      }
      const silence = setInterval(() => {
        if (Date.now() - heard > contract.SILENCE_MS) reject(new Error('nothing came'))
      }, 1000)
      silence.unref()
      consumer.on(consumer.events.GROUP_JOIN, () => over || started(consumer, done))
      consumer.run({
        eachBatchAutoResolve: true,
        eachBatch: async ({ batch }) => {
          heard = Date.now()
          try {
            each(batch, done)
          } catch (why) {
            reject(why)
          }
        }
      }).catch(reject)
    })
  } finally {
    await consumer.disconnect()
  }
}

function write (out, partition, m) {
  out.write(partition, m.offset, m.timestamp, m.key, Object.entries(m.headers || {}), m.value)
}

async function consume (topic, word, path) {
  const where = contract.where(word)
  const [at, ends] = await admin(async a => [await begin(a, topic, where),
    byPartition(await a.fetchTopicOffsets(topic), 'high')])
  const next = { ...at }
  const behind = () => Object.keys(at).some(p => next[p] < ends[p])
  const out = new contract.Out(path)
  const started = (consumer, done) => {
    if (!behind()) done()
    for (const p of Object.keys(at)) consumer.seek({ topic, partition: Number(p), offset: String(at[p]) })
  }
  const each = (batch, done) => {
    const p = batch.partition
    for (const m of batch.messages) {
      if (p in at && Number(m.offset) === Math.max(next[p], Number(m.offset))) {
        write(out, p, m)
        next[p] = Number(m.offset) + 1
      }
    }
    if (p in at) next[p] = Math.max(next[p], Number(batch.lastOffset()) + 1)
    if (!behind()) done()
  }
  const groupId = `${topic}-${process.pid}-${groups++}`
  try {
    await read(topic, groupId, { readUncommitted: !where.committed }, started, each)
  } finally {
    out.close()
  }
}

async function group (topic, groupId, count, path) {
  const out = new contract.Out(path)
  const each = (batch, done) => {
    for (const m of batch.messages) write(out, batch.partition, m)
    if (out.count >= Number(count)) done()
  }
  try {
    await read(topic, groupId, {}, () => {}, each)
  } finally {
    out.close()
  }
}

const offsets = (topic, what) => admin(async a => {
  if (what === 'earliest') return byPartition(await a.fetchTopicOffsets(topic), 'low')
  if (what === 'latest') return byPartition(await a.fetchTopicOffsets(topic), 'high')
  return byPartition(await a.fetchTopicOffsetsByTimestamp(topic, Number(what)), 'offset')
})

const describe = topic => admin(async a => {
  const { topics: [found] } = await a.fetchTopicMetadata({ topics: [topic] })
  const first = found.partitions[0]
  return { partitions: found.partitions.length, replicas: first.replicas.length, isr: first.isr.length }
})

const resource = name => ({ type: ConfigResourceTypes.TOPIC, name })

const configs = topic => admin(async a => {
  const answer = await a.describeConfigs({ resources: [resource(topic)], includeSynonyms: false })
  return Object.fromEntries(answer.resources[0].configEntries.map(e => [e.configName, e.configValue]))
})

const alter = (topic, setting) => admin(async a => {
  const [name, value] = setting.split('=')
  await a.alterConfigs({ resources: [{ ...resource(topic), configEntries: [{ name, value }] }] })
})

contract.run({
  hello: () => version,
  produce,
  transaction,
  consume,
  group,
  offsets,
  describe,
  configs,
  alter,
  create: (topic, n) => admin(async a => {
    const made = await a.createTopics({ topics: [{ topic, numPartitions: Number(n) }] })
    if (!made) throw new Error('the topic exists')
  }),
  delete: topic => admin(a => a.deleteTopics({ topics: [topic] })),
  partitions: (topic, n) => admin(async a => {
    await a.createPartitions({ topicPartitions: [{ topic, count: Number(n) }] })
  }),
  trim: (topic, partition, offset) => admin(async a => {
    await a.fetchTopicOffsets(topic) // deleteTopicRecords does not load the metadata that it needs
    await a.deleteTopicRecords({ topic, partitions: [{ partition: Number(partition), offset }] })
  })
})
