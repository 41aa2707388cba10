// The main job on simulated nodes: from bare nodes to a proven cluster that is seen to break and to heal.

import { demo } from '../lib/console.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { ensure, equal } from '../lib/spec.mjs'
import { Wizard } from '../lib/wizard.mjs'
import { ClusterPage } from '../lib/cluster.mjs'
import { AuditPage, day } from '../lib/audit.mjs'
import { Trail } from '../lib/trail.mjs'

const NAME = 'prod-west'
const REASONS = { en: 'First cluster of the new hall', fr: 'Première grappe de la nouvelle salle' }

export default {
  'simulated, English': (spec) => mainJob(spec, 'en'),
  'simulated, French': (spec) => mainJob(spec, 'fr'),
}

async function mainJob(spec, language) {
  const console = await demo(spec)
  const operator = await person(spec, console.origin, { language })
  const { t } = operator
  const wizard = new Wizard(operator)
  const reason = REASONS[language]

  await spec.step('who is not signed in is led to the sign-in page', async () => {
    await operator.goto('/people')
    await operator.page.waitForURL(/\/sign-in\?next=/)
    await operator.seeHeading('Quorate')
    equal(await operator.page.locator('html').getAttribute('lang'), language, 'language of the page')
    await operator.inspect('sign-in')
  })
  await spec.step('sign in as operator', async () => {
    await operator.signIn(console.operator.name, console.operator.password)
    await operator.seeHeading(t('pages.clusters'))
    await operator.see(t('common.demo_nodes'))
    await operator.inspect('clusters, none yet')
  })
  await spec.step('start a draft', async () => {
    await wizard.begin(NAME)
    await operator.inspect('wizard, no node yet')
  })
  await addNodes(spec, wizard, console)
  await spec.step('all checks pass on all nodes', async () => {
    await wizard.checkAndPass()
    await wizard.seeStep('prerequisites', 'done')
    await operator.inspect('wizard, checked')
  })
  await spec.step('take the proposed links', async () => {
    await wizard.next('network')
    for (const node of console.members) {
      const address = operator.control('combobox', t('wizard.link_address', { number: 1, node: node.name }))
      ensure((await address.inputValue()).startsWith('10.0.2.'), `link 1 of ${node.name} is proposed on the second network`)
    }
    await operator.inspect('wizard, links')
    await wizard.takeLinks()
  })
  await spec.step('create the cluster on the first node', async () => {
    await wizard.next('create')
    await operator.press(operator.button(t('wizard.preview')))
    await operator.see(`pvecm create ${NAME}`)
    await operator.inspect('wizard, plan')
    await operator.page.reload()
    await wizard.create(NAME, reason)
  })
  await spec.step('join the others', async () => {
    await wizard.next('join')
    await wizard.join(NAME, console.members.length, reason)
    await operator.inspect('wizard, joined')
  })
  await spec.step('all nodes agree', async () => {
    await wizard.next('verify')
    await wizard.verify(console.members.length)
    await operator.inspect('wizard, verified')
  })
  await spec.step('no QDevice with an odd number of nodes', async () => {
    await wizard.next('qdevice')
    await operator.see(t('wizard.qdevice_refused'))
    await operator.inspect('wizard, QDevice refused')
  })
  await breakAndHeal(spec, operator, wizard)
  await readAudit(spec, operator, console, wizard, reason)
  await spec.step('sign out', async () => {
    await operator.press(operator.button(t('common.sign_out')))
    await operator.page.waitForURL(/\/sign-in/)
    await operator.goto('/audit')
    await operator.page.waitForURL(/\/sign-in/)
  })
}

async function addNodes(spec, wizard, console) {
  const [first, second, third] = console.members
  const { person: operator, t } = wizard
  await spec.step('a node shows the fingerprint that it has, and takes the key by password', async () => {
    await wizard.add(first)
    await operator.inspect('wizard, unknown host key')
    await wizard.pin(first)
    await operator.inspect('wizard, key needed')
    await wizard.givePassword(first)
    await wizard.seeLogIn(first)
  })
  await spec.step('a node takes the key by a pasted line', async () => {
    await wizard.add(second)
    await wizard.pin(second)
    await wizard.pasteKey(second)
    await wizard.seeLogIn(second)
  })
  await spec.step('a reload loses nothing', async () => {
    await wizard.addWithPassword(third)
    await operator.page.reload()
    for (const node of console.members) await wizard.seeLogIn(node)
    await operator.see(t('wizard.missing_checks'))
  })
}

