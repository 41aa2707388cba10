// Programs that tests start, and that never outlive them.

import { spawn, spawnSync } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'

/** How long a program may take until it says that it is ready, in milliseconds. */
const READY_LIMIT = 30_000
/** How long a program may take to stop after SIGTERM, in milliseconds. */
const STOP_LIMIT = 10_000

/** How many of a program's last lines are told when it did not say what was waited for. */
const SAID_MAX = 200

const running = new Set()

/** Starts a program; both its outputs go to `log`. */
export function start(command, args, { log, env = {}, cwd } = {}) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
  const program = new Program(command, child, log)
  running.add(program)
  return program
}

/** Ends everything that still runs; called when the tests end, however they end. */
export function killAll() {
  for (const program of running) program.child.kill('SIGKILL')
}

class Program {
  constructor(command, child, log) {
    this.command = command
    this.child = child
    this.lines = []
    this.listeners = new Set()
    this.ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })))
    this.ended.then(() => running.delete(this))
    child.on('error', (error) => this.hear(`cannot be started: ${error.message}`))
    child.stdin.on('error', () => {})
    const file = createWriteStream(log, { flags: 'a' })
    child.stderr.pipe(file, { end: false })
    createInterface({ input: child.stdout }).on('line', (line) => {
      file.write(`${line}\n`)
      this.hear(line)
    })
  }

  hear(line) {
    this.lines.push(line)
    for (const listener of [...this.listeners]) listener()
  }

  /** The first line that matches, from line number `from` on; fails when the program ends before. */
  line(pattern, from = 0, limit = READY_LIMIT) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.lines.slice(from).find((line) => pattern.test(line))
        if (found !== undefined) finish(() => resolve(found))
      }
      let over = false
      const finish = (how) => {
        if (over) return
        over = true
        clearTimeout(timer)
        this.listeners.delete(look)
        how()
      }
      const told = (what) => finish(() => reject(new Error(`${this.command} ${what}, waiting for ${pattern}:\n${this.lines.slice(-SAID_MAX).join('\n')}`)))
      const timer = setTimeout(() => told(`said nothing for ${limit} ms`), limit)
      this.listeners.add(look)
      this.ended.then(({ code, signal }) => told(`ended (${code ?? signal})`))
      look()
    })
  }

  /** Says a line to the program and gives its next line. */
  async ask(text) {
    const from = this.lines.length
    this.child.stdin.write(`${text}\n`)
    return this.line(/./, from)
  }

  /** As a service manager stops it; fails when it does not end cleanly. */
  async stop() {
    this.child.kill('SIGTERM')
    const late = new Promise((resolve) => setTimeout(resolve, STOP_LIMIT, 'late').unref())
    const end = await Promise.race([this.ended, late])
    if (end === 'late') {
      this.child.kill('SIGKILL')
      throw new Error(`${this.command} did not stop within ${STOP_LIMIT} ms after SIGTERM`)
    }
    if (end.code !== 0) throw new Error(`${this.command} ended with ${end.code ?? end.signal} after SIGTERM`)
  }

  /** As a power cut stops it. */
  async kill() {
    this.child.kill('SIGKILL')
    await this.ended
  }
}

/** Runs a program to its end and gives its output; fails when it fails. */
export function run(command, args, options = {}) {
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', ...options })
  if (error || status !== 0) {
    throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? status ?? signal}\n${stdout ?? ''}${stderr ?? ''}`)
  }
  return stdout
}

/** A port on 127.0.0.1 that nobody uses. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}
