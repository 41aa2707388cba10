// Wrong words, wrong machines, wrong people: clear sentences, nothing lost, nothing done.

import { Served } from '../lib/console.mjs'
import { invited } from '../lib/invite.mjs'
import { Nodes, paste } from '../lib/nodes.mjs'
import { freePort } from '../lib/programs.mjs'
import { person } from '../lib/person.mjs'
import { ensure, equal } from '../lib/spec.mjs'
import { Wizard } from '../lib/wizard.mjs'

const ADMIN = { name: 'ada', password: 'a long enough sentence' }
const VIEWER = { name: 'vera', password: 'only looks at everything' }
/** The browser notes every refusal of the server on its console. */
const REFUSALS = /Failed to load resource/

export default {
  'bad input': async (spec) => {
    const nodes = await Nodes.start(spec, 3, { speed: 20 })
    const console = await Served.start(spec)
    const admin = await person(spec, console.origin)
    admin.expect(REFUSALS)
    const wizard = new Wizard(admin)
    const link = await console.firstLink()

    await invitations(spec, console, admin, link)
    await signIns(spec, console)
    await names(spec, admin, wizard)
    await addresses(spec, admin, wizard, nodes)
    await passwords(spec, admin, wizard, nodes)
    await viewer(spec, console, wizard)
    await prerequisites(spec, admin, wizard, nodes)
    await changedKey(spec, admin, wizard, nodes)
    await consent(spec, admin, wizard, nodes)
    await clusterOfItsOwn(spec, admin, wizard, nodes)
  },
}

async function invitations(spec, console, admin, link) {
  const { t } = admin
  await spec.step('a password that is too short or typed twice differently', async () => {
    await admin.page.goto(link)
    await admin.fill(t('pages.user_name'), ADMIN.name)
    await admin.fill(t('pages.password'), 'short')
    await admin.see(t('pages.invite_short'))
    await admin.fill(t('pages.password'), ADMIN.password)
    await admin.fill(t('pages.invite_repeat'), `${ADMIN.password}!`)
    await admin.see(t('pages.invite_differs'))
    await disabledBecause(admin, t('pages.invite_create'), t('pages.invite_differs'))
  })
  await spec.step('a link works once', async () => {
    await invited(admin, link, ADMIN)
    await admin.seeHeading(t('pages.clusters'))
    const other = await person(spec, console.origin)
    other.expect(REFUSALS)
    for (const used of [link, link.replace(/[^/]+$/, 'nonsense')]) {
      await other.page.goto(used)
      await other.see(t('codes.problem_invite_invalid'))
    }
  })
}

