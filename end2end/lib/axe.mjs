// What people with other senses would trip over, as far as a program can find it.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const SOURCE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const GRAVE = ['serious', 'critical']
const THEMES = ['light', 'dark']

/** Looks at each kind of page once in light and once in dark. */
export class AxeCheck {
  constructor() {
    this.seen = new Set()
  }

  /** True the first time that a kind of page is named. */
  isNew(kind) {
    const before = this.seen.size
    return this.seen.add(kind).size > before
  }

  async check(page, kind) {
    const found = []
    for (const theme of THEMES) {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
      await drawn(page)
      found.push(...(await violations(page)).map((one) => `${kind}, ${theme}: ${one}`))
    }
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
    if (found.length > 0) throw new Error(`not accessible:\n${found.join('\n')}`)
  }
}

/** Two frames later the colours of the other theme have arrived everywhere. */
function drawn(page) {
  return page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
}

async function violations(page) {
  // Through the debugger: the page's own policy allows no script of ours.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(SOURCE)
  const results = await page.evaluate(() => window.axe.run(document, {
      resultTypes: ['violations'],
      // The drawing's shapes are named by node and state; their texts are marks and abbreviations, hidden from readers.
      rules: { 'label-content-name-mismatch': { enabled: false } }
    }))
  return results.violations
    .filter((one) => GRAVE.includes(one.impact))
    .map((one) => `${one.id} (${one.impact}): ${one.help}\n${one.nodes.map((node) => `    ${node.html}\n    ${node.failureSummary.replaceAll('\n', ' ')}`).join('\n')}`)
}
