// A listener in between, before a console or a machine, which a test can close as a bad network does.

import { createServer, connect } from 'node:net'

export class Proxy {
  /** Passes everything on to this address. */
  static async start(spec, origin) {
    const proxy = new Proxy(new URL(origin))
    await new Promise((resolve, reject) => proxy.server.once('error', reject).listen(0, '127.0.0.1', resolve))
    spec.atEnd(() => proxy.close())
    return proxy
  }

  constructor(to) {
    this.to = to
    this.cut = false
    this.pairs = new Set()
    /** The values of `Last-Event-ID` that browsers sent. */
    this.resumed = []
    this.server = createServer((socket) => this.pass(socket))
  }

  get origin() {
    return `http://127.0.0.1:${this.server.address().port}`
  }

  /** A machine as it is reached through here. */
  inFrontOf(node) {
    return { ...node, address: '127.0.0.1', port: this.server.address().port }
  }

  /** Another machine stands there now; what is open breaks. */
  lead(origin) {
    this.breakAll()
    this.to = new URL(origin)
    this.mend()
  }

  pass(socket) {
    if (this.cut) return socket.destroy()
    const onward = connect(Number(this.to.port), this.to.hostname)
    const pair = [socket, onward]
    this.pairs.add(pair)
    const end = () => {
      this.pairs.delete(pair)
      for (const one of pair) one.destroy()
    }
    for (const one of pair) one.on('error', end).on('close', end)
    socket.on('data', (bytes) => {
      const id = bytes.toString('latin1').match(/^last-event-id: *(\S+)/im)
      if (id) this.resumed.push(id[1])
      onward.write(bytes)
    })
    onward.on('data', (bytes) => socket.write(bytes))
  }

  /** From now on nothing gets through: what is open breaks, and nobody answers. */
  breakAll() {
    this.cut = true
    for (const pair of [...this.pairs]) for (const one of pair) one.destroy()
  }

  mend() {
    this.cut = false
  }

  close() {
    this.breakAll()
    return new Promise((resolve) => this.server.close(resolve))
  }
}
