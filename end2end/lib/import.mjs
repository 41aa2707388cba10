// Taking a cluster over and leaving it, as a person does it.

import { LONG_PATIENCE } from './person.mjs'
import { equal } from './spec.mjs'
import { Wizard } from './wizard.mjs'

export class Import {
  constructor(person) {
    this.person = person
    this.page = person.page
    this.t = person.t
    this.wizard = new Wizard(person)
  }

  /** From the list of clusters: the address of one node. */
  async begin(node) {
    const { person, t } = this
    await person.goto('/')
    await this.page.getByRole('link', { name: t('import.import'), exact: true }).first().click()
    await this.page.waitForURL(/\/import$/)
    await this.typeAddress(node)
    await this.page.waitForURL(/\/clusters\/[0-9a-f-]+\/import/)
    this.cluster = this.page.url().match(/\/clusters\/([0-9a-f-]+)/)[1]
  }

  async typeAddress(node) {
    const { person, t } = this
    const form = this.page.getByRole('form', { name: t('import.begin_button'), exact: true })
    await person.fill(t('wizard.address'), node.port === 22 ? node.address : `${node.address}:${node.port}`, form)
    await person.press(person.button(t('import.begin_button'), form))
  }

  /** The first fingerprint, and the only password. */
  async letIn(node) {
    await this.wizard.pin(node)
    await this.wizard.givePassword(node)
    await this.wizard.seeLogIn(node)
  }

  /** The members that were found, each at the address that this console reaches. */
  async takeOver(nodes) {
    const { person, t } = this
    const form = this.page.getByRole('form', { name: t('import.offered') })
    await form.waitFor({ timeout: LONG_PATIENCE })
    for (const node of nodes) {
      const at = node.port === 22 ? node.address : `${node.address}:${node.port}`
      await person.fill(t('import.address_of', { node: node.name }), at, form)
    }
    await person.press(person.button(t('import.take_over', { count: nodes.length }), form))
    await person.see(t('import.key_shared'), this.page, LONG_PATIENCE)
  }

  /** Compares a member's fingerprint and confirms it; the console is let in without another password. */
  async confirm(node, seenBy) {
    const { person, t } = this
    const row = this.wizard.row(node)
    await person.see(node.fingerprint, row)
    if (seenBy) await person.see(t.like('import.seen_same', { by: seenBy }), row, LONG_PATIENCE)
    await person.press(row.getByRole('button', { name: t('wizard.key_pin') }))
    await this.wizard.seeLogIn(node)
  }

  async openCluster() {
    await this.page.getByRole('link', { name: this.t('import.to_cluster'), exact: true }).click()
    await this.page.waitForURL(new RegExp(`/clusters/${this.cluster}$`))
  }

  /** From the cluster's page: reads the plan and runs it; `left` are machines that keep the key. */
  async withdraw(left = []) {
    const { person, t } = this
    await person.goto(`/clusters/${this.cluster}`)
    await this.page.getByRole('link', { name: t('import.withdraw_go'), exact: true }).click()
    await this.page.waitForURL(/\/withdraw$/)
    await person.seeHeading(t.like('import.withdraw_name'))
    for (const node of left) {
      const box = this.page.getByLabel(t('import.leave_key', { node: node.name }))
      await person.awake(box, 'change')
      await box.check()
    }
    await person.inspect('withdraw')
    await person.press(person.button(t('wizard.preview')))
    const form = this.page.getByRole('form', { name: t('wizard.consent') })
    await form.waitFor({ timeout: LONG_PATIENCE })
    await person.see(t('codes.action_remove_shared_key'))
    await person.inspect('withdraw, plan')
    await person.press(person.button(t('import.withdraw_run'), form))
    await this.page.waitForURL(/\/operations\/[0-9a-f-]{36}/, { timeout: LONG_PATIENCE })
    await person.seeDone()
  }

  /** The list of clusters does not have it any more. */
  async seeForgotten(name) {
    await this.person.goto('/')
    await this.person.seeHeading(this.t('pages.clusters'))
    equal(await this.page.getByRole('link', { name, exact: true }).count(), 0, `${name} in the list`)
  }
}
