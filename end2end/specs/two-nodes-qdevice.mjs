// Two nodes and a QDevice: the third vote comes from outside.

import { demo } from '../lib/console.mjs'
import { ClusterPage } from '../lib/cluster.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { Wizard } from '../lib/wizard.mjs'
import { AuditPage } from '../lib/audit.mjs'
import { ensure, equal } from '../lib/spec.mjs'
import { Trail } from '../lib/trail.mjs'

const NAME = 'pair'

export default {
  'two nodes and a QDevice': async (spec) => {
    const console = await demo(spec, { nodes: 2 })
    const operator = await person(spec, console.origin)
    const { t } = operator
    const wizard = new Wizard(operator)
    const cluster = new ClusterPage(operator)

    await spec.step('two nodes become a cluster', async () => {
      await operator.signIn(console.operator.name, console.operator.password)
      await operator.seeHeading(t('pages.clusters'))
      await wizard.build(NAME, console.members, 'A small branch office')
      cluster.id = wizard.cluster
    })
    await spec.step('the QDevice is recommended, with the votes before and after', async () => {
      await wizard.next('qdevice')
      await operator.see(t('wizard.qdevice_recommended'))
      await operator.control('row', `${t('wizard.votes_expected')} 2 3`).waitFor()
      await operator.control('row', `${t('wizard.votes_tolerates')} 0 1`).waitFor()
    })
    await spec.step('its host is added like a node', async () => {
      await wizard.addWithPassword(console.qnetd, 'wizard.add_qnetd')
    })
    await spec.step('it is set up and votes', async () => {
      // What the nodes call it, which is not how the console reaches it here.
      await operator.fill(t('wizard.qnetd_address'), '10.0.1.50')
      await wizard.agree('wizard.qdevice_run')
      await wizard.over(t('wizard.qdevice_done'))
      await operator.inspect('wizard, QDevice done')
    })
    await spec.step('the cluster page counts three votes', async () => {
      await operator.press(operator.button(t('wizard.to_cluster')))
      await cluster.seeState({ quorate: true, health: 'healthy', votes: 3, expected: 3 })
      const device = operator.button(`QDevice, ${t('pages.qdevice_votes', { votes: 1, configured: 1 })}`)
      await device.waitFor()
      await operator.press(device)
      await operator.see(t('pages.qdevice_voting'))
      await operator.see(/V/, operator.page.getByRole('main'))
      await operator.inspect('cluster, QDevice')
    })
    await spec.step('with it, one node may die', async () => {
      await cluster.fault('pve2', 'kill')
      await cluster.seeNode('pve2', 'absent')
      await cluster.seeState({ quorate: true, votes: 2, expected: 3 }, LONG_PATIENCE)
    })
    await spec.step('without it, fewer expected votes would bring no quorum back', async () => {
      await cluster.fault(null, 'stop_qnetd')
      await cluster.seeState({ quorate: false }, LONG_PATIENCE)
      await operator.goto(`/clusters/${cluster.id}/quorum`)
      await operator.see(t('codes.gentler_start_qnetd'), operator.page, LONG_PATIENCE)
      await operator.see(t.like('codes.problem_qdevice_keeps_blocked', { device: 1, expected: 2, quorum: 2, votes: 1 }))
      await operator.see(t('recover.could_not_ask', { by: console.qnetd.name }))
      await operator.see(t('recover.silent_partly'))
      equal(await operator.button(t('wizard.preview')).count(), 0, 'buttons to lower anything')
      await operator.inspect('recovery, a QDevice keeps it blocked')
    })
    await spec.step('the set-up stands in the audit', async () => {
      const audit = new AuditPage(operator)
      await audit.open()
      await audit.search({ words: 'pvecm qdevice setup', code: t('codes.audit_command_finished') })
      await audit.seeCommands(/pvecm qdevice setup/, 1)
      const ran = await new Trail(operator, wizard.cluster).everyCommandAsPlanned()
      ensure(ran[console.qnetd.name].length > 0, 'the commands on the QDevice’s host are among them')
    })
  },
}
