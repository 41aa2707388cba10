// A cluster that was there before the console: one address, one password, a fingerprint for each member; and the way out.

import { ClusterPage } from '../lib/cluster.mjs'
import { Served } from '../lib/console.mjs'
import { Import } from '../lib/import.mjs'
import { invited } from '../lib/invite.mjs'
import { Nodes, paste } from '../lib/nodes.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { ensure, equal } from '../lib/spec.mjs'

const ADMIN = { name: 'ada', password: 'a long enough sentence' }

export default {
  'import, simulated': async (spec) => {
    const nodes = await Nodes.start(spec, 3, { scenario: 'healthy' })
    const console = await Served.start(spec)
    await walk(spec, await ready(spec, console), nodes, 'lab')
  },

  'import, simulated, in French': async (spec) => {
    const nodes = await Nodes.start(spec, 2, { scenario: 'bare' })
    const console = await Served.start(spec)
    const admin = await ready(spec, console, 'fr')
    const work = new Import(admin)
    const { t } = admin
    await spec.step('a node of no cluster leads into the wizard', async () => {
      admin.expect(/status of (4|5)\d\d/)
      const [node] = nodes.members
      await work.begin(node)
      await work.letIn(node)
      await admin.see(t.like('codes.problem_not_a_member'), admin.page, LONG_PATIENCE)
      await admin.inspect('import, no cluster')
      await admin.page.getByRole('link', { name: t('import.build_instead'), exact: true }).click()
      await admin.seeHeading(t('wizard.nodes'))
      await work.wizard.seeLogIn(node)
    })
    await spec.step('what was begun can be given up', async () => {
      await admin.goto(`/clusters/${work.cluster}/import`)
      await admin.press(admin.button(t('import.give_up')))
      const dialog = admin.page.getByRole('dialog', { name: t('import.give_up_question') })
      await admin.press(admin.button(t('import.give_up'), dialog))
      await admin.seeHeading(t('pages.clusters'))
      await admin.see(t('pages.clusters_empty'))
    })
  },
}

async function ready(spec, console, language) {
  const admin = await person(spec, console.origin, { language })
  await spec.step('the first admin', async () => {
    await invited(admin, await console.firstLink(), ADMIN)
    await admin.seeHeading(admin.t('pages.clusters'))
    await admin.inspect('clusters, none yet, with import')
  })
  return admin
}

/** Through the second node of three; the third is dead at first. */
async function walk(spec, admin, nodes, name) {
  const { t } = admin
  const work = new Import(admin)
  const [first, second, third] = nodes.members
  await spec.step('one node shows its key and takes the password', async () => {
    await work.begin(second)
    await admin.inspect('import, host key')
    await work.letIn(second)
  })
  await spec.step('the members are found and taken over', async () => {
    await admin.see(name, admin.page, LONG_PATIENCE)
    await admin.inspect('import, members found')
    await work.takeOver([first, third])
  })
  await spec.step('each host key is confirmed, and no password is asked again', async () => {
    await work.confirm(first, second.name)
    await admin.inspect('import, keys to confirm')
    await admin.goto(`/clusters/${work.cluster}`)
    await admin.see(t.like('import.waiting', { nodes: third.name }))
    await admin.goto(`/clusters/${work.cluster}/import`)
    await work.confirm(third)
    await admin.see(t('import.progress', { works: 3, of: 3 }))
  })
  await spec.step('the cluster is watched like any other', async () => {
    await work.openCluster()
    const cluster = new ClusterPage(admin, work.cluster)
    await cluster.seeState({ quorate: true, health: 'healthy', votes: 3, expected: 3 })
    for (const node of nodes.members) await cluster.seeNode(node.name, 'member')
  })
  await spec.step('it is not taken over twice', async () => {
    admin.expect(/status of (4|5)\d\d/)
    await admin.goto('/import')
    await work.typeAddress(first)
    await admin.see(t('codes.problem_cluster_known', {}).replace('{name}', name))
    await admin.inspect('import, known already')
  })
  await spec.step('withdrawing leaves nothing behind', async () => {
    await work.withdraw()
    for (const node of nodes.members) {
      const said = await paste(node, 'cat /root/.ssh/authorized_keys /etc/pve/priv/authorized_keys')
      ensure(said.includes('ssh-rsa') && !said.includes('ssh-ed25519'), `only the nodes’ own keys are on ${node.name}: ${said}`)
      const listed = await paste(node, 'ls -1A /root/.ssh')
      equal(listed.includes('authorized_keys2'), false, `authorized_keys2 on ${node.name}`)
    }
    await work.seeForgotten(name)
  })
}
