// Joins that stop on their way, and machines that cannot join any more: what the page says, word for word, and what is on the
// nodes, each time by asking the nodes. `join-refused.mjs` has those that are refused at once.

import { agrees, goesOn, plans, reads, untilClear } from '../lib/joins.mjs'
import { Served } from '../lib/console.mjs'
import { invited } from '../lib/invite.mjs'
import { Nodes, paste } from '../lib/nodes.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { Proxy } from '../lib/proxy.mjs'
import { ensure, equal } from '../lib/spec.mjs'
import { Wizard } from '../lib/wizard.mjs'

const NAME = 'patient'
const ADMIN = { name: 'ada', password: 'a long enough sentence' }
const WHY = 'All of them are needed'
/** Where the console keeps its key on a machine: the first thing of a join. */
const KEPT = '/root/.ssh/authorized_keys2'

export default {
  'joins that stop on their way': async (spec) => {
    const nodes = await Nodes.start(spec, 6, { speed: 20 })
    const console = await Served.start(spec)
    const admin = await person(spec, console.origin)
    const wizard = new Wizard(admin)
    const link = await console.firstLink()
    await spec.step('a cluster of one node, with three that are to join', async () => {
      await invited(admin, link, ADMIN)
      await admin.seeHeading(admin.t('pages.clusters'))
      await wizard.createWith(NAME, nodes.members.slice(0, 4), WHY)
    })
    await onTheWay(spec, admin, wizard, nodes)
    await exchanged(spec, admin, wizard, nodes)
  },
}

/** The third machine is held back while it joins, so that it is known when the fourth one falls ill. */
async function onTheWay(spec, admin, wizard, nodes) {
  const [first, , , fourth] = nodes.members
  await spec.step('while another one joins, a machine begins to hang in every command', async () => {
    await nodes.fault('block-udp', 'pve3', { on: true })
    await agrees(wizard, NAME, WHY)
    await nodes.untilBegun('pvecm add', 'pve3')
    await nodes.fault('hang-commands', 'pve4', { on: true })
    await nodes.fault('block-udp', 'pve3', { on: false })
    await reads(wizard, 'node_hangs', { node: 'pve4' })
    await admin.see(admin.t('wizard.parked_text'))
    await stands(nodes, 3, { pve4: 0 })
    await admin.inspect('wizard, a join at a machine that hangs')
  })
  await spec.step('taken up again, it prints garbage instead', async () => {
    await nodes.fault('hang-commands', 'pve4', { on: false })
    await nodes.fault('garbage', 'pve4', { on: true })
    await goesOn(wizard)
    await reads(wizard, 'proof_missing', { node: 'pve4' })
    await admin.see(admin.t('wizard.parked_text'))
    await stands(nodes, 3, { pve4: 0 })
    await admin.inspect('wizard, a join at a machine that prints garbage')
    await nodes.fault('garbage', 'pve4', { on: false })
  })
  await spec.step('meanwhile somebody has given its second address to a member', async () => {
    await paste(first, 'pvecm addnode pve2 --force 1 --link0 10.0.1.12 --link1 10.0.2.14')
    await goesOn(wizard)
    await reads(wizard, 'address_in_cluster', { node: 'pve4', address: '10.0.2.14', other: 'pve2' })
    const truth = await stands(nodes, 3, { pve4: 0 })
    equal(truth.nodes.pve1.nodelist.pve2, ['10.0.1.12', '10.0.2.14'], 'addresses of pve2, as they were given')
    await admin.inspect('wizard, a join with an address of another node')
  })
  await spec.step('mended, it joins', async () => {
    await paste(first, 'pvecm addnode pve2 --force 1 --link0 10.0.1.12 --link1 10.0.2.12')
    const version = (await paste(first, 'cat /etc/pve/corosync.conf')).match(/config_version: (\d+)/)[1]
    await untilClear(wizard, Number(version))
    await agrees(wizard, NAME, WHY)
    await wizard.joined(4)
    const truth = await stands(nodes, 4)
    equal([truth.nodes.pve4.ran['pvecm add'], truth.nodes.pve1.nodelist.pve2], [1, ['10.0.1.12', '10.0.2.12']], 'joins on pve4, and addresses of pve2')
    ensure((await paste(fourth, `cat ${KEPT}`)).includes('ssh-ed25519'), 'the console’s key is kept on pve4')
  })
}

