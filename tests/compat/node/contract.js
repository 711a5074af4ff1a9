// SPDX-License-Identifier: Apache-2.0
// What the Node drivers share: commands in, answers out, records read and written.
'use strict'

const fs = require('fs')
const readline = require('readline')

const SILENCE_MS = 30000 // a consumer that hears nothing for so long gives up
const CALL_MS = 30000 // limit of one administrative call

class NotThere extends Error {}

// Latin-1 keeps every byte.
const bytes = word => (word === '\\N' ? null : Buffer.from(word, 'latin1'))
const text = value => (value === null || value === undefined ? '\\N' : value.toString('latin1'))

function headers (word) {
  return (word ? word.split(',') : []).map(pair => {
    const at = pair.indexOf('=')
    return [pair.slice(0, at), Buffer.from(pair.slice(at + 1), 'latin1')]
  })
}

// The records of a file; partition is null where the client chooses.
function records (path) {
  return fs.readFileSync(path, 'latin1').trimEnd().split('\n').map(line => {
    const word = line.split('\t')
    return {
      partition: word[0] === '-' ? null : Number(word[0]),
      timestamp: Number(word[1]),
      key: bytes(word[2]),
      headers: headers(word[3]),
      value: bytes(word[4] === undefined ? '' : word[4])
    }
  })
}

// Collects what was consumed; `head` is a list of [name, value].
class Out {
  constructor (path) {
    this.file = fs.openSync(path, 'w')
    this.lines = []
    this.count = 0
  }

  write (partition, offset, timestamp, key, head, value) {
    const pairs = head.map(([name, v]) => `${name}=${text(v)}`).join(',')
    this.lines.push(`${partition}\t${offset}\t${timestamp}\t${text(key)}\t${pairs}\t${text(value)}\n`)
    this.count++
    if (this.lines.length >= 1000) this.flush()
  }

  flush () {
    fs.writeSync(this.file, this.lines.join(''), null, 'latin1')
    this.lines = []
  }

  close () {
    this.flush()
    fs.closeSync(this.file)
  }
}

function where (word) {
  const part = word.split(':')
  return {
    committed: part[0] === 'committed',
    partition: part[0] === 'offset' ? Number(part[1]) : null,
    offset: part[0] === 'offset' ? Number(part[2]) : null,
    ms: part[0] === 'time' ? Number(part[1]) : null
  }
}

const pairs = values => Object.keys(values).sort().map(key => `${key}=${values[key]}`).join(' ')

// Waits for `promise`, at most `ms`.
function within (ms, what, promise) {
  let timer
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing for ${ms} ms`)), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

// Calls a function that ends in a callback (error, value).
const called = (ms, what, start) => within(ms, what, new Promise((resolve, reject) =>
  start((error, value) => (error ? reject(error) : resolve(value)))))

async function answer (commands, words) {
  const command = commands[words[0]]
  if (!command) return ['none', 'the library has no call for it']
  try {
    const details = await command(...words.slice(1))
    return ['ok', typeof details === 'string' ? details : pairs(details || {})]
  } catch (why) {
    if (why instanceof NotThere) return ['none', why.message]
    console.error(why)
    return ['fail', String(why.message || why).replace(/[\n\t]/g, ' ')]
  }
}

// Answers each line of the input.
async function run (commands) {
  const lines = readline.createInterface({ input: process.stdin, terminal: false })
  for await (const line of lines) {
    fs.writeSync(1, (await answer(commands, line.split('\t'))).join('\t') + '\n')
  }
  process.exit(0)
}

module.exports = { CALL_MS, NotThere, Out, SILENCE_MS, called, records, run, where, within }
