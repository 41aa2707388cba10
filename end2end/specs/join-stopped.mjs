// Every state in which a join can stop midway: the words of the card, the lines of both sides that decide, the ways on, and
// by commands of the spec's own what is on the nodes. Looking changes nothing.
//
// `midway.mjs` has the way out of one of them; that each way leads out is proven by the engine's own tests.

import { givesUp, reads } from '../lib/joins.mjs'
import { Served } from '../lib/console.mjs'
import { invited } from '../lib/invite.mjs'
import { MidwayCard } from '../lib/midway.mjs'
import { Nodes, paste } from '../lib/nodes.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { equal } from '../lib/spec.mjs'
import { Wizard } from '../lib/wizard.mjs'

const ADMIN = { name: 'ada', password: 'a long enough sentence' }
const WHY = 'Another way is taken'

/** What is on the nodes, in the order of a join: a member lists the joiner; it has the key, the configuration, and runs. */
const NOTHING = [false, false, false, false]
const LISTED = [true, false, false, false]
const LISTED_WITH_KEY = [true, true, false, false]
const LISTED_WITH_FILES = [true, true, true, false]
const LISTED_AND_RUNS = [true, true, true, true]
const FILES_ALONE = [false, true, true, false]
const RUNS_ALONE = [false, true, true, true]

/**
 * `dies` is where `pvecm add` is killed, `first` what is wrong before it and `then` what happens after it; `hides` comes when
 * the spec has looked at the machine, because nothing is to be read of it afterwards. `own` and `members` are lines of the
 * card: one answer for each machine of that side, `at` for the joiner's own addresses.
 */
const ENGLISH = [
  {
    title: 'only the keys were carried', state: 'keys_carried', dies: 'before-addnode', left: NOTHING, ways: ['join', 'undo'],
    own: { cluster: ['nothing'], authkey: ['nothing'], guests: ['0'] }, members: { listed: ['nothing'], root_key: ['yes'] },
  },
  {
    title: 'two members list it and it has nothing', state: 'listed_only', dies: 'after-addnode', left: LISTED, ways: ['finish', 'undo'], count: 2,
    own: { cluster: ['nothing'], authkey: ['nothing'], corosync: ['no'] }, members: { listed: ['at', 'at'], quorate: ['yes', 'yes'], certificate: ['no', 'no'] },
  },
  {
    title: 'the only member lists it and has lost its quorum', state: 'listed_only', dies: 'after-addnode', left: LISTED, ways: ['finish', 'undo'],
    own: { cluster: ['nothing'], authkey: ['nothing'], corosync: ['no'] }, members: { listed: ['at'], quorate: ['no'] },
  },
  {
    title: 'key and configuration lie beside its own database', state: 'files_written', dies: 'after-files-written', left: LISTED_WITH_FILES, ways: ['finish', 'undo'],
    own: { authkey: ['same'], database: ['yes'], pmxcfs: ['yes'], corosync: ['no'] }, members: { listed: ['at'] },
  },
  {
    title: 'its own database is moved and nothing runs', state: 'database_moved', dies: 'after-database-moved', left: LISTED_WITH_FILES, ways: ['finish', 'undo'],
    own: { authkey: ['same'], database: ['no'], pmxcfs: ['no'], corosync: ['no'] }, members: { listed: ['at'] },
  },
  {
    title: 'nothing runs and a database is there', state: 'services_down', dies: 'after-files-written', left: LISTED_WITH_FILES, ways: ['undo'],
    then: ({ nodes, joiner }) => nodes.fault('stop-pmxcfs', joiner.name),
    own: { authkey: ['same'], database: ['yes'], pmxcfs: ['no'], corosync: ['no'] }, members: { listed: ['at'] },
  },
  {
    title: 'pmxcfs does not run', state: 'pmxcfs_down', dies: 'waiting-for-quorum', left: LISTED_AND_RUNS, ways: ['finish', 'undo'],
    then: async (scene) => {
      await together(scene)
      await scene.nodes.fault('stop-pmxcfs', scene.joiner.name)
    },
    own: { corosync: ['yes'], pmxcfs: ['no'], writable: ['unknown'] }, members: { listed: ['at'], in_ring: ['yes'], certificate: ['no'] },
  },
  {
    title: 'it does not come into the ring', state: 'not_in_ring', dies: 'waiting-for-quorum', left: LISTED_AND_RUNS, ways: ['finish', 'undo'],
    first: ({ nodes, joiner }) => nodes.fault('block-udp', joiner.name, { on: true }),
    own: { corosync: ['yes'], pmxcfs: ['yes'], in_ring: ['no'], writable: ['unknown'] }, members: { listed: ['at'], in_ring: ['no'] },
  },
]

