// A join that dies midway: recognised with the evidence of both sides, given up, and carried through by a plan of its own.

import { Served } from '../lib/console.mjs'
import { invited } from '../lib/invite.mjs'
import { givesUp } from '../lib/joins.mjs'
import { Nodes } from '../lib/nodes.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { ensure, equal } from '../lib/spec.mjs'
import { Wizard } from '../lib/wizard.mjs'

const NAME = 'midway'
const ADMIN = { name: 'ada', password: 'a long enough sentence' }
const WHY = 'The join has to come to its end'

export default {
  'a join that stopped midway, English': (spec) => stopped(spec, 'en'),
  'a join that stopped midway, French': (spec) => stopped(spec, 'fr'),
}

async function stopped(spec, language) {
  const nodes = await Nodes.start(spec, 3, { speed: 20 })
  const console = await Served.start(spec)
  const admin = await person(spec, console.origin, { language })
  const { t } = admin
  const wizard = new Wizard(admin)
  const link = await console.firstLink()
  await spec.step('the third node’s join dies once its own database is moved away', async () => {
    await invited(admin, link, ADMIN)
    await admin.seeHeading(t('pages.clusters'))
    await wizard.createWith(NAME, nodes.members, WHY)
    await nodes.fault('join-dies-at', 'pve3', { point: 'after-database-moved' })
    await wizard.startJoin(NAME, WHY)
    await admin.see(t('wizard.parked_text'), admin.page, LONG_PATIENCE)
  })
  const card = admin.page.locator('[data-midway]')
  await spec.step('the page says in words what both sides show', async () => {
    await card.waitFor({ timeout: LONG_PATIENCE })
    equal(await card.getAttribute('data-midway'), 'database_moved', 'the state')
    await admin.see(t('codes.midway_database_moved'), card)
    const own = card.getByRole('table', { name: t('wizard.midway_joiner') })
    const theirs = card.getByRole('table', { name: t('wizard.midway_members') })
    await own.getByRole('row', { name: t('codes.trace_pmxcfs') }).getByText(t('codes.told_no'), { exact: true }).waitFor()
    await own.getByRole('row', { name: t('codes.trace_authkey') }).getByText(t('codes.told_same'), { exact: true }).waitFor()
    await theirs.getByRole('row', { name: t('codes.trace_listed') }).getByText('10.0.1.13').first().waitFor()
    await admin.inspect(`wizard, a join that stopped midway, ${language}`)
  })
  await spec.step('while the operation waits, it holds the cluster', async () => {
    await admin.press(admin.button(t('codes.way_finish'), card))
    await admin.see(t('wizard.midway_holds'), card)
  })
  await spec.step('it is given up, and finished by a plan of its own', async () => {
    await givesUp(wizard, WHY)
    await admin.goto(wizard.path('join'))
    await admin.press(admin.button(t('codes.way_finish'), card))
    const form = admin.page.getByRole('form', { name: t('wizard.consent') })
    await form.waitFor({ timeout: LONG_PATIENCE })
    await admin.fill(t('wizard.reason'), WHY, form)
    await admin.fill(t('wizard.typed_label', { target: 'pve3' }), 'pve3', form)
    await admin.press(admin.button(t('wizard.midway_finish_run'), form))
    await admin.page.waitForURL(/\/operations\//, { timeout: LONG_PATIENCE })
    await admin.seeDone()
  })
  await spec.step('all three are one cluster, and nothing is left midway', async () => {
    const truth = await nodes.truth()
    for (const { name } of nodes.members) equal(truth.nodes[name].members, ['pve1', 'pve2', 'pve3'], `members as ${name} has them`)
    equal(truth.nodes.pve3.ran['pvecm add'], 1, 'times that pvecm add ran on pve3')
    ensure(truth.partitions.length === 1 && truth.partitions[0].quorate, 'one quorate cluster')
    await admin.goto(wizard.path('join'))
    await admin.see(t('wizard.midway_none'), admin.page, LONG_PATIENCE)
    equal(await card.count(), 0, 'joins that are left midway')
  })
}
