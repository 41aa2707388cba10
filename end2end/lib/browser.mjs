// One Chromium for each spec: what one is left in cannot hold up another.

import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const PROGRAM = process.env.CHROMIUM ?? '/usr/bin/chromium'
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const open = new WeakMap()

/** The browser of a spec, closed at its end; with `namespace`, one that sees the network of that namespace only. */
export function browser(spec, namespace = '') {
  if (!open.has(spec)) open.set(spec, launch(spec, namespace))
  return open.get(spec)
}

/** Playwright gives each start an empty user data folder. */
async function launch(spec, namespace) {
  let program = PROGRAM
  if (namespace) {
    program = join(spec.temporary(), 'chromium')
    writeFileSync(program, `#!/bin/sh\nexec ip netns exec ${namespace} ${PROGRAM} "$@"\n`)
    chmodSync(program, 0o755)
  }
  const launched = await chromium.launch({ executablePath: program, args: FLAGS, headless: true })
  spec.atEnd(() => launched.close())
  return launched
}