/** The machine that was added is exchanged for another one of the same name, which has other addresses. */
async function exchanged(spec, admin, wizard, nodes) {
  const { t } = admin
  const [, , , , old, other] = nodes.members
  const proxy = await Proxy.start(spec, `http://${old.address}:${old.port}`)
  const machine = proxy.inFrontOf(old)
  const replaced = proxy.inFrontOf(other)
  await spec.step('a fifth machine is to join, with its addresses chosen', async () => {
    await admin.goto(wizard.path('prerequisites'))
    await wizard.addWithPassword(machine)
    await admin.goto(wizard.path('network'))
    await wizard.takeLinks()
  })
  await spec.step('it is exchanged for another one, which an admin lets in', async () => {
    admin.expect(/Failed to load resource/)
    await nodes.fault('rename', other.name, { hostname: old.name })
    await paste(other, `echo "10.0.1.16 ${old.name}.lab.local ${old.name}" >> /etc/hosts`)
    proxy.lead(`http://${other.address}:${other.port}`)
    // An open tab is not enough to let another machine in.
    await admin.signInAgain(ADMIN.name, ADMIN.password)
    await admin.goto(wizard.path('prerequisites'))
    await wizard.check()
    const row = wizard.row(machine)
    await admin.see(t.said('codes.problem_host_key_changed', { pinned: old.fingerprint, offered: other.fingerprint }), row, LONG_PATIENCE)
    await admin.press(admin.button(t('wizard.key_replace'), row))
    const dialog = admin.page.getByRole('dialog', { name: t('wizard.key_replace_question', { node: old.name }) })
    await admin.press(admin.button(t('wizard.key_replace_yes'), dialog))
    await admin.see(t('codes.log_in_needs_key'), row)
    await wizard.givePassword(replaced)
    await wizard.seeLogIn(machine)
  })
  await spec.step('an address that the machine does not have any more stops the plan, and its cell says so', async () => {
    const words = t.said('codes.problem_link_not_local', { node: old.name, address: '10.0.1.15' })
    await plans(wizard)
    await admin.press(admin.button(t('wizard.preview')))
    const form = admin.page.getByRole('form', { name: t('wizard.consent') })
    await form.waitFor({ timeout: LONG_PATIENCE })
    await reads(wizard, 'link_not_local', { node: old.name, address: '10.0.1.15' })
    await admin.seeDisabled(admin.button(t('wizard.join_run'), form), t('wizard.obstacles_first'))
    await admin.inspect('wizard, a join with an address that is gone')
    await admin.goto(wizard.path('network'))
    const choice = admin.control('combobox', t('wizard.link_address', { number: 0, node: old.name }))
    await admin.see(words, admin.page.getByRole('cell').filter({ has: choice }))
    await admin.inspect('wizard, links with an address that is gone')
    await stands(nodes, 4, { [old.name]: 0, [other.name]: 0 })
  })
  await spec.step('with its own addresses it joins', async () => {
    for (const number of [0, 1]) await admin.choose(t('wizard.link_address', { number, node: old.name }), `10.0.${number + 1}.16`)
    await wizard.takeLinks()
    await agrees(wizard, NAME, WHY)
    await wizard.joined(5)
    const truth = await stands(nodes, 5)
    equal(truth.nodes.pve1.nodelist[old.name], ['10.0.1.16', '10.0.2.16'], 'addresses of the fifth member')
    equal(truth.nodes[other.name].members, truth.nodes.pve1.members, 'members as the machine has them')
    equal([truth.nodes[old.name].ran, truth.nodes[old.name].cluster], [{}, null], 'what ran on the machine that was there before')
  })
}

/** So many are one quorate cluster, which has never heard of anybody else; `adds` is how often a machine tried to join. */
async function stands(nodes, count, adds = {}) {
  const truth = await nodes.truth()
  const members = ['pve1', 'pve2', 'pve3', 'pve4', 'pve5'].slice(0, count)
  for (const name of members.slice(0, 4)) equal(truth.nodes[name].members, members, `members as ${name} has them`)
  ensure(truth.partitions.some((one) => one.quorate && one.nodes.length === count), `${members.join(', ')} are quorate`)
  for (const [name, times] of Object.entries(adds)) {
    equal([truth.nodes[name].ran['pvecm add'] ?? 0, truth.nodes[name].cluster], [times, null], `times that pvecm add was started on ${name}, and its cluster`)
  }
  return truth
}
