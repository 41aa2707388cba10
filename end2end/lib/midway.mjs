// The card of a join that stopped midway, as a person reads it.

import { LONG_PATIENCE } from './person.mjs'
import { ensure, equal } from './spec.mjs'

/** The ways that are a button; the third one is the ordinary join further up. */
const BUTTONS = ['finish', 'undo']
/** Answers that the console has words for; any other one is the node's own text. */
const TOLD = ['yes', 'no', 'nothing', 'same', 'other', 'unknown']

export class MidwayCard {
  constructor(wizard, state) {
    const { person, page, t } = wizard
    Object.assign(this, { wizard, person, page, t, state })
    this.stack = page.locator(`[data-midway="${state}"]`)
  }

  /** Opens the step, where the console looks by itself, and reads in which state which node is. */
  async see(node) {
    const { person, page, t, state } = this
    await person.goto(this.wizard.path('join'))
    const card = page.locator('[data-midway]')
    await card.first().waitFor({ timeout: LONG_PATIENCE })
    equal(await card.evaluateAll((all) => all.map((one) => one.dataset.midway)), [state], 'states of the cards')
    await this.reads(node)
    await this.stack.getByRole('link', { name: t('wizard.open_operation') }).waitFor()
  }

  /** The card is about this node, and says its state in a whole sentence. */
  async reads(node) {
    const { page, t, state } = this
    const card = page.locator('section').filter({ has: this.stack })
    await card.getByRole('heading', { name: node.name, exact: true }).waitFor({ timeout: LONG_PATIENCE })
    const status = this.stack.getByRole('status')
    equal((await status.innerText()).trim(), t(`codes.midway_${state}`), 'the sentence')
  }

  /** What one side says about one thing, a line for each machine of that side. */
  async answers(side, about) {
    const { page, t } = this
    const table = this.stack.getByRole('table', { name: t(`wizard.midway_${side}`) })
    const head = page.getByRole('rowheader', { name: t(`codes.trace_${about}`), exact: true })
    const rows = table.getByRole('row').filter({ has: head })
    return rows.evaluateAll((all) => all.map((row) => row.querySelector('td').innerText.trim()))
  }

  /** Lines of one side, each with the answers of all its machines. */
  async shows(side, lines) {
    for (const [about, wanted] of Object.entries(lines)) {
      const told = wanted.map((one) => (TOLD.includes(one) ? this.t(`codes.told_${one}`) : one))
      equal(await this.answers(side, about), told, `${side}: ${about}`)
    }
  }

  /** These ways on are offered and open, and no others; without any the card says so. */
  async offers(ways) {
    const { person, t, stack } = this
    for (const way of BUTTONS) {
      const button = person.button(t(`codes.way_${way}`), stack)
      equal(await button.count(), ways.includes(way) ? 1 : 0, `buttons of the way ${way}`)
      if (ways.includes(way)) ensure((await button.getAttribute('aria-disabled')) !== 'true', `the way ${way} is open`)
    }
    const seen = (key) => stack.getByText(t(key)).isVisible()
    equal(await seen('wizard.midway_join_hint'), ways.includes('join'), 'the hint at the ordinary join')
    equal(await seen('wizard.midway_no_way'), ways.length === 0, 'the words that there is no way on')
  }

  /** Has the console look once more. */
  async lookAgain(node) {
    const { person, page, t } = this
    const button = person.button(t('wizard.midway_look'))
    const [answer] = await Promise.all([page.waitForResponse(/\/api\/midway$/, { timeout: LONG_PATIENCE }), person.press(button)])
    ensure(answer.ok(), `the look was refused: ${answer.status()}`)
    await button.and(page.locator(':not([aria-busy])')).waitFor({ timeout: LONG_PATIENCE })
    await this.reads(node)
  }
}