async function breakAndHeal(spec, operator, wizard) {
  const { t } = operator
  const cluster = new ClusterPage(operator, wizard.cluster)
  let loads = 0
  await spec.step('the cluster page says quorate', async () => {
    await operator.press(operator.button(t('wizard.to_cluster')))
    await operator.page.waitForURL(new RegExp(`/clusters/${wizard.cluster}$`))
    operator.page.on('framenavigated', () => (loads += 1))
    await cluster.seeState({ quorate: true, health: 'healthy', votes: 3, expected: 3 })
    for (const node of ['pve1', 'pve2', 'pve3']) await cluster.seeNode(node, 'member')
    await operator.inspect('cluster')
  })
  await spec.step('a link that is cut is seen', async () => {
    await cluster.fault('pve2', 'cut_link', ' 1')
    await cluster.seeHappened('link_down')
    await cluster.seeState({ quorate: true, health: 'degraded' })
    await cluster.fault('pve2', 'cut_link', ' 1')
    await cluster.seeHappened('link_up')
    await cluster.seeState({ quorate: true, health: 'healthy' })
  })
  await spec.step('a node that dies is seen', async () => {
    await cluster.fault('pve3', 'kill')
    await cluster.seeNode('pve3', 'absent')
    await cluster.seeState({ quorate: true, health: 'degraded', votes: 2, expected: 3 })
    await cluster.seeHappened('member_left', { node: 'pve3' })
    await operator.see(t('pages.failures_none'))
    await operator.inspect('cluster, degraded')
  })
  await spec.step('without quorum the page says so', async () => {
    await cluster.fault('pve2', 'kill')
    await cluster.seeState({ quorate: false, health: 'no_quorum' })
    await operator.inspect('cluster, no quorum')
    await cluster.fault('pve2', 'kill')
    await cluster.seeState({ quorate: true })
  })
  await spec.step('a node that comes back is seen', async () => {
    await cluster.fault('pve3', 'kill')
    await cluster.seeNode('pve3', 'member', LONG_PATIENCE)
    await cluster.seeState({ quorate: true, health: 'healthy', votes: 3, expected: 3 }, LONG_PATIENCE)
    await cluster.seeTable('pve3', t('codes.membership_member'))
    await operator.inspect('cluster, as table')
    equal(loads, 0, 'times that the page was loaded again')
  })
}

async function readAudit(spec, operator, console, wizard, reason) {
  const { t } = operator
  const audit = new AuditPage(operator)
  await spec.step('the operations are listed', async () => {
    await operator.goto(`/clusters/${wizard.cluster}/operations`)
    await operator.see(t('codes.intent_create_cluster'))
    await operator.see(reason)
    await operator.inspect('operations')
    await operator.press(operator.control('link', t('codes.intent_join_nodes')).first())
    await operator.page.waitForURL(/\/operations\/[0-9a-f-]{36}/)
    await operator.seeDone()
    await operator.inspect('operation')
  })
  await spec.step('the audit has every command with its reason', async () => {
    await audit.open()
    await audit.seeWhole()
    await audit.search({ words: 'pvecm add', code: t('codes.audit_command_finished') })
    await audit.seeCommands(/pvecm add .*--use_ssh/, console.members.length - 1)
    await audit.search({ words: 'pvecm create' })
    await audit.seeCommands(new RegExp(`pvecm create ${NAME}`), 1)
    await operator.see(reason)
    await operator.inspect('audit')
  })
  await spec.step('what a command printed is found within a period, and only there', async () => {
    const output = '"SUCCESSFULLY added node"'
    await audit.clear()
    await audit.ask({ output })
    await audit.seeRefused('output', output, t('codes.problem_filter_period'))
    await audit.search({ output, from: day(-1), until: day(1), risk: t('codes.risk_disruptive') })
    await audit.seeCommands(/pvecm add .*--use_ssh/, console.members.length - 1)
    await operator.inspect('audit, what a command printed')
    await audit.ask({ words: 'a b c d e f g h i' })
    await audit.seeRefused('words', 'a b c d e f g h i', t.said('codes.problem_filter_words', { count: 9, max: 8 }))
    await audit.clear()
    await audit.search({ output, from: day(-9), until: day(-8) })
    await operator.see(t('pages.audit_empty'))
  })
  await spec.step('every command of every plan has run as it was shown, and nothing else', async () => {
    const ran = await new Trail(operator, wizard.cluster).everyCommandAsPlanned()
    equal(Object.keys(ran).sort(), ['pve1', 'pve2', 'pve3'], 'nodes on which commands ran')
    for (const [node, command, count] of [['pve1', /^pvecm create /, 1], ['pve2', /^pvecm add /, 1], ['pve3', /^pvecm add /, 1], ['pve1', /^pvecm add /, 0]]) {
      equal(ran[node].filter((one) => command.test(one)).length, count, `times that ${command} ran on ${node}`)
    }
    for (const commands of Object.values(ran)) {
      ensure(commands.some((one) => one.startsWith('systemctl stop quorate-')), 'the transient units were taken away')
    }
  })
  await spec.step('the audit of one operation', async () => {
    await audit.clear()
    await audit.search({ code: t('codes.audit_command_finished'), who: console.operator.name })
    await audit.readFirst()
    await operator.inspect('audit entry')
    await operator.goto('/people')
    await operator.see(t.like('codes.problem_role_too_low'))
    await operator.inspect('people')
    operator.expect(/status of 404.*\/nowhere/)
    await operator.goto('/nowhere')
    await operator.see(t('common.not_found'))
    await operator.inspect('not found')
  })
}
