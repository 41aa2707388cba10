// Nodes that tests drive: simulated ones in a process of their own, and a shell on any of them.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn } from 'node:child_process'
import { ensure } from './spec.mjs'
import { ROOT, cargoBuild } from './console.mjs'
import { LONG_PATIENCE } from './person.mjs'
import { start } from './programs.mjs'

/** Simulated nodes that outlive the console. */
export class Nodes {
  static async start(spec, count, { scenario = 'bare', speed = 8 } = {}) {
    const program = process.env.QUORATE_NODES ?? cargoBuild(['--package', 'lab', '--example', 'nodes'], 'examples/nodes')
    const nodes = new Nodes(start(program, [String(count), scenario, String(speed)], { log: spec.log('nodes'), cwd: ROOT }))
    spec.atEnd(() => nodes.program.kill())
    nodes.all = JSON.parse(await nodes.program.line(/^\[/))
    return nodes
  }

  constructor(program) {
    this.program = program
  }

  /** The Proxmox VE nodes. */
  get members() {
    return this.all.filter((node) => !node.qnetd)
  }

  get qnetd() {
    return this.all.find((node) => node.qnetd)
  }

  /** What really happened on each node. */
  async truth() {
    return JSON.parse(await this.program.ask('inspect'))
  }

  /** Waits until something holds on the nodes, by asking them. */
  async until(what, holds) {
    const deadline = Date.now() + LONG_PATIENCE
    while (Date.now() < deadline) {
      if (holds(await this.truth())) return
      await new Promise((resolve) => setImmediate(resolve))
    }
    throw new Error(`never: ${what}`)
  }

  /** Waits until a command has begun on some node, or on this one. */
  async untilBegun(command, name) {
    const begun = ([node, { ran }]) => (name === undefined || node === name) && ran[command] > 0
    await this.until(`${command} begins on ${name ?? 'a node'}`, (truth) => Object.entries(truth.nodes).some(begun))
  }

  /** Waits until these and no others are in one quorate ring, and take writes. */
  async untilTogether(names) {
    const whole = JSON.stringify([...names].sort())
    const ring = (one) => one.quorate && JSON.stringify([...one.nodes].sort()) === whole
    const together = (truth) => truth.partitions.some(ring) && names.every((name) => truth.nodes[name].writable)
    await this.until(`${names.join(', ')} are together`, together)
  }

  async fault(kind, node, more = {}) {
    const answer = JSON.parse(await this.program.ask(JSON.stringify({ kind, ...(node ? { node } : {}), ...more })))
    ensure(answer.done, `${kind}: ${answer.error}`)
  }

  /** Addresses and keys as they are now. */
  async look() {
    this.all = JSON.parse(await this.program.ask('nodes'))
  }
}

/** Runs a line in root's shell on a node, as a person does who has its password. */
export function paste(node, line, namespace) {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-askpass-'))
  const askpass = join(folder, 'askpass')
  writeFileSync(askpass, '#!/bin/sh\nprintf "%s\\n" "$NODE_PASSWORD"\n')
  chmodSync(askpass, 0o700)
  const options = ['-F', 'none', '-o', 'StrictHostKeyChecking=no', '-o', `UserKnownHostsFile=${join(folder, 'known')}`, '-o', 'LogLevel=ERROR']
  const login = ['-o', 'PubkeyAuthentication=no', '-o', 'NumberOfPasswordPrompts=1', '-p', String(node.port), `root@${node.address}`]
  const command = [...(namespace ? ['ip', 'netns', 'exec', namespace] : []), 'ssh', ...options, ...login, line]
  const env = { ...process.env, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force', NODE_PASSWORD: node.password }
  return new Promise((resolve, reject) => {
    const child = spawn(command[0], command.slice(1), { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (said += bytes))
    child.on('error', reject)
    child.on('exit', (code) => {
      rmSync(folder, { recursive: true, force: true })
      if (code === 0) resolve(said)
      else reject(new Error(`ssh to ${node.address} ended with ${code}: ${said}`))
    })
  })
}
