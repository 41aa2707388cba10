// Joins that must not happen, each for one fault that was sown after the checks: what the page says, word for word, and what
// is on the nodes, each time by asking the nodes.
//
// Of the eighteen cases of the engine's `seeded.rs` this file has: guests on the joiner, an address chosen twice, the name of a
// member, a join that exits with zero and failed, an absent member, a machine of another cluster. `join-trouble.mjs` has a
// machine that hangs and one that prints garbage in a join, an address of another node, an address that the machine does not
// have. `bad-input.mjs` has an address where nobody answers, a wrong password, a changed host key, and in the checks: guests,
// the same name twice, a machine that hangs, one that prints garbage, the key of an earlier cluster. The sixteen states of a
// join that stopped midway are in `join-stopped.mjs`.

import { ClusterPage } from '../lib/cluster.mjs'
import { agrees, reads } from '../lib/joins.mjs'
import { Served } from '../lib/console.mjs'
import { invited } from '../lib/invite.mjs'
import { Nodes, paste } from '../lib/nodes.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { ensure, equal } from '../lib/spec.mjs'
import { Wizard } from '../lib/wizard.mjs'

const NAME = 'careful'
const ADMIN = { name: 'ada', password: 'a long enough sentence' }
const WHY = 'The third node is needed'
/** A guest that appears on a machine that is to join. */
const GUEST = 101

export default {
  'joins that are refused': async (spec) => {
    const nodes = await Nodes.start(spec, 4, { speed: 20 })
    const console = await Served.start(spec)
    const admin = await person(spec, console.origin)
    const { t } = admin
    const wizard = new Wizard(admin)
    const link = await console.firstLink()
    await spec.step('a cluster of one node, with two that are to join', async () => {
      await invited(admin, link, ADMIN)
      await admin.seeHeading(t('pages.clusters'))
      await wizard.createWith(NAME, nodes.members.slice(0, 3), WHY)
    })
    await thirdNode(spec, admin, wizard, nodes)
    await fourthNode(spec, admin, wizard, nodes)
  },
}

/** Two members, and a third machine that is not fit to join. */
async function thirdNode(spec, admin, wizard, nodes) {
  const third = nodes.members[2]
  await spec.step('the second node joins, and the third has taken its name since the plan', async () => {
    await nodes.fault('rename', 'pve3', { hostname: 'pve2' })
    await tries(wizard, 'name_changed', { node: 'pve3', found: 'pve2', name: 'pve3' })
    const truth = await stands(nodes, 2, { pve3: 0 })
    const [addresses, ...others] = ['pve1', 'pve2'].map((name) => truth.nodes[name].nodelist.pve2)
    equal(others, [addresses], 'addresses of pve2 as both members have them')
    await admin.inspect('wizard, a join that was refused')
    await nodes.fault('rename', 'pve3', { hostname: 'pve3' })
  })
  await spec.step('pvecm add ends with 0 and has failed', async () => {
    await nodes.fault('join-dies-at', 'pve3', { point: 'before-addnode' })
    await tries(wizard, 'join_refused', { node: 'pve3', cluster: NAME, member: 'pve1' })
    await stands(nodes, 2, { pve3: 1 })
  })
  await spec.step('a guest has come to the machine since the checks, and stays', async () => {
    await nodes.fault('add-guest', 'pve3', { vmid: GUEST })
    await tries(wizard, 'guests_on_joiner', { node: 'pve3', guests: GUEST })
    await stands(nodes, 2, { pve3: 1 })
    const folder = '/etc/pve/nodes/pve3/qemu-server'
    equal((await paste(third, `ls ${folder}`)).trim(), `${GUEST}.conf`, 'guests on the machine')
    await admin.inspect('wizard, a join refused for a guest')
    await paste(third, `rm ${folder}/${GUEST}.conf`)
  })
  await spec.step('the key of an earlier cluster lies on the machine', async () => {
    await nodes.fault('leave-authkey', 'pve3', { on: true })
    await tries(wizard, 'leftover_authkey', { node: 'pve3' })
    await stands(nodes, 2, { pve3: 1 })
    ensure((await paste(third, 'ls /etc/corosync')).includes('authkey'), 'the key is left alone')
    await nodes.fault('leave-authkey', 'pve3', { on: false })
  })
  await spec.step('an address that is chosen twice is told in its cell, and is not saved', () => twice(admin, wizard, nodes))
  await spec.step('mended, it joins', async () => {
    await agrees(wizard, NAME, WHY)
    await wizard.joined(3)
    const truth = await stands(nodes, 3)
    equal(truth.nodes.pve3.ran['pvecm add'], 2, 'times that pvecm add ran on pve3: one failed, one joined')
  })
}

