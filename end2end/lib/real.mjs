// The lab of real parts: real OpenSSH and corosync in namespaces of this machine.

import { cargoBuild } from './console.mjs'
import { LONG_PATIENCE } from './person.mjs'
import { run } from './programs.mjs'

/** The lab of real parts; its own program does the work. */
export class RealLab {
  constructor() {
    this.program = process.env.QUORATE_REALLAB ?? cargoBuild(['--package', 'reallab', '--package', 'standin'], 'reallab')
  }

  reallab(...args) {
    return run(this.program, args, { env: without(process.env, 'CARGO') })
  }

  async up(count, ...options) {
    this.reallab('up', String(count), ...options)
    const status = JSON.parse(this.reallab('status', '--json'))
    this.namespace = status.console_namespace
    this.sudoUser = status.sudo_user
    const node = (one) => ({ name: one.name, address: one.address, port: one.ssh_port, password: status.root_password, fingerprint: one.host_keys.ed25519, qnetd: one.kind === 'qnetd', bmc: one.bmc, uuid: one.uuid })
    const all = status.nodes.map(node)
    this.members = all.filter((one) => !one.qnetd)
    this.qnetd = all.find((one) => one.qnetd)
  }

  /** The same machine, by the account that is not root. */
  withSudo(node) {
    return { ...node, user: this.sudoUser }
  }

  ssh(node, command) {
    return this.reallab('ssh', node.name, command)
  }

  /** Whether the machine has power, asked past its BMC. */
  runs(node) {
    return JSON.parse(this.reallab('status', '--json')).nodes.find((one) => one.name === node.name).running
  }

  /** What corosync's own tool says there; it fails without quorum, which is no failure of the question. */
  quorum(node) {
    return this.ssh(node, 'corosync-quorumtool -s || true')
  }

  /** Waits until a command runs somewhere, by looking at the machine's processes. */
  async untilBegun(command) {
    const pattern = new RegExp(`${command.replaceAll(' ', '\\s+')}\\s`)
    const deadline = Date.now() + LONG_PATIENCE
    while (Date.now() < deadline) {
      if (pattern.test(run('ps', ['-eo', 'args', '--no-headers']))) return
      await new Promise((resolve) => setImmediate(resolve))
    }
    throw new Error(`${command} did not begin anywhere`)
  }
}

function without(env, name) {
  const { [name]: _, ...rest } = env
  return rest
}
