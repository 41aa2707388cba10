// Joins that must not happen, or that stop: what the page says, and what is on the nodes, each time by asking the nodes.

import { Served } from '../lib/console.mjs'
import { invited } from '../lib/invite.mjs'
import { Nodes } from '../lib/nodes.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { ensure, equal } from '../lib/spec.mjs'
import { Wizard } from '../lib/wizard.mjs'

const NAME = 'careful'
const ADMIN = { name: 'ada', password: 'a long enough sentence' }
const WHY = 'The third node is needed'

export default {
  'joins that are refused': async (spec) => {
    const nodes = await Nodes.start(spec, 3, { speed: 20 })
    const console = await Served.start(spec)
    const admin = await person(spec, console.origin)
    const { t } = admin
    const wizard = new Wizard(admin)
    const link = await console.firstLink()
    await spec.step('a cluster of one node, with two that are to join', async () => {
      await invited(admin, link, ADMIN)
      await admin.seeHeading(t('pages.clusters'))
      await wizard.createWith(NAME, nodes.members, WHY)
    })
    await spec.step('the second node joins, and the third has taken its name since the plan', async () => {
      await nodes.fault('rename', 'pve3', { hostname: 'pve2' })
      await tries(wizard, 'name_changed')
      const truth = await stands(nodes, { adds: 0 })
      const [addresses, ...others] = ['pve1', 'pve2'].map((name) => truth.nodes[name].nodelist.pve2)
      equal(others, [addresses], 'addresses of pve2 as both members have them')
      await admin.inspect('wizard, a join that was refused')
      await nodes.fault('rename', 'pve3', { hostname: 'pve3' })
    })
    await spec.step('pvecm add ends with 0 and has failed', async () => {
      await nodes.fault('join-dies-at', 'pve3', { point: 'before-addnode' })
      await tries(wizard, 'join_refused')
      await stands(nodes, { adds: 1 })
    })
    await spec.step('mended, it joins', async () => {
      await plans(wizard)
      await wizard.agree('wizard.join_run', NAME, WHY)
      await wizard.joined(3)
      const truth = await nodes.truth()
      for (const { name } of nodes.members) equal(truth.nodes[name].members, ['pve1', 'pve2', 'pve3'], `members as ${name} has them`)
      equal(truth.nodes.pve3.ran['pvecm add'], 2, 'times that pvecm add ran on pve3: one failed, one joined')
    })
  },
}

/** Comes to where the joins that are left can be planned. */
async function plans(wizard) {
  const { person, t } = wizard
  await person.goto(wizard.path('join'))
  const again = person.button(t('wizard.plan_again'))
  const preview = person.button(t('wizard.preview'))
  await again.or(preview).first().waitFor({ timeout: LONG_PATIENCE })
  if (await again.isVisible()) await person.press(again)
}

/** Agrees to it, and reads why the last one did not happen. */
async function tries(wizard, problem) {
  const { person, t } = wizard
  await plans(wizard)
  await wizard.agree('wizard.join_run', NAME, WHY)
  await person.see(t.like(`codes.problem_${problem}`), person.page.getByRole('main'), LONG_PATIENCE)
}

/** The first two are one cluster, which has never heard of the third. */
async function stands(nodes, { adds }) {
  const truth = await nodes.truth()
  for (const name of ['pve1', 'pve2']) {
    equal(truth.nodes[name].members, ['pve1', 'pve2'], `members as ${name} has them`)
    equal(Object.keys(truth.nodes[name].nodelist), ['pve1', 'pve2'], `the list on ${name}`)
  }
  ensure(truth.partitions.some((one) => one.quorate && one.nodes.length === 2), 'the two are quorate')
  equal(truth.nodes.pve3.ran['pvecm add'] ?? 0, adds, 'times that pvecm add was started on pve3')
  return truth
}