const FRENCH = [
  {
    title: 'its certificate was never made', state: 'certificate_missing', dies: 'waiting-for-quorum', left: LISTED_AND_RUNS, ways: ['finish'],
    then: together,
    own: { in_ring: ['yes'], writable: ['yes'] }, members: { listed: ['at'], in_ring: ['yes'], certificate: ['no'] },
  },
  {
    title: 'it has the key of another cluster', state: 'foreign_authkey', dies: 'after-addnode', left: LISTED_WITH_KEY, ways: ['undo'],
    then: ({ nodes, joiner }) => nodes.fault('leave-authkey', joiner.name, { on: true }),
    own: { authkey: ['other'], corosync: ['no'] }, members: { listed: ['at'] },
  },
  {
    title: 'its name has other addresses', state: 'other_addresses', dies: 'after-addnode', left: LISTED, ways: ['undo'],
    then: (scene) => alone(scene, scene.member, `pvecm addnode ${scene.joiner.name} --force 1 --link0 10.0.1.99 --link1 10.0.2.99`),
    own: { cluster: ['nothing'], corosync: ['no'] }, members: { listed: ['10.0.1.99, 10.0.2.99'], in_ring: ['no'] },
  },
  {
    title: 'no member lists it', state: 'not_listed', dies: 'after-database-moved', left: FILES_ALONE, ways: ['undo'],
    then: (scene) => alone(scene, scene.member, `pvecm delnode ${scene.joiner.name}`),
    own: { authkey: ['same'], database: ['no'], corosync: ['no'] }, members: { listed: ['nothing'], certificate: ['no'] },
  },
  {
    title: 'the members disagree', state: 'members_disagree', dies: 'after-addnode', left: LISTED, ways: [], count: 2,
    then: disagree,
    own: { cluster: ['nothing'], corosync: ['no'] }, members: { listed: ['at', 'nothing'] },
  },
  {
    title: 'it does not answer', state: 'joiner_silent', dies: 'after-addnode', left: LISTED, ways: [],
    hides: ({ nodes, joiner }) => nodes.fault('kill', joiner.name),
    own: { answers: ['no'] }, members: { listed: ['at'] },
  },
  {
    title: 'it belongs to another cluster', state: 'other_cluster', dies: 'before-addnode', left: RUNS_ALONE, ways: [],
    then: ({ joiner }) => paste(joiner, 'pvecm create elm'),
    own: { cluster: ['elm'], corosync: ['yes'], pmxcfs: ['yes'] }, members: { listed: ['nothing'] },
  },
  {
    title: 'it prints garbage', state: 'cannot_tell', dies: 'after-addnode', left: LISTED, ways: [],
    hides: ({ nodes, joiner }) => nodes.fault('garbage', joiner.name, { on: true }),
    own: { name: ['unknown'], authkey: ['unknown'], corosync: ['unknown'], guests: ['unknown'] }, members: { listed: ['at'] },
  },
]

export default {
  'joins that stopped midway, English': (spec) => all(spec, 'en', ENGLISH),
  'joins that stopped midway, French': (spec) => all(spec, 'fr', FRENCH),
}

/** One console and one lab; each join has a cluster of its own. */
async function all(spec, language, states) {
  const machines = states.reduce((sum, { count = 1 }) => sum + count + 1, 0)
  const nodes = await Nodes.start(spec, machines, { speed: 20 })
  const console = await Served.start(spec)
  const admin = await person(spec, console.origin, { language })
  await spec.step('the first admin', async () => {
    await invited(admin, await console.firstLink(), ADMIN)
    await admin.seeHeading(admin.t('pages.clusters'))
  })
  const left = [...nodes.members]
  for (const [index, one] of states.entries()) {
    const machines = left.splice(0, (one.count ?? 1) + 1)
    const scene = { nodes, member: machines[0], other: machines[1], joiner: machines.at(-1), name: `midway-${index + 1}` }
    await spec.check(one.title, () => stopped(admin, one, scene, machines))
  }
}

