// The console itself, as a demo or as people run it.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensure } from './spec.mjs'
import { freePort, run, start } from './programs.mjs'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const BINARY = process.env.QUORATE_BIN ?? join(ROOT, 'target/debug/quorate')

/** Builds a program of this checkout and says where it is. */
export function cargoBuild(options, program) {
  run(process.env.CARGO ?? 'cargo', ['build', '--quiet', ...options], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
  return join(process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target'), 'debug', program)
}

/** `quorate demo` with its own data folder and ports; what it prints is what a person has to begin with. */
export async function demo(spec, { nodes = 3, speed = 8, sick = false } = {}) {
  ensure(existsSync(BINARY), `${BINARY} is missing: run cargo xtask demo once, or set QUORATE_BIN`)
  const args = ['demo', '--nodes', String(nodes), '--listen', `127.0.0.1:${await freePort()}`, '--data', spec.temporary()]
  const more = sick ? [] : ['--bare-only']
  const program = start(BINARY, [...args, '--speed', String(speed), '--ssh-port', '0', ...more], { log: spec.log('demo') })
  spec.atEnd(() => program.stop())
  await program.line(/Stop with/)
  const printed = program.lines.join('\n')
  const node = ([, name, kind, address, port, password, fingerprint]) => ({ name, qnetd: kind === 'qnetd host', address, port: Number(port), password, fingerprint })
  const all = [...printed.matchAll(/^\s+(\S+)\s+(Proxmox VE|qnetd host)\s+root@([\d.]+):(\d+)\s+password (\S+)\s+(\S+)$/gm)].map(node)
  const accounts = [...printed.matchAll(/sign in as (\S+) \(role (\w+)\), password (\S+)/g)].map(([, name, role, password]) => ({ name, role, password }))
  return {
    origin: printed.match(/http:\/\/[\d.]+:\d+/)[0],
    program,
    members: all.filter((one) => !one.qnetd && !one.name.startsWith('sick')),
    qnetd: all.find((one) => one.qnetd),
    operator: accounts.find((one) => one.role === 'operator'),
    approver: accounts.find((one) => one.role === 'approver'),
    admin: accounts.find((one) => one.role === 'admin'),
  }
}

/** `quorate serve`, which can be killed and started again on the same data. */
export class Served {
  static async start(spec, { namespace, options = [] } = {}) {
    ensure(existsSync(BINARY), `${BINARY} is missing: run cargo xtask demo once, or set QUORATE_BIN`)
    const served = new Served(spec, namespace, options)
    await served.begin()
    spec.atEnd(() => served.program.stop())
    return served
  }

  constructor(spec, namespace, options) {
    this.spec = spec
    this.namespace = namespace
    this.options = options
    this.data = spec.temporary()
  }

  /** Starts it, the second time on the address of the first. */
  async begin() {
    this.port ??= this.namespace ? 8686 : await freePort()
    this.origin = `http://127.0.0.1:${this.port}`
    const line = [...this.inside(), BINARY, 'serve', '--listen', `127.0.0.1:${this.port}`, '--data', this.data, ...this.options]
    this.program = start(line[0], line.slice(1), { log: this.spec.log('serve') })
    await this.healthy()
  }

  /** The first admin's link, as it stands on the terminal. */
  async firstLink() {
    return (await this.program.line(/\/invite\//)).trim()
  }

  /** Ends it as a power cut would, in the middle of whatever it does. */
  async kill() {
    await this.program.kill()
  }

  /** Ends it so, and starts it again on the same data. */
  async restart() {
    await this.kill()
    await this.begin()
  }

  /** Any other command of the binary on the same data. */
  command(...args) {
    const line = [...this.inside(), BINARY, ...args]
    return run(line[0], line.slice(1), { env: { ...process.env, QUORATE_DATA: this.data } })
  }

  /** A link for a new person. */
  invite(role, name) {
    return this.command('user', 'invite', '--role', role, '--name', name, '--url', this.origin).trim()
  }

  inside() {
    return this.namespace ? ['ip', 'netns', 'exec', this.namespace] : []
  }

  async healthy() {
    if (this.namespace) return run('ip', ['netns', 'exec', this.namespace, 'curl', '--silent', '--fail', '--retry', '60', '--retry-delay', '1', '--retry-connrefused', `${this.origin}/health`])
    return untilHealthy(`${this.origin}/health`, this.program)
  }
}

/** Asks until it answers; fails at once when the program has ended. */
async function untilHealthy(url, program) {
  let ended = null
  program.ended.then((end) => (ended = end))
  for (let attempt = 0; attempt < 300; attempt += 1) {
    if (ended) throw new Error(`the console ended (${ended.code ?? ended.signal}):\n${program.lines.join('\n')}`)
    const answer = await fetch(url).catch(() => null)
    if (answer?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${url} does not answer`)
}
