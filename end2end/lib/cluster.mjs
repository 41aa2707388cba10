// The page of one cluster, as a person reads it.

import { PATIENCE } from './person.mjs'

/** How long a change of the membership may take until it is on screen; corosync itself needs some seconds. */
const SEEN_LIMIT = 45_000

export class ClusterPage {
  constructor(person, id) {
    this.person = person
    this.page = person.page
    this.t = person.t
    this.id = id
  }

  async open() {
    await this.person.goto(`/clusters/${this.id}`)
  }

  /** The answers at the top; what is not named is not looked at. */
  async seeState({ quorate, health, votes, expected }, timeout = SEEN_LIMIT) {
    const { person, t } = this
    const banner = this.page.getByRole('main')
    if (quorate !== undefined) await person.see(new RegExp(`^\\W*${t(quorate ? 'pages.quorate' : 'pages.not_quorate')}$`), banner, timeout)
    if (health) await person.see(new RegExp(`^\\W*${t(`codes.health_${health}`)}$`), banner, timeout)
    if (votes !== undefined) await person.see(t('pages.votes', { votes, expected }), banner, timeout)
  }

  /** A node's shape in the drawing says its state. */
  async seeNode(name, membership, timeout = SEEN_LIMIT) {
    await this.person.button(`${name}, ${this.t(`codes.membership_${membership}`)}`).waitFor({ timeout })
  }

  async seeHappened(code, params = {}, timeout = SEEN_LIMIT) {
    const list = this.page.getByRole('main').getByRole('list')
    await list.getByText(this.t.like(`codes.happening_${code}`, params)).first().waitFor({ timeout })
  }

  /** Presses a switch of the demo's panel; the one of qnetd is nobody's. */
  async fault(node, kind, which = '') {
    const { person, t } = this
    const panel = node ? this.page.getByRole('group', { name: node, exact: true }) : this.page.getByRole('main')
    const name = new RegExp(`^\\W*${t(`codes.fault_${kind}`)}${which}$`)
    const toggle = panel.getByRole('button', { name })
    const before = await toggle.getAttribute('aria-pressed', { timeout: PATIENCE })
    await person.press(toggle)
    await panel.getByRole('button', { name, pressed: before !== 'true' }).waitFor()
  }

  /** The same as a table: the row of a node has this text. */
  async seeTable(node, text) {
    await this.person.press(this.person.button(this.t('pages.as_table')))
    const row = this.page.getByRole('row').filter({ has: this.page.getByRole('button', { name: node, exact: true }) })
    await row.getByText(text).first().waitFor()
  }
}