async function signIns(spec, console) {
  await spec.check('a wrong password and an unknown name get the same answer', async () => {
    const stranger = await person(spec, console.origin)
    stranger.expect(REFUSALS)
    for (const [name, password] of [[ADMIN.name, 'wrong password'], ['nobody', 'wrong password']]) {
      await stranger.signIn(name, password)
      await stranger.see(stranger.t('codes.problem_wrong_credentials'))
      equal(await stranger.page.getByLabel(stranger.t('pages.user_name')).inputValue(), name, 'the name that was typed')
    }
  })
  await spec.check('without a session no function answers', async () => {
    const answer = await fetch(`${console.origin}/api/clusters`, { method: 'POST', headers: { 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' }, body: '{}' })
    const said = await answer.text()
    ensure(!answer.ok && said.includes('not_signed_in'), `the answer is a refusal: ${answer.status} ${said}`)
    const foreign = await fetch(`${console.origin}/api/sign_out`, { method: 'POST', headers: { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' } })
    equal(foreign.status, 403, 'status for a request of another site')
  })
}

async function names(spec, admin, wizard) {
  const { t } = admin
  await spec.check('names that corosync would not take', async () => {
    await admin.goto('/')
    await admin.press(admin.button(t('pages.build_cluster')).first())
    const dialog = admin.page.getByRole('dialog', { name: t('pages.build_cluster') })
    for (const [name, code] of [['été', 'name_character'], ['a_b', 'name_character'], ['-edge', 'name_hyphen'], ['sixteen-letters-', 'name_too_long']]) {
      await admin.fill(t('pages.cluster_name'), name, dialog)
      await admin.see(t.like(`codes.problem_${code}`), dialog)
      await disabledBecause(admin, t('pages.cluster_start'), t.like(`codes.problem_${code}`), dialog)
    }
    await admin.page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
  })
  await spec.step('a draft for all that follows', async () => {
    await wizard.begin('mistakes')
  })
}

async function addresses(spec, admin, wizard, nodes) {
  const { t } = admin
  const form = () => admin.page.getByRole('form', { name: t('wizard.add_node'), exact: true })
  await spec.check('an address that is none', async () => {
    await admin.fill(t('wizard.address'), 'not an address', form())
    await admin.see(t.like('codes.problem_host_invalid'), form())
    await admin.fill(t('wizard.address'), '10.0.1.11:99999', form())
    await admin.see(t('codes.problem_port_invalid'), form())
    await admin.fill(t('wizard.address'), '', form())
  })
  await spec.check('a machine that refuses the connection', async () => {
    await admin.fill(t('wizard.address'), `127.0.0.1:${await freePort()}`, form())
    await admin.press(admin.button(t('wizard.add_node'), form()))
    await admin.see(t.said('codes.problem_connection_refused', { node: '127.0.0.1' }))
    await admin.inspect('wizard, refused connection')
  })
  await spec.check('a machine that takes the connection and says nothing', async () => {
    const [node] = nodes.members
    await nodes.fault('freeze', node.name)
    await admin.fill(t('wizard.address'), `${node.address}:${node.port}`, form())
    await admin.press(admin.button(t('wizard.add_node'), form()))
    await admin.see(t.said('codes.problem_unreachable', { node: node.address, seconds: 10 }), admin.page, 40_000)
    await untouched(nodes)
    await nodes.fault('thaw', node.name)
  })
  await spec.check('what does not work is taken out again', async () => {
    const rows = admin.page.getByRole('main').getByRole('button', { name: new RegExp(`^${t('wizard.remove')}`) })
    while ((await rows.count()) > 0) {
      const left = await rows.count()
      await admin.press(rows.first())
      const dialog = admin.page.getByRole('dialog').filter({ visible: true })
      await admin.press(dialog.getByRole('button', { name: new RegExp(`^${t('wizard.remove')} `) }))
      await rows.nth(left - 1).waitFor({ state: 'hidden' })
    }
  })
}

async function passwords(spec, admin, wizard, nodes) {
  const { t } = admin
  const [first, second, third] = nodes.members
  await spec.step('a wrong root password', async () => {
    await wizard.add(first)
    await wizard.pin(first)
    await wizard.givePassword(first, 'wrong')
    await admin.see(t.said('codes.problem_password_refused', { node: first.address }), wizard.row(first))
    equal((await paste(first, 'ls -A /root/.ssh')).trim(), '', 'keys that were put there')
    await wizard.givePassword(first)
    await wizard.seeLogIn(first)
  })
  await spec.check('the same machine twice', async () => {
    const form = admin.page.getByRole('form', { name: t('wizard.add_node'), exact: true })
    await admin.fill(t('wizard.address'), `${first.address}:${first.port}`, form)
    await admin.press(admin.button(t('wizard.add_node'), form))
    await admin.see(t.like('codes.problem_node_already_added'))
  })
  await spec.step('the other machines', async () => {
    await wizard.addWithPassword(second)
    await wizard.addWithPassword(third)
  })
}

async function viewer(spec, console, wizard) {
  await spec.check('a viewer sees everything and may do nothing', async () => {
    const one = await person(spec, console.origin, { language: 'fr' })
    const { t } = one
    one.expect(REFUSALS)
    await invited(one, console.invite('viewer', VIEWER.name), VIEWER)
    await one.seeHeading(t('pages.clusters'))
    const reason = t.like('codes.problem_role_too_low')
    await disabledBecause(one, t('pages.build_cluster'), reason)
    await one.goto(wizard.path('prerequisites'))
    await one.see(t('codes.log_in_works'))
    await one.fill(t('wizard.address'), '10.9.9.9')
    await disabledBecause(one, t('wizard.add_node'), reason)
    await one.inspect('wizard, viewer')
    const refused = await one.page.evaluate(
      (id) => fetch('/api/preview', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ cluster: id, wish: { Create: { name: 'x', first: id } } }) }).then((answer) => answer.status),
      wizard.cluster,
    )
    ensure(refused >= 400, `the server refuses too (${refused})`)
  })
}

async function prerequisites(spec, admin, wizard, nodes) {
  const { t } = admin
  const [first, second, third] = nodes.members
  await spec.step('guests on a joiner, a wrong /etc/hosts, a wrong clock are red and keep the next step shut', async () => {
    await nodes.fault('add-guest', second.name, { vmid: 101 })
    await nodes.fault('break-hosts', third.name, { on: true })
    await nodes.fault('skew-clock', third.name, { millis: 150_000 })
    await wizard.check()
    await wizard.seeFinding('no_guests', second, 'fail', 'has_guests', { count: 1, guests: 101 })
    await admin.see(t('wizard.why_it_matters'))
    for (const [check, node] of [['hosts_file', third], ['clocks', third]]) {
      await admin.press(wizard.cell(check, node, 'fail'))
      await admin.see(t('wizard.why_it_matters'))
    }
    // Measured, so a little less or more than what was set.
    await admin.see(/(149|150)\d{3} ms/)
    await admin.see(t.like('wizard.missing_green'))
    await admin.seeDisabled(wizard.nextButton('network'), t.like('wizard.missing_green'))
    await admin.inspect('wizard, failed checks')
    await admin.goto(wizard.path('create'))
    await admin.see(t('codes.problem_checks_not_passed'))
    await untouched(nodes)
    equal((await paste(second, 'ls /etc/pve/nodes/pve2/qemu-server')).trim(), '101.conf', 'guests on the second machine')
  })
  await spec.check('two machines that call themselves the same', async () => {
    await nodes.fault('rename', third.name, { hostname: second.name })
    await admin.goto(wizard.path('prerequisites'))
    await wizard.check()
    await wizard.seeFinding('host_names', third, 'fail', 'name_twice', { peer: second.name, name: second.name })
    await untouched(nodes)
    await nodes.fault('rename', third.name, { hostname: third.name })
  })
  await unreadable(spec, admin, wizard, nodes)
}

/** What cannot be read proves nothing: the cell says so, and says why. */
async function unreadable(spec, admin, wizard, nodes) {
  const { t } = admin
  const [first, , third] = nodes.members
  const checked = async () => {
    await admin.goto(wizard.path('prerequisites'))
    await wizard.check()
  }
  const missing = async (node, problem) => {
    await checked()
    await wizard.seeFinding('same_version', node, 'error', 'evidence_missing', { problem })
    const logIn = t('wizard.missing_log_in', { node: node.name })
    await admin.see(logIn)
    await admin.seeDisabled(wizard.nextButton('network'), logIn)
    await untouched(nodes)
    await admin.inspect(`wizard, checks of a machine, ${problem}`)
  }
  await spec.check('a node that prints garbage', async () => {
    await nodes.fault('break-hosts', third.name, { on: false })
    await nodes.fault('skew-clock', third.name, { millis: 0 })
    await nodes.fault('garbage', first.name, { on: true })
    await missing(first, 'garbage')
    await nodes.fault('garbage', first.name, { on: false })
  })
  await spec.check('a node that hangs', async () => {
    await nodes.fault('hang-commands', third.name, { on: true })
    await missing(third, 'node_hangs')
    await nodes.fault('hang-commands', third.name, { on: false })
  })
  await spec.check('a node with the key of an earlier cluster', async () => {
    await nodes.fault('leave-authkey', third.name, { on: true })
    await checked()
    await wizard.seeFinding('no_guests', third, 'fail', 'leftover_authkey')
    await admin.seeDisabled(wizard.nextButton('network'), t.like('wizard.missing_green'))
    await untouched(nodes)
    ensure((await paste(third, 'ls /etc/corosync')).includes('authkey'), 'the key is left alone')
    await nodes.fault('leave-authkey', third.name, { on: false })
  })
}

async function changedKey(spec, admin, wizard, nodes) {
  const { t } = admin
  const [first] = nodes.members
  await spec.check('a changed host key is red and stops everything with that machine', async () => {
    await nodes.fault('change-host-key', first.name)
    await nodes.fault('drop-connections', first.name)
    await admin.goto(wizard.path('prerequisites'))
    await wizard.check()
    const row = wizard.row(first)
    const pinned = first.fingerprint
    await nodes.look()
    const offered = nodes.members[0].fingerprint
    await admin.see(t.said('codes.problem_host_key_changed', { pinned, offered }), row)
    await admin.press(row.getByRole('button', { name: t('wizard.try_again') }))
    await admin.see(t('codes.log_in_key_changed'), row)
    await admin.see(offered, row)
    await untouched(nodes)
    await admin.inspect('wizard, changed host key')
    await admin.see(t.like('wizard.missing_log_in'))
  })
  await spec.step('an admin who knows why replaces it', async () => {
    // An open tab is not enough for it.
    await admin.signInAgain(ADMIN.name, ADMIN.password)
    await admin.goto(wizard.path('prerequisites'))
    const row = wizard.row(first)
    await admin.press(admin.button(t('wizard.key_replace'), row))
    const dialog = admin.page.getByRole('dialog', { name: t('wizard.key_replace_question', { node: first.name }) })
    await admin.press(admin.button(t('wizard.key_replace_yes'), dialog))
    await wizard.seeLogIn(first)
  })
}

async function consent(spec, admin, wizard, nodes) {
  const { t } = admin
  const [, second] = nodes.members
  await spec.step('without the machine that has guests the checks pass', async () => {
    await wizard.remove(second)
    await wizard.checkAndPass()
    await wizard.next('network')
    await wizard.takeLinks()
    await wizard.next('create')
  })
  await spec.check('nothing runs without a reason and the typed name', async () => {
    await admin.press(admin.button(t('wizard.preview')))
    const form = admin.page.getByRole('form', { name: t('wizard.consent') })
    await disabledBecause(admin, t('wizard.create_run'), t('wizard.reason_missing'), form)
    await admin.fill(t('wizard.reason'), 'A test of the questions', form)
    await admin.fill(t('wizard.typed_label', { target: 'mistakes' }), 'mistake', form)
    await disabledBecause(admin, t('wizard.create_run'), t('wizard.typed_missing', { target: 'mistakes' }), form)
    await untouched(nodes)
  })
}

async function clusterOfItsOwn(spec, admin, wizard, nodes) {
  const { t } = admin
  const [first, , third] = nodes.members
  await spec.check('a machine that has been made a cluster of its own', async () => {
    await paste(third, 'pvecm create elm')
    await admin.goto(wizard.path('prerequisites'))
    await wizard.check()
    const files = '/etc/pve/corosync.conf, /etc/corosync/corosync.conf'
    await wizard.seeFinding('no_guests', third, 'fail', 'in_cluster', { files })
    await admin.seeDisabled(wizard.nextButton('network'), t.like('wizard.missing_green'))
    const truth = await nodes.truth()
    equal([truth.nodes[first.name].cluster, truth.nodes[third.name].cluster], [null, 'elm'], 'clusters of both machines')
  })
}

/** Nothing that changes a machine was ever started on one, and none is in a cluster. */
async function untouched(nodes) {
  const { nodes: all } = await nodes.truth()
  for (const [name, { ran, cluster }] of Object.entries(all)) equal([ran, cluster], [{}, null], `what ran on ${name}, and its cluster`)
}

/** The button of this name cannot be pressed, and says why. */
function disabledBecause(person, name, reason, within) {
  return person.seeDisabled(person.button(name, within).first(), reason)
}