/** The join dies, is given up where it waits, and is recognised with the evidence of both sides. */
async function stopped(admin, one, scene, machines) {
  const { nodes, joiner, name } = scene
  const wizard = new Wizard(admin)
  await admin.signInAgain(ADMIN.name, ADMIN.password)
  await wizard.createWith(name, machines, WHY)
  await one.first?.(scene)
  await nodes.fault('join-dies-at', joiner.name, { point: one.dies })
  await wizard.startJoin(name, WHY)
  await ends(wizard, one, scene)
  await one.then?.(scene)
  equal(await leftBehind(scene), one.left, 'listed, key, configuration, corosync; by commands of our own')
  await one.hides?.(scene)

  const card = new MidwayCard(wizard, one.state)
  await card.see(joiner)
  await card.shows('joiner', one.own)
  await card.shows('members', addressed(one.members, joiner))
  await card.offers(one.ways)
  await admin.inspect(`wizard, a join that stopped midway, ${one.state}, ${admin.t.language}, ${machines.length} machines`)

  const before = await nodes.truth()
  await card.lookAgain(joiner)
  equal(ofCluster(await nodes.truth(), machines), ofCluster(before, machines), 'the nodes before and after a look')
}

/** Nothing was registered: it failed, and says so. Everything else waits for somebody, who takes another way. */
async function ends(wizard, { dies }, { joiner, member, name }) {
  const { person: admin, t } = wizard
  if (dies === 'before-addnode') return reads(wizard, 'join_refused', { node: joiner.name, cluster: name, member: member.name })
  await reads(wizard, 'join_halfway', { node: joiner.name, cluster: name })
  await admin.see(t('wizard.parked_text'))
  await givesUp(wizard, WHY)
}

/** The same four facts as the engine's tests ask for, each by a command on the machine itself. */
async function leftBehind({ member, joiner }) {
  const listed = (await paste(member, 'cat /etc/pve/corosync.conf')).includes(`name: ${joiner.name}\n`)
  const said = (await paste(joiner, 'ls /etc/corosync; systemctl is-active corosync; true')).trim().split('\n')
  return [listed, said.includes('authkey'), said.includes('corosync.conf'), said.at(-1) === 'active']
}

/** The joiner's own addresses in place of `at`. */
function addressed(lines, { name }) {
  const host = 10 + Number(name.replace('pve', ''))
  const text = (one) => (one === 'at' ? `10.0.1.${host}, 10.0.2.${host}` : one)
  return Object.fromEntries(Object.entries(lines).map(([about, answers]) => [about, answers.map(text)]))
}

/** What is true of these machines; the other clusters of the lab go on living meanwhile. */
function ofCluster(truth, machines) {
  const names = machines.map(({ name }) => name)
  const partitions = truth.partitions.filter((one) => one.nodes.some((name) => names.includes(name)))
  return [names.map((name) => [name, truth.nodes[name]]), partitions]
}

function together({ nodes, member, joiner }) {
  return nodes.untilTogether([member.name, joiner.name])
}

/** The second member is cut off, and takes the joiner out of its own list. */
async function disagree(scene) {
  const { nodes, other, joiner } = scene
  await nodes.fault('block-udp', other.name, { on: true })
  await nodes.until(`${other.name} is alone`, (truth) => truth.partitions.some((one) => one.nodes.length === 1 && one.nodes[0] === other.name))
  await alone(scene, other, `pvecm delnode ${joiner.name}`)
}

/** A member without the others is told to be quorate by itself, and changes the list. */
async function alone({ nodes }, node, command) {
  await paste(node, 'pvecm expected 1')
  await nodes.until(`${node.name} takes writes`, (truth) => truth.nodes[node.name].writable)
  await paste(node, command)
}
