// Joins that do not go as they should, as a person meets them: tried through the page, read in its words, decided on.

import { LONG_PATIENCE } from './person.mjs'
import { ensure } from './spec.mjs'

/** Comes to where the joins that are left can be planned. */
export async function plans(wizard) {
  const { person, t } = wizard
  await person.goto(wizard.path('join'))
  const again = person.button(t('wizard.plan_again'))
  const preview = person.button(t('wizard.preview'))
  await again.or(preview).first().waitFor({ timeout: LONG_PATIENCE })
  if (await again.isVisible()) await person.press(again)
}

/**
 * Reads the plan until nothing is in its way, and the console has heard of this version of corosync.conf: it hears of a change
 * a moment later, and a plan of before is not run.
 */
export async function untilClear(wizard, version) {
  const { person, page, t } = wizard
  await plans(wizard)
  const button = person.button(new RegExp(`^(${t('wizard.preview')}|${t('wizard.preview_again')})$`))
  const deadline = Date.now() + LONG_PATIENCE
  while (Date.now() < deadline) {
    const [answer] = await Promise.all([page.waitForResponse(/\/api\/preview$/, { timeout: LONG_PATIENCE }), person.press(button)])
    ensure(answer.ok(), `the plan was refused: ${answer.status()}`)
    const { plan, obstacles } = await answer.json()
    if (obstacles.length === 0 && plan.facts.config_version === version) return
    await button.and(page.locator(':not([aria-busy])')).waitFor({ timeout: LONG_PATIENCE })
  }
  throw new Error('something stays in the way of the plan')
}

/** Agrees to the joins that are left. */
export async function agrees(wizard, name, why) {
  await plans(wizard)
  await wizard.agree('wizard.join_run', name, why)
}

/** Reads why a join stands still or has ended, the whole sentence. */
export async function reads(wizard, problem, params) {
  const { person, t } = wizard
  await person.see(t.said(`codes.problem_${problem}`, params), person.page.getByRole('main').getByRole('alert'), LONG_PATIENCE)
}

/** Goes on with the operation that waits. */
export async function goesOn(wizard) {
  const { person, t } = wizard
  await person.press(person.button(t('pages.resume')))
}

/** Gives the operation up that waits. */
export async function givesUp(wizard, why) {
  const { person, t } = wizard
  await person.press(person.button(t('pages.abandon')))
  const dialog = person.page.getByRole('dialog', { name: t('pages.abandon_question') })
  await person.fill(t('pages.reason'), why, dialog)
  await person.press(person.button(t('pages.abandon'), dialog))
  await person.seeGone(dialog)
}
