// Drives the console in a real browser: `node run.mjs [SPEC ...]`. Each spec's seconds are printed.
// Specs know nothing of each other: two run at once, for most of what they do is waiting.
//
// QUORATE_BIN is the console's binary, CHROMIUM the browser. What helps to understand a failure is kept in test-results/.

import { rmSync } from 'node:fs'
import { killAll } from './lib/programs.mjs'
import { RESULTS, Spec } from './lib/spec.mjs'

const ALL = ['simulated', 'import', 'jump', 'stream', 'resume', 'five-nodes', 'qdevice-restarts', 'keyboard', 'midway', 'handover', 'approvals', 'second-factor', 'notifications', 'recover', 'power', 'two-nodes-qdevice', 'odd-qdevice', 'qdevice-stopped', 'join-refused', 'join-trouble', 'join-stopped', 'bad-input', 'network', 'remedy', 'looks', 'real', 'real-restarts', 'real-recover', 'real-repair']

/** Those on the lab of real parts: a machine has one such lab, so none of them runs beside another. */
const ALONE = ['real', 'real-restarts', 'real-recover', 'real-repair']

/** How many specs run at once. */
const LANES = 2

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !ALL.includes(name))
if (unknown.length > 0) {
  console.error(`there is no spec ${unknown.join(', ')}; there are: ${ALL.join(', ')}`)
  process.exit(2)
}
process.on('exit', killAll)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1))

if (asked.length === 0) rmSync(RESULTS, { recursive: true, force: true })
const started = Date.now()
const times = []
const total = { passed: 0, failed: 0, skipped: 0 }
const waiting = []
for (const name of ALL.filter((name) => asked.length === 0 || asked.includes(name))) {
  const { default: bodies } = await import(`./specs/${name}.mjs`)
  waiting.push(...Object.entries(bodies).map(([title, body]) => ({ title, body, alone: ALONE.includes(name) })))
}
const alone = waiting.filter((one) => one.alone)
const others = waiting.filter((one) => !one.alone)
await Promise.all(Array.from({ length: LANES }, () => lane(others)))
await lane(alone)

/** Takes one spec after the other until none is left. */
async function lane(waiting) {
  while (waiting.length > 0) {
    const { title, body } = waiting.shift()
    const spec = new Spec(title)
    const began = Date.now()
    await spec.run(body)
    times.push(`${((Date.now() - began) / 1000).toFixed(0).padStart(5)} s  ${title}`)
    for (const key of Object.keys(total)) total[key] += spec[key]
  }
}
console.log(times.join('\n'))
console.log(`in ${((Date.now() - started) / 1000).toFixed(0)} s`)
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`)
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1)
