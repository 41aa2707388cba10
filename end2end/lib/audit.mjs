// The audit, as a person searches it.

import { equal } from './spec.mjs'

const FIELDS = {
  words: 'filter_words',
  output: 'filter_output',
  who: 'filter_who',
  node: 'filter_node',
  from: 'filter_from',
  until: 'filter_until',
}
const CHOICES = { code: 'filter_code', cluster: 'filter_cluster', risk: 'filter_risk', outcome: 'filter_outcome' }
const DAY_MS = 24 * 60 * 60 * 1000

/** A day in UTC, so many days from now, as the fields of the form take it. */
export const day = (later) => new Date(Date.now() + later * DAY_MS).toISOString().slice(0, 10)

export class AuditPage {
  constructor(person) {
    this.person = person
    this.page = person.page
    this.t = person.t
  }

  async open() {
    await this.person.goto('/audit')
    await this.person.seeHeading(this.t('pages.audit'))
  }

  async seeWhole() {
    await this.person.see(this.t.like('pages.chain_whole'))
  }

  /** Types and chooses what is asked, and presses the button. */
  async ask(asked) {
    const { person, t } = this
    const form = this.page.getByRole('search')
    for (const [name, value] of Object.entries(asked)) {
      if (FIELDS[name]) await person.fill(t(`pages.${FIELDS[name]}`), value, form)
      else await person.choose(t(`pages.${CHOICES[name]}`), { label: value }, form)
    }
    await person.press(person.button(t('pages.filter_apply'), form))
  }

  /** The same, and waits until the address asks it. */
  async search(asked) {
    await this.ask(asked)
    await this.page.waitForURL((url) => Object.keys(asked).every((name) => url.searchParams.has(name)))
  }

  /** The question is refused at that field, and what was typed is still there. */
  async seeRefused(name, value, why) {
    const { person, t } = this
    const form = this.page.getByRole('search')
    await person.see(why, form)
    const field = form.getByLabel(t(`pages.${FIELDS[name]}`), { exact: true })
    equal(await field.inputValue(), value, `what was typed into ${name}`)
    equal(await field.getAttribute('aria-invalid'), 'true', `${name} is marked`)
  }

  async clear() {
    await this.open()
  }

  /** The rows are all about commands like this, and there are so many of them. */
  async seeCommands(pattern, count) {
    const table = this.page.getByRole('table', { name: this.t('pages.audit') })
    const rows = table.getByRole('row').filter({ hasText: pattern })
    await rows.nth(count - 1).waitFor()
    // What the question before has found stays until the answer to this one is there.
    await rows.nth(count).waitFor({ state: 'detached' })
    equal(await rows.count(), count, `entries of ${pattern}`)
  }

  /** Opens the first entry and reads its place in the chain. */
  async readFirst() {
    const { person, t } = this
    const table = this.page.getByRole('table', { name: t('pages.audit') })
    await person.press(table.getByRole('row').nth(1).getByRole('button'))
    await person.see(t('pages.entry_command'))
    await person.see(t('pages.entry_exit'))
    await person.see(t('pages.entry_chain'))
  }
}
