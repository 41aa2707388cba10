// What a spec is made of. Steps build on each other: after one that failed the spec ends. Checks stand alone.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where everything lands that helps to understand a failure. */
export const RESULTS = fileURLToPath(new URL('../test-results', import.meta.url))

/** Ends a spec whose step has failed. */
class Stopped extends Error {}

export class Spec {
  constructor(name) {
    this.name = name
    this.passed = 0
    this.failed = 0
    this.skipped = 0
    this.cleanups = []
    this.people = []
    this.folder = join(RESULTS, name.replace(/\W+/g, '-'))
    rmSync(this.folder, { recursive: true, force: true })
    mkdirSync(this.folder, { recursive: true })
  }

  /** A part that the following ones build on. */
  async step(name, part) {
    if (!(await this.check(name, part))) throw new Stopped()
  }

  /** A part that stands alone. */
  async check(name, part) {
    const started = Date.now()
    try {
      await part()
      for (const person of this.people) person.assertQuiet()
      this.passed += 1
      this.say('passed', name, started)
      return true
    } catch (error) {
      this.failed += 1
      this.say('FAILED', name, started)
      console.log(String(error.stack ?? error).replace(/^/gm, '    '))
      await this.keepEvidence(name)
      return false
    }
  }

  /** Says why a part was left out. */
  skip(name, why) {
    this.skipped += 1
    console.log(`left out  ${this.name}: ${name} (${why})`)
  }

  /** Runs when the spec ends, last one first. */
  atEnd(cleanup) {
    this.cleanups.push(cleanup)
  }

  /** A new folder that goes with the spec. */
  temporary() {
    const folder = mkdtempSync(join(tmpdir(), 'quorate-end2end-'))
    this.atEnd(() => rmSync(folder, { recursive: true, force: true }))
    return folder
  }

  log(name) {
    return join(this.folder, `${name}.log`)
  }

  async run(body) {
    try {
      await body(this)
    } catch (error) {
      if (!(error instanceof Stopped)) {
        this.failed += 1
        console.log(`FAILED    ${this.name}: outside of its steps\n${String(error.stack ?? error).replace(/^/gm, '    ')}`)
        await this.keepEvidence('outside')
      }
    }
    for (const cleanup of this.cleanups.reverse()) {
      try {
        await cleanup()
      } catch (error) {
        this.failed += 1
        console.log(`FAILED    ${this.name}: cleaning up\n    ${error.message}`)
      }
    }
  }

  say(word, name, started) {
    const seconds = ((Date.now() - started) / 1000).toFixed(1)
    console.log(`${word.padEnd(9)} ${this.name}: ${name} (${seconds} s)`)
  }

  async keepEvidence(name) {
    const file = name.replace(/[^\w]+/g, '-').slice(0, 60)
    for (const [index, person] of this.people.entries()) {
      await person.keepEvidence(join(this.folder, `${file}-${index}`)).catch((error) => console.log(`    (no evidence: ${error.message})`))
    }
  }
}

/** Fails with both values in words. */
export function equal(found, wanted, what) {
  const [one, other] = [JSON.stringify(found), JSON.stringify(wanted)]
  if (one !== other) throw new Error(`${what}: found ${one}, wanted ${other}`)
}

export function ensure(holds, what) {
  if (!holds) throw new Error(what)
}
