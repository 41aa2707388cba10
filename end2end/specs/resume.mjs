// The console dies in the middle of the joins; the nodes live on. Afterwards it goes on by itself, and nothing ran twice.

import { Served } from '../lib/console.mjs'
import { invited } from '../lib/invite.mjs'
import { Nodes } from '../lib/nodes.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { ensure, equal } from '../lib/spec.mjs'
import { Wizard } from '../lib/wizard.mjs'

const NAME = 'resumed'
const ADMIN = { name: 'ada', password: 'a long enough sentence' }

export default {
  resume: async (spec) => {
    // Slower than elsewhere: the joins must last long enough to be interrupted.
    const nodes = await Nodes.start(spec, 3, { speed: 3 })
    const console = await Served.start(spec)
    const admin = await person(spec, console.origin)
    const { t } = admin
    const wizard = new Wizard(admin)

    await spec.step('the link on the terminal makes the first admin', async () => {
      await invited(admin, await console.firstLink(), ADMIN)
      await admin.seeHeading(t('pages.clusters'))
    })
    await spec.step('a cluster is created', async () => {
      await wizard.createWith(NAME, nodes.members, 'To be interrupted')
    })
    await spec.step('the console is killed while a node joins', async () => {
      await wizard.startJoin(NAME, 'To be interrupted')
      await nodes.untilBegun('pvecm add')
      // Chromium says on its console that the stream broke.
      admin.expect(/ERR_|Failed to load resource/)
      await console.kill()
    })
    await spec.step('it comes back and finishes the joins by itself', async () => {
      await console.begin()
      await wizard.joined(nodes.members.length)
    })
    await spec.step('no node was joined twice', async () => {
      const truth = await nodes.truth()
      for (const { name } of nodes.members) {
        equal(truth.nodes[name].ran['pvecm add'] ?? 0, name === 'pve1' ? 0 : 1, `times that pvecm add ran on ${name}`)
        equal(truth.nodes[name].members, ['pve1', 'pve2', 'pve3'], `members in the configuration of ${name}`)
      }
      equal(truth.nodes.pve1.ran['pvecm create'], 1, 'times that pvecm create ran')
      equal(truth.nodes.pve1.ran['pvecm addnode'] ?? 2, 2, 'times that a node was added to the configuration')
      ensure(truth.partitions.length === 1 && truth.partitions[0].quorate, 'one quorate cluster')
    })
    await spec.step('the audit says that it was resumed, and its chain is whole', async () => {
      await admin.goto(`/audit?code=operation_resumed`)
      await admin.see(t('codes.audit_operation_resumed'), admin.page.getByRole('main').getByRole('table'), LONG_PATIENCE)
      ensure(console.command('audit', 'verify').startsWith('whole'), 'the chain is whole')
    })
  },
}
