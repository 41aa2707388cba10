// A second factor from its set-up to its end, in both languages; and roles on single clusters.

import { demo } from '../lib/console.mjs'
import { person } from '../lib/person.mjs'
import { ensure, equal } from '../lib/spec.mjs'
import { totp } from '../lib/totp.mjs'

export default {
  'second-factor': async (spec) => {
    // A console each: one lets ten sign-ins of an address pass, and then one every three seconds.
    let console
    for (const language of ['fr', 'en']) {
      console = await demo(spec, { nodes: 1 })
      const one = await person(spec, console.origin, { language })
      // The browser notes every refusal of the server.
      one.expect(/status of (4|5)\d\d/)
      await ownFactor(spec, language, one, console.operator)
    }
    await roles(spec, console)
  },
}

async function ownFactor(spec, language, one, account) {
  const { t, page } = one
  let secret
  let used
  let recovery
  await spec.step(`${language}: set it up`, async () => {
    await one.signIn(account.name, account.password)
    await one.seeHeading(t('pages.clusters'))
    await page.getByRole('banner').getByRole('link', { name: account.name }).click()
    await one.seeHeading(t('team.account'))
    await one.inspect('account, no second factor')
    await one.press(one.button(t('team.factor_set_up')))
    await page.getByRole('img', { name: t('team.factor_picture') }).waitFor()
    secret = await page.locator('.factor-secret pre').innerText()
    await one.inspect('account, secret')
    await one.fill(t('team.factor_first_code'), '000000')
    await one.press(one.button(t('team.factor_turn_on')))
    await one.see(t('codes.problem_second_factor_wrong'))
    used = totp(secret)
    await one.fill(t('team.factor_first_code'), used)
    await one.press(one.button(t('team.factor_turn_on')))
    await one.see(t('team.factor_is_on'))
    recovery = (await page.getByRole('group', { name: t('team.recovery_codes') }).innerText()).trim().split(/\s+/)
    equal(recovery.length, 10, 'recovery codes')
    await one.inspect('account, recovery codes')
    await one.press(one.button(t('team.recovery_kept')))
    await one.see(t('team.recovery_left'))
    ensure(!(await page.content()).includes(recovery[0]), 'the recovery codes are still there')
    await one.inspect('account, second factor')
  })
  await spec.step(`${language}: sign in with a code`, async () => {
    await begin(one, account)
    await one.inspect('sign-in, code')
    await one.fill(t('pages.code'), used)
    await one.press(one.button(t('pages.sign_in')))
    await one.see(t('codes.problem_second_factor_wrong'))
    await one.fill(t('pages.code'), totp(secret, 1))
    await one.press(one.button(t('pages.sign_in')))
    await one.seeHeading(t('pages.clusters'))
  })
  await spec.step(`${language}: sign in with a recovery code`, async () => {
    await begin(one, account)
    await one.fill(t('pages.code'), recovery[0].toLowerCase())
    await one.press(one.button(t('pages.sign_in')))
    await one.seeHeading(t('pages.clusters'))
    await one.goto('/account')
    const left = page.locator('.fact').filter({ hasText: t('team.recovery_left') })
    await left.getByText('9', { exact: true }).waitFor()
  })
  if (language === 'en') return
  await spec.step(`${language}: remove it`, async () => {
    await page.locator('summary').filter({ hasText: t('team.factor_remove') }).click()
    await one.fill(t('pages.code'), recovery[1])
    await one.press(one.button(t('team.factor_remove')))
    await one.button(t('team.factor_set_up')).waitFor()
  })
}

/** Signs out, and in again up to the question for the code. */
async function begin(one, account) {
  await one.press(one.page.getByRole('banner').getByRole('button', { name: one.t('common.sign_out') }))
  await one.page.waitForURL(/\/sign-in/)
  await one.signIn(account.name, account.password)
  await one.see(one.t('pages.code_asked'))
}

async function roles(spec, console) {
  const admin = await person(spec, console.origin)
  const { t, page } = admin
  await spec.step('an admin gives a role on one cluster, and takes it away', async () => {
    await admin.signIn(console.admin.name, console.admin.password)
    await admin.seeHeading(t('pages.clusters'))
    const made = await page.request.post('/api/add_cluster', { data: { name: 'west' }, headers: { origin: console.origin } })
    ensure(made.ok(), 'no cluster')
    await admin.goto('/roles')
    await admin.choose(t('team.roles_person'), { label: console.operator.name })
    await admin.choose(t('team.roles_place'), { label: 'west' })
    await admin.choose(t('pages.column_role'), { label: t('codes.role_approver') })
    await admin.press(admin.button(t('team.roles_give')))
    const take = admin.button(new RegExp(t('team.roles_take_from', { name: console.operator.name, cluster: 'west' })))
    await take.waitFor()
    await admin.inspect('roles')
    await admin.press(take)
    await admin.seeGone(take)
  })
  await spec.step('an admin resets a second factor, and its person is told', async () => {
    await admin.goto('/people')
    await admin.inspect('people, second factors')
    const row = page.getByRole('row').filter({ hasText: console.operator.name })
    await admin.press(row.getByRole('button', { name: t('team.factor_reset') }))
    const question = page.getByRole('dialog')
    await admin.see(t('team.factor_reset_text', { name: console.operator.name }), question)
    await admin.press(admin.button(t('team.factor_reset'), question))
    await admin.seeGone(row.getByRole('button', { name: t('team.factor_reset') }))
    const told = await person(spec, console.origin)
    await told.signIn(console.operator.name, console.operator.password)
    await told.see(t('common.factor_taken', { by: console.admin.name }))
    await told.inspect('clusters, second factor taken')
    await told.press(told.button(t('common.factor_taken_known')))
    await told.seeGone(told.page.getByText(t('common.factor_taken', { by: console.admin.name })))
  })
  await spec.step('an address that tries too often is told how long to wait', async () => {
    const guesser = await person(spec, console.origin)
    guesser.expect(/status of (4|5)\d\d/)
    const guess = (number) => ({ data: { name: `nobody${number}`, password: 'guess' }, headers: { origin: console.origin } })
    const tries = await Promise.all([...Array(12).keys()].map((number) => page.request.post('/api/sign_in', guess(number))))
    ensure(tries.some((one) => one.status() === 429), 'any number of guesses')
    await guesser.signIn(console.operator.name, console.operator.password)
    await guesser.see(t.like('codes.problem_too_many_attempts'))
    await guesser.inspect('sign-in, too often')
  })
}
