// The audit, as a person searches it.

import { equal } from './spec.mjs'

const FIELDS = { words: 'filter_words', who: 'filter_who', node: 'filter_node' }
const CHOICES = { code: 'filter_code', cluster: 'filter_cluster', outcome: 'filter_outcome' }

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

  /** Types and chooses what is asked, and waits until the address asks the same. */
  async search(asked) {
    const { person, t } = this
    const form = this.page.getByRole('search')
    for (const [name, value] of Object.entries(asked)) {
      if (FIELDS[name]) await person.fill(t(`pages.${FIELDS[name]}`), value, form)
      else await person.choose(t(`pages.${CHOICES[name]}`), { label: value }, form)
    }
    await person.press(person.button(t('pages.filter_apply'), form))
    await this.page.waitForURL((url) => Object.keys(asked).every((name) => url.searchParams.has(name)))
  }

  async clear() {
    await this.open()
  }

  /** The rows are all about commands like this, and there are so many of them. */
  async seeCommands(pattern, count) {
    const table = this.page.getByRole('table', { name: this.t('pages.audit') })
    const rows = table.getByRole('row').filter({ hasText: pattern })
    await rows.nth(count - 1).waitFor()
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