/** The machine's first address for the second link too. */
async function twice(admin, wizard, nodes) {
  const { t } = admin
  const said = t.said('codes.problem_link_address_twice', { address: '10.0.1.13' })
  await admin.goto(wizard.path('network'))
  const choice = (number) => admin.control('combobox', t('wizard.link_address', { number, node: 'pve3' }))
  await choice(1).waitFor()
  equal(await choice(0).inputValue(), '10.0.1.13', 'link 0')
  await admin.choose(t('wizard.link_address', { number: 1, node: 'pve3' }), '10.0.1.13')
  for (const number of [0, 1]) await admin.see(said, admin.page.getByRole('cell').filter({ has: choice(number) }))
  await admin.seeDisabled(admin.button(t('wizard.links_save')), t('wizard.links_faulty'))
  await admin.inspect('wizard, an address chosen twice')
  await stands(nodes, 2, { pve3: 1 })
  await admin.page.reload()
  await choice(1).waitFor()
  equal(await choice(1).inputValue(), '10.0.2.13', 'link 1 as it was saved')
}

/** Three members, and a fourth machine. */
async function fourthNode(spec, admin, wizard, nodes) {
  const fourth = nodes.members[3]
  await spec.step('a fourth machine is to join the cluster that is there', async () => {
    await admin.goto(wizard.path('prerequisites'))
    await wizard.addWithPassword(fourth)
    await admin.goto(wizard.path('network'))
    await wizard.takeLinks()
  })
  await spec.step('a member is absent', async () => {
    const cluster = new ClusterPage(admin, wizard.cluster)
    await nodes.fault('kill', 'pve3')
    // A plan of before is not run: the console has to have heard of it.
    await cluster.open()
    await cluster.seeNode('pve3', 'absent')
    await cluster.seeState({ quorate: true, votes: 2, expected: 3 })
    await tries(wizard, 'members_offline', { absent: 'pve3' })
    await stands(nodes, 3, { pve4: 0 })
    await nodes.fault('start', 'pve3')
    await nodes.untilTogether(['pve1', 'pve2', 'pve3'])
    await cluster.open()
    await cluster.seeNode('pve3', 'member', LONG_PATIENCE)
    await cluster.seeState({ quorate: true, votes: 3, expected: 3 }, LONG_PATIENCE)
  })
  await spec.step('the machine has been called like a member', async () => {
    await nodes.fault('rename', 'pve4', { hostname: 'pve2' })
    await tries(wizard, 'name_changed', { node: 'pve4', found: 'pve2', name: 'pve4' })
    await again(wizard, fourth, 'pve4')
    await tries(wizard, 'name_in_cluster', { node: 'pve2' })
    const truth = await stands(nodes, 3, { pve4: 0 })
    equal(truth.nodes.pve1.nodelist.pve2, ['10.0.1.12', '10.0.2.12'], 'addresses of the member of this name')
    await admin.inspect('wizard, a machine called like a member')
    await nodes.fault('rename', 'pve4', { hostname: 'pve4' })
    await again(wizard, fourth, 'pve2')
  })
  await spec.step('the machine has been made a cluster of its own', async () => {
    await paste(fourth, 'pvecm create elm')
    await tries(wizard, 'in_other_cluster', { node: 'pve4', cluster: 'elm' })
    await stands(nodes, 3, { pve4: 0 })
    ensure((await paste(fourth, 'cat /etc/pve/corosync.conf')).includes('cluster_name: elm'), 'it is still what it was made')
    await admin.inspect('wizard, a machine of another cluster')
  })
}

/** Agrees to it, and reads why it did not happen. */
async function tries(wizard, problem, params) {
  await agrees(wizard, NAME, WHY)
  await reads(wizard, problem, params)
}

/** Takes a machine out and adds it again, under the name that it has now; it still lets the console in. */
async function again(wizard, node, label) {
  const { person, t } = wizard
  await person.goto(wizard.path('prerequisites'))
  await wizard.remove(node, label)
  await wizard.add(node)
  const row = wizard.row(node)
  await person.see(node.fingerprint, row)
  await person.press(row.getByRole('button', { name: t('wizard.key_pin') }))
  await wizard.seeLogIn(node)
  await person.goto(wizard.path('network'))
  await wizard.takeLinks()
}

/** The first `count` are one cluster, which has never heard of anybody else; `adds` is how often a machine tried to join. */
async function stands(nodes, count, adds = {}) {
  const truth = await nodes.truth()
  const members = nodes.members.slice(0, count).map(({ name }) => name)
  for (const name of members.filter((name) => truth.nodes[name].alive)) {
    equal(truth.nodes[name].members, members, `members as ${name} has them`)
  }
  const alive = members.filter((name) => truth.nodes[name].alive)
  ensure(truth.partitions.some((one) => one.quorate && one.nodes.length === alive.length), `${alive.join(', ')} are quorate`)
  for (const [name, times] of Object.entries(adds)) {
    equal(truth.nodes[name].ran['pvecm add'] ?? 0, times, `times that pvecm add was started on ${name}`)
    equal(truth.nodes[name].cluster === NAME, false, `${name} is in the cluster`)
  }
  return truth
}
