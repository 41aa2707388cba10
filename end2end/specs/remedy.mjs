// What the checks find and the console can mend: read as a plan, run, checked again, taken back.

import { Served } from '../lib/console.mjs'
import { invited } from '../lib/invite.mjs'
import { Nodes, paste } from '../lib/nodes.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { ensure, equal } from '../lib/spec.mjs'
import { Wizard } from '../lib/wizard.mjs'

const ADMIN = { name: 'ada', password: 'a long enough sentence' }
const HOSTS = { check: 'hosts_file', remedy: 'hosts_file', verdict: 'fail' }
const AUTHKEY = { check: 'no_guests', remedy: 'authkey', verdict: 'fail' }
const CHRONY = { check: 'clock_service', remedy: 'chrony', verdict: 'warn' }

export default {
  'remedies, English': (spec) => mends(spec, 'en'),
  'remedies, French': (spec) => mends(spec, 'fr'),
}

async function mends(spec, language) {
  const nodes = await Nodes.start(spec, 2, { speed: 20 })
  const console = await Served.start(spec)
  const admin = await person(spec, console.origin, { language })
  // A plan or a check that is open is read anew when a mend ends: at that moment there is nothing to mend, or no result yet.
  admin.expect(/status of 500 .*\/api\/(preview|check_proof)\)/)
  const wizard = new Wizard(admin)
  const [first, second] = nodes.members
  const link = await console.firstLink()
  await spec.step('two nodes, one of them as nobody should leave it', async () => {
    await invited(admin, link, ADMIN)
    await admin.seeHeading(admin.t('pages.clusters'))
    await wizard.begin('mended')
    await wizard.addWithPassword(first)
    await wizard.addWithPassword(second)
    await nodes.fault('break-hosts', second.name, { on: true })
    await nodes.fault('leave-authkey', second.name, { on: true })
    await nodes.fault('remove-chrony', second.name, { on: true })
    await wizard.check()
  })
  await hosts(spec, admin, wizard, second)
  if (language === 'en') await authkeyAndChrony(spec, admin, second)
}

async function hosts(spec, admin, wizard, node) {
  const { t } = admin
  await spec.step('/etc/hosts is shown as a change, line by line', async () => {
    const form = await open(admin, HOSTS, node)
    const diff = admin.page.getByRole('figure').filter({ hasText: t('wizard.diff_change', { file: '/etc/hosts' }) })
    await diff.locator('del').filter({ hasText: '127.0.1.1' }).waitFor()
    await diff.locator('ins').filter({ hasText: /10\.0\.1\.12 .*pve2/ }).waitFor()
    ensure((await diff.locator('del').first().innerText()).includes(t('wizard.diff_gone')), 'a word says what goes')
    await admin.see(t.like('codes.consequence_copy_kept'))
    await admin.see(t('codes.undo_take_back'))
    await admin.inspect(`wizard, remedy, ${t.language}`)
    equal((await paste(node, 'cat /etc/hosts')).includes('127.0.1.1'), true, 'nothing is done before it is agreed to')
    await run(admin, form, 'wizard.remedy_run')
    await admin.see(t('wizard.remedy_done'))
  })
  await spec.step('it is done, and the check has run again by itself', async () => {
    await seen(admin, HOSTS.check, node, 'pass')
    const now = await paste(node, 'cat /etc/hosts')
    ensure(/^10\.0\.1\.12 .*pve2$/m.test(now) && !now.includes('127.0.1.1'), `the file leads to the node's own address: ${now}`)
    ensure((await paste(node, 'ls /etc')).includes('hosts.quorate-'), 'the old file is kept')
  })
  await spec.step('what was there can be brought back from the same place', async () => {
    const form = admin.page.getByRole('form', { name: t('wizard.consent') })
    await admin.press(admin.button(t('wizard.take_back')))
    await form.waitFor({ timeout: LONG_PATIENCE })
    await run(admin, form, 'wizard.take_back_run')
    await seen(admin, HOSTS.check, node, 'fail')
    ensure((await paste(node, 'cat /etc/hosts')).includes('127.0.1.1'), 'the old file is there again')
  })
  await spec.check('the audit knows what was changed, and by whom', async () => {
    await admin.goto('/audit')
    await admin.see(t('codes.audit_operation_finished'))
    await admin.goto(wizard.path('prerequisites'))
  })
}

async function authkeyAndChrony(spec, admin, node) {
  await spec.step('the key of an earlier cluster is set aside, not deleted', async () => {
    const form = await open(admin, AUTHKEY, node)
    await run(admin, form, 'wizard.remedy_run')
    await seen(admin, AUTHKEY.check, node, 'pass')
    const left = (await paste(node, 'ls /etc/corosync')).trim().split('\n')
    equal(left.filter((name) => name === 'authkey').length, 0, 'keys in use')
    equal(left.filter((name) => name.startsWith('authkey.quorate-')).length, 1, 'kept keys')
  })
  await spec.step('chrony is installed, and its output is shown while it runs', async () => {
    const form = await open(admin, CHRONY, node)
    await run(admin, form, 'wizard.remedy_run')
    await seen(admin, CHRONY.check, node, 'pass')
    equal((await paste(node, 'systemctl is-active chrony')).trim(), 'active', 'chrony on the node')
  })
}

/** Opens a cell that is not green, and the plan of its remedy. */
async function open(admin, { check, remedy, verdict }, node) {
  const { t } = admin
  await admin.press(new Wizard(admin).cell(check, node, verdict))
  await admin.press(admin.button(t(`codes.remedy_${remedy}`)))
  const form = admin.page.getByRole('form', { name: t('wizard.consent') })
  await form.waitFor({ timeout: LONG_PATIENCE })
  return form
}

/** Runs the plan that is open, and waits for the checks that follow. */
async function run(admin, form, label) {
  const [answer] = await Promise.all([
    admin.page.waitForResponse(/\/api\/run_checks/, { timeout: LONG_PATIENCE }),
    admin.press(admin.button(admin.t(label), form)),
  ])
  ensure(answer.ok(), `the checks were refused: ${answer.status()}`)
}

/** What passed is folded away, so it only has to be there. */
async function seen(admin, check, node, verdict) {
  const { t } = admin
  const label = `${t(`codes.check_${check}`)}, ${node.name}: ${t(`codes.verdict_${verdict}`)}`
  await admin.page.locator(`button[aria-label^=${JSON.stringify(label)}]`).first().waitFor({ state: 'attached', timeout: LONG_PATIENCE })
}
