// One Chromium for all specs, or one inside a network namespace.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
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

const open = new Map()

/** The browser; with `namespace`, one that sees the network of that namespace only. */
export async function browser(namespace = '') {
  if (!open.has(namespace)) open.set(namespace, await launch(namespace))
  return open.get(namespace).browser
}

export async function closeBrowsers() {
  for (const [namespace] of [...open]) await closeBrowser(namespace)
}

export async function closeBrowser(namespace) {
  const one = open.get(namespace)
  open.delete(namespace)
  await one?.browser.close()
  if (one?.folder) rmSync(one.folder, { recursive: true, force: true })
}

/** Playwright gives each start an empty user data folder. */
async function launch(namespace) {
  let [program, folder] = [PROGRAM, null]
  if (namespace) {
    folder = mkdtempSync(join(tmpdir(), 'quorate-chromium-'))
    program = join(folder, 'chromium')
    writeFileSync(program, `#!/bin/sh\nexec ip netns exec ${namespace} ${PROGRAM} "$@"\n`)
    chmodSync(program, 0o755)
  }
  return { browser: await chromium.launch({ executablePath: program, args: FLAGS, headless: true }), folder }
}
