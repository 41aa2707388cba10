// A QDevice for three nodes, against the advice: one asks and says why, another one agrees, and both see what it costs.

import { ClusterPage } from '../lib/cluster.mjs'
import { demo } from '../lib/console.mjs'
import { paste } from '../lib/nodes.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { ensure, equal } from '../lib/spec.mjs'
import { TeamRoom } from '../lib/team.mjs'
import { Trail } from '../lib/trail.mjs'
import { Wizard } from '../lib/wizard.mjs'

const NAME = 'trio'
const REASON = 'Two of the racks share one power line'
/** What the nodes call the QDevice's host, which is not how the console reaches it here. */
const QNETD = '10.0.1.50'
const STORE = '/etc/corosync/qdevice/net/nssdb'

export default {
  'a QDevice for three nodes, against the advice': async (spec) => {
    const console = await demo(spec, { nodes: 3 })
    const operator = await person(spec, console.origin)
    const { t } = operator
    const wizard = new Wizard(operator)
    const mine = new TeamRoom(operator)
    /** What every node says itself, asked over a log-in of our own. */
    const asked = (command) => Promise.all(console.members.map((node) => paste(node, command)))

    await spec.step('three nodes become a cluster', async () => {
      await operator.signIn(console.operator.name, console.operator.password)
      await operator.seeHeading(t('pages.clusters'))
      await wizard.build(NAME, console.members, 'Three racks')
      await wizard.next('qdevice')
    })
    await spec.step('it is refused, with the votes before and after, and the way past that is folded away', async () => {
      await operator.see(t('wizard.qdevice_refused'))
      await operator.control('row', `${t('wizard.votes_device')} 0 2`).waitFor()
      await operator.control('row', `${t('wizard.votes_expected')} 3 5`).waitFor()
      await operator.control('row', `${t('wizard.votes_tolerates')} 1 2`).waitFor()
      equal(await operator.page.getByText(t('wizard.qdevice_anyway_text')).isVisible(), false, 'the fold is open')
      for (const said of await asked('corosync-quorumtool -s')) {
        ensure(/Expected votes:\s+3\b/.test(said) && !/Qdevice/.test(said), `a node before: ${said}`)
      }
    })
    await spec.step('the fold says what it costs, and takes the host', async () => {
      await operator.page.getByText(t('wizard.qdevice_anyway'), { exact: true }).click()
      await operator.see(t('wizard.qdevice_anyway_text'))
      await wizard.addWithPassword(console.qnetd, 'wizard.add_qnetd')
      await operator.fill(t('wizard.qnetd_address'), QNETD)
      await operator.inspect('wizard, QDevice against the advice')
    })
    await spec.step('the plan is destructive, wants a reason, and is asked of somebody else', async () => {
      await operator.press(operator.button(t('wizard.preview')))
      const form = operator.page.getByRole('form', { name: t('wizard.consent') })
      await form.waitFor({ timeout: LONG_PATIENCE })
      await operator.see(`pvecm qdevice setup ${QNETD} --force`)
      await seesWhatItCosts(operator)
      equal(await operator.button(t('wizard.qdevice_run'), form).count(), 0, 'buttons to run it alone')
      await operator.inspect('wizard, plan against the advice')
      await operator.fill(t('wizard.reason'), REASON, form)
      await operator.fill(t('wizard.typed_label', { target: NAME }), NAME, form)
      await operator.press(operator.button(t('wizard.ask'), form))
      await operator.page.waitForURL(/\/approvals\/[0-9a-f-]{36}/, { timeout: LONG_PATIENCE })
      equal(await operator.button(t('team.approve')).count(), 0, 'buttons to approve one’s own')
    })
    await spec.step('until then no node has heard of it', async () => {
      for (const said of await asked('cat /etc/pve/corosync.conf')) ensure(!/device/.test(said), `a node: ${said}`)
    })
    await spec.step('another one reads it in French, and agrees', async () => {
      const approver = await person(spec, console.origin, { language: 'fr' })
      await approver.signIn(console.approver.name, console.approver.password)
      await approver.seeHeading(approver.t('pages.clusters'))
      const theirs = new TeamRoom(approver)
      await theirs.openFirst()
      await approver.see(REASON)
      await seesWhatItCosts(approver)
      await approver.inspect('request, QDevice against the advice')
      await theirs.write('Je connais cette salle')
      await theirs.do('approve')
      await theirs.seeState('approved')
    })
    await spec.step('it runs, and the device votes', async () => {
      await mine.seeState('approved')
      await mine.do('run_now')
      await operator.page.waitForURL(/\/operations\/[0-9a-f-]{36}/, { timeout: LONG_PATIENCE })
      await operator.seeDone()
      await operator.goto(wizard.path('qdevice'))
      await operator.see(t('wizard.qdevice_done'), operator.page, LONG_PATIENCE)
      await operator.control('row', `${t('wizard.votes_expected')} 3 5`).waitFor()
      await operator.inspect('wizard, QDevice of three nodes')
    })
    await spec.step('every node says so itself: five votes, V at each member, two for the device', async () => {
      for (const said of await asked('corosync-quorumtool -s')) {
        ensure(/Expected votes:\s+5\b/.test(said) && /Total votes:\s+5\b/.test(said), `votes: ${said}`)
        ensure(/Flags:\s+Quorate Qdevice/.test(said), `flags: ${said}`)
        equal(said.match(/\bA,V,/g)?.length, 3, `members with the flag V in ${said}`)
        ensure(/\b2\s+Qdevice\b/.test(said), `the device’s votes: ${said}`)
      }
      for (const said of await asked(`ls -1a ${STORE}`)) ensure(/^\.$/m.test(said), `certificates: ${said}`)
    })
    const cluster = new ClusterPage(operator, wizard.cluster)
    await spec.step('while its host is away no node may be missing, and the page says what can be done', async () => {
      await cluster.open()
      await cluster.seeState({ quorate: true, votes: 5, expected: 5 })
      await cluster.fault(null, 'stop_qnetd')
      await cluster.seeState({ quorate: true, votes: 3, expected: 5 }, LONG_PATIENCE)
      for (const said of await asked('corosync-quorumtool -s')) ensure(/Total votes:\s+3\b/.test(said), `without the device: ${said}`)
      await operator.goto(wizard.path('qdevice'))
      await operator.see(t('wizard.qdevice_silent'), operator.page, LONG_PATIENCE)
      await operator.see(t('wizard.qdevice_silent_text'))
      await operator.see(t('wizard.qdevice_remove'))
      await operator.inspect('wizard, QDevice that does not vote')
      await cluster.open()
      await cluster.fault(null, 'stop_qnetd')
      await cluster.seeState({ quorate: true, votes: 5, expected: 5 }, LONG_PATIENCE)
    })
    await spec.step('with it, two nodes may die', async () => {
      for (const node of ['pve2', 'pve3']) {
        await cluster.fault(node, 'kill')
        await cluster.seeNode(node, 'absent')
      }
      await cluster.seeState({ quorate: true, votes: 3, expected: 5 }, LONG_PATIENCE)
      const [first] = console.members
      const said = await paste(first, 'corosync-quorumtool -s')
      ensure(/Quorate:\s+Yes/.test(said) && /Total votes:\s+3\b/.test(said), `alone: ${said}`)
    })
    await spec.step('who asked, who agreed and what ran stands in the audit', async () => {
      const ran = await new Trail(operator, wizard.cluster).everyCommandAsPlanned()
      const first = Object.values(ran).flat()
      ensure(first.some((line) => /pvecm qdevice setup .*--force/.test(line)), 'the forced command is among them')
      await operator.goto('/audit?code=approval_given')
      const table = operator.page.getByRole('main').getByRole('table')
      await operator.see(console.approver.name, table, LONG_PATIENCE)
    })
  },
}

/** The consequences of the plan, in the words of the one who reads it. */
async function seesWhatItCosts(person) {
  const { t } = person
  await person.see(t.like('codes.consequence_qdevice_against_advice', { votes: 2, nodes: 3 }))
  await person.see(t.like('codes.consequence_qdevice_store_deleted', { node: 'pve1', path: STORE }))
  await person.see(t.like('codes.consequence_votes_change', { expected_before: 3, expected_after: 5, tolerates_before: 1, tolerates_after: 2 }))
}
