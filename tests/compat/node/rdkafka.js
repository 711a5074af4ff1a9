// SPDX-License-Identifier: Apache-2.0
// The driver of the two Node bindings of librdkafka, whose calls are the same.
'use strict'

const contract = require('./contract')

const broker = process.argv[2]

// Sends each record and counts the delivery reports.
async function send (producer, topic, records) {
  let answered = 0
  let failure = null
  producer.on('delivery-report', error => {
    answered++
    failure = failure || error
  })
  producer.setPollInterval(5)
  for (const r of records) {
    const head = r.headers.map(([name, value]) => ({ [name]: value }))
    for (let sent = false; !sent;) {
      try {
        producer.produce(topic, r.partition, r.value, r.key, r.timestamp, null, head)
        sent = true
      } catch (why) {
        if (why.code !== -184) throw why // the queue is full
        await new Promise(resolve => setTimeout(resolve, 20))
      }
    }
  }
  await contract.called(2 * contract.SILENCE_MS, 'flush', cb => producer.flush(2 * contract.SILENCE_MS, cb))
  for (let tries = 0; answered < records.length && tries < 600; tries++) { // reports come by and by
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  if (failure) throw failure
  if (answered !== records.length) throw new Error(`${answered} of ${records.length} acknowledged`)
}

async function connected (client, use) {
  await contract.called(contract.CALL_MS, 'connect', cb => client.connect({}, cb))
  try {
    return await use(client)
  } finally {
    await contract.called(contract.CALL_MS, 'disconnect', cb => client.disconnect(cb))
  }
}

module.exports = function drive (library, version) {
  const { AdminClient, KafkaConsumer, Producer } = library

  const producer = settings => new Producer({ 'metadata.broker.list': broker, dr_cb: true, ...settings })

  const produce = (topic, codec, path, mode) => connected(producer({
    acks: -1,
    'linger.ms': 5,
    'compression.codec': codec,
    'enable.idempotence': mode === 'idempotent'
  }), p => send(p, topic, contract.records(path)))

  const transaction = (topic, path) => connected(producer({ 'transactional.id': topic }), async p => {
    const call = (name, ...args) => contract.called(contract.CALL_MS, name, cb => p[name](...args, cb))
    await call('initTransactions', contract.CALL_MS)
    for (const end of ['commitTransaction', 'abortTransaction']) {
      await call('beginTransaction')
      await send(p, topic, contract.records(path))
      p.removeAllListeners('delivery-report')
      await call(end, contract.CALL_MS)
    }
  })

  const consumer = settings => new KafkaConsumer(
    { 'metadata.broker.list': broker, 'enable.auto.commit': false, ...settings },
    { 'auto.offset.reset': 'earliest' })

  const metadata = (client, topic) => contract.called(contract.CALL_MS, 'metadata', cb =>
    client.getMetadata({ topic, timeout: contract.CALL_MS }, cb))

  async function partitions (client, topic) {
    const found = (await metadata(client, topic)).topics.find(t => t.name === topic)
    return found.partitions.map(p => p.id)
  }

  // {partition: [low, high]}
  async function marks (client, topic) {
    const found = {}
    for (const p of await partitions(client, topic)) {
      const { lowOffset, highOffset } = await contract.called(contract.CALL_MS, 'watermarks', cb =>
        client.queryWatermarkOffsets(topic, p, contract.CALL_MS, cb))
      found[p] = [lowOffset, highOffset]
    }
    return found
  }

  async function atTime (client, topic, ms) {
    const asked = (await partitions(client, topic)).map(partition => ({ topic, partition, offset: ms }))
    const found = await contract.called(contract.CALL_MS, 'offsets for times', cb =>
      client.offsetsForTimes(asked, contract.CALL_MS, cb))
    return Object.fromEntries(found.map(part => [part.partition, part.offset]))
  }

  async function begin (client, topic, where, known) {
    if (where.partition !== null) return { [where.partition]: where.offset }
    if (where.ms !== null) return atTime(client, topic, where.ms)
    return Object.fromEntries(Object.entries(known).map(([p, [low]]) => [p, low]))
  }

  function write (out, m) {
    const head = (m.headers || []).map(h => Object.entries(h)[0])
    out.write(m.partition, m.offset, m.timestamp, m.key, head, m.value)
  }

  // Consumes until `each(message)` or `ended(partition)` returns true.  An error, as that there is
  // no group coordinator, does not end an assignment.
  async function follow (client, each, ended) {
    let done = false
    let heard = Date.now()
    client.on('partition.eof', part => { done = done || ended(part) })
    client.setDefaultConsumeTimeout(500)
    while (!done) {
      const found = await new Promise(resolve => client.consume(5000, (error, messages) => {
        if (error) console.error(error)
        resolve(messages || [])
      }))
      for (const m of found) done = each(m) || done
      if (found.length) heard = Date.now()
      if (Date.now() - heard > contract.SILENCE_MS) throw new Error('nothing came')
    }
  }

  const consume = (topic, word, path) => {
    const where = contract.where(word)
    const client = consumer({
      'group.id': topic,
      'enable.partition.eof': true,
      'isolation.level': where.committed ? 'read_committed' : 'read_uncommitted'
    })
    return connected(client, async () => {
      const known = await marks(client, topic)
      const at = await begin(client, topic, where, known)
      const done = () => Object.keys(at).every(p => at[p] < 0 || at[p] >= known[p][1])
      if (done()) return
      const out = new contract.Out(path)
      client.assign(Object.keys(at).map(p => ({ topic, partition: Number(p), offset: at[p] })))
      const reached = (p, offset) => {
        at[p] = Math.max(at[p], offset)
        return done()
      }
      await follow(client, m => {
        if (m.offset < known[m.partition][1]) write(out, m)
        return reached(m.partition, m.offset + 1)
      }, part => reached(part.partition, part.offset))
      out.close()
    })
  }

  const group = (topic, name, count, path) => connected(consumer({ 'group.id': name }), async client => {
    const out = new contract.Out(path)
    client.subscribe([topic])
    await follow(client, m => {
      write(out, m)
      return out.count >= Number(count)
    }, () => false)
    client.commitSync(null)
    out.close()
  })

  const offsets = (topic, what) => connected(consumer({ 'group.id': topic }), async client => {
    if (what !== 'earliest' && what !== 'latest') return atTime(client, topic, Number(what))
    const which = what === 'earliest' ? 0 : 1
    return Object.fromEntries(Object.entries(await marks(client, topic)).map(([p, m]) => [p, m[which]]))
  })

  const describe = topic => connected(consumer({ 'group.id': topic, 'allow.auto.create.topics': false }),
    async client => {
      const found = (await metadata(client, topic)).topics.find(t => t.name === topic)
      if (!found || !found.partitions.length) throw new Error('no such topic')
      const first = found.partitions[0]
      return { partitions: found.partitions.length, replicas: first.replicas.length, isr: first.isrs.length }
    })

  async function admin (name, ...args) {
    const client = AdminClient.create({ 'metadata.broker.list': broker })
    try {
      await contract.called(contract.CALL_MS, name, cb => client[name](...args, contract.CALL_MS, cb))
    } finally {
      client.disconnect()
    }
  }

  contract.run({
    hello: () => `${version}, librdkafka ${library.librdkafkaVersion}`,
    produce,
    transaction,
    consume,
    group,
    offsets,
    describe,
    create: (topic, n) => admin('createTopic', { topic, num_partitions: Number(n), replication_factor: 1 }),
    delete: topic => admin('deleteTopic', topic),
    partitions: (topic, n) => admin('createPartitions', topic, Number(n))
  })
}
