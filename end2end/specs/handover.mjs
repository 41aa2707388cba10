// Two people at one draft: whoever comes second is told who was first and what differs, and loses nothing. And two people who
// build one cluster in turns, each going on where the other has left.

import { demo } from '../lib/console.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { paste } from '../lib/nodes.mjs'
import { ensure, equal } from '../lib/spec.mjs'
import { Trail } from '../lib/trail.mjs'
import { Wizard } from '../lib/wizard.mjs'

export default {
  'two people at one draft': async (spec) => {
    const console = await demo(spec, { nodes: 2 })
    const ada = await person(spec, console.origin)
    const { t } = ada
    const wizard = new Wizard(ada)
    await spec.step('one brings a draft to its second step', async () => {
      await ada.signIn(console.operator.name, console.operator.password)
      await ada.seeHeading(t('pages.clusters'))
      await wizard.begin('shared')
      for (const node of console.members) await wizard.addWithPassword(node)
      await wizard.checkAndPass()
      await wizard.next('network')
      await ada.see(t('wizard.links_save'))
    })
    const olga = await person(spec, console.origin)
    await spec.step('another one opens the same page', async () => {
      await olga.signIn(console.admin.name, console.admin.password)
      await olga.seeHeading(t('pages.clusters'))
      await olga.goto(wizard.path('network'))
      await olga.see(t('wizard.links_save'))
    })
    await spec.step('the first takes one link, and saves', async () => {
      await ada.press(ada.button(t('wizard.links_one')))
      await ada.press(ada.button(t('wizard.links_save')))
      await ada.see(t.like('wizard.links_saved'))
    })
    await spec.step('the second, who still has two, is told by whom and what was changed', async () => {
      // The browser writes every refusal on its console.
      olga.expect(/Failed to load resource/)
      await olga.press(olga.button(t('wizard.links_save')))
      await olga.see(t('wizard.conflict'), olga.page, LONG_PATIENCE)
      await olga.see(t('wizard.conflict_by', { by: console.operator.name }))
      await olga.see(/pve2: yours is 10\.0\.2\.12, theirs is nothing/)
      ensure((await olga.page.getByRole('columnheader', { name: /1/ }).count()) > 0, 'her second link is still chosen')
      await olga.inspect('wizard, two people at one draft')
    })
    await spec.step('she saves hers instead, and the first sees who did', async () => {
      await olga.press(olga.button(t('wizard.conflict_mine')))
      await olga.see(t.like('wizard.links_saved'))
      await ada.goto(wizard.path('network'))
      await ada.see(console.admin.name, ada.page.getByRole('main'))
    })
    await spec.step('the audit has both decisions with their names', async () => {
      await ada.goto('/audit?code=links_chosen')
      const table = ada.page.getByRole('main').getByRole('table')
      for (const { name } of [console.operator, console.admin]) await ada.see(name, table, LONG_PATIENCE)
    })
  },
  'two people through all six steps': inTurns,
}

const NAME = 'relay'
/** What the nodes call the QDevice's host, which is not how the console reaches it here. */
const QNETD = '10.0.1.50'

/** One works in English, the other in French; neither waits for the other's window. */
async function inTurns(spec) {
  const console = await demo(spec, { nodes: 2 })
  const one = await member(spec, console, console.operator, 'en')
  const two = await member(spec, console, console.admin, 'fr')
  const team = { spec, console, one, two }
  await firstSteps(team)
  await building(team)
  await lastSteps(team)
}

async function member(spec, console, { name, password }, language) {
  const who = await person(spec, console.origin, { language })
  await who.signIn(name, password)
  await who.seeHeading(who.t('pages.clusters'))
  return { name, who, t: who.t, wizard: new Wizard(who) }
}

/** Somebody opens the draft anew, without a step in the address, and is where the work is. */
async function takesUp({ who, wizard }, from, step) {
  wizard.cluster = from.wizard.cluster
  await who.goto(`/clusters/${wizard.cluster}/build`)
  const link = who.page.getByRole('navigation', { name: who.t('wizard.steps') }).locator('[aria-current=step]')
  await link.filter({ hasText: who.t(`codes.wizard_${step}`) }).waitFor()
}

async function firstSteps({ spec, console, one, two }) {
  const [first, second] = console.members
  await spec.step('one adds a node and confirms its key, the other lets the console in and adds the next', async () => {
    await one.wizard.begin(NAME)
    await one.wizard.add(first)
    await one.wizard.pin(first)
    await takesUp(two, one, 'prerequisites')
    await two.wizard.givePassword(first)
    await two.wizard.seeLogIn(first)
    await two.wizard.addWithPassword(second)
  })
  await spec.step('one runs the checks, and the other sees them in an open window and goes on', async () => {
    await takesUp(one, two, 'prerequisites')
    await one.wizard.checkAndPass()
    await two.who.see(two.t.like('wizard.checked_ago'), two.who.page, LONG_PATIENCE)
    await two.wizard.next('network')
  })
  await spec.step('the other measures and chooses the links, and the first is told who', async () => {
    await two.who.press(two.who.button(two.t('wizard.measure_now')))
    await two.who.see(two.t.like('wizard.measured_ago'), two.who.page, LONG_PATIENCE)
    await two.wizard.takeLinks()
    await takesUp(one, two, 'create')
    await one.who.see(one.t.like('wizard.draft_taken_over', { name: one.name, by: two.name }))
    await one.who.goto(one.wizard.path('network'))
    await one.who.see(one.t.like('wizard.measured_ago'))
    await one.who.see(one.t.like('wizard.links_saved'))
  })
}

async function building({ spec, console, one, two }) {
  await spec.step('one creates the cluster, and the other sees its progress without loading anything', async () => {
    await takesUp(two, one, 'create')
    await one.wizard.next('create')
    await one.wizard.agree('wizard.create_run', NAME, 'The first half of the work')
    await two.who.see(two.t('codes.intent_create_cluster'), two.who.page, LONG_PATIENCE)
    await one.wizard.over(one.t('wizard.create_done', { name: NAME }))
    await two.wizard.over(two.t('wizard.create_done', { name: NAME }))
  })
  await spec.step('the other starts the join and leaves, and the first sees it to its end', async () => {
    await two.wizard.next('join')
    await two.wizard.startJoin(NAME, 'La seconde moitié')
    await two.who.goto('/')
    await one.who.goto(one.wizard.path('join'))
    await one.wizard.joined(console.members.length)
  })
  await spec.step('on the nodes: one cluster of two', async () => {
    for (const node of console.members) {
      const listed = (await paste(node, 'corosync-quorumtool -l')).match(/^\s+\d+\s+\d+\s+/gm) ?? []
      equal(listed.length, 2, `members that ${node.name} lists`)
    }
  })
}

async function lastSteps({ spec, console, one, two }) {
  await spec.step('one verifies, and the other finds the report there', async () => {
    await one.wizard.next('verify')
    await one.wizard.verify(console.members.length)
    await takesUp(two, one, 'qdevice')
    await two.who.goto(two.wizard.path('verify'))
    await two.who.see(two.t.like('wizard.verified_before'))
    await two.who.page.getByRole('link', { name: two.t('wizard.report_markdown') }).waitFor()
  })
  await spec.step('the other adds the QDevice’s host, and the first confirms it and sets it up', async () => {
    await two.wizard.next('qdevice')
    await two.wizard.add(console.qnetd, 'wizard.add_qnetd')
    await takesUp(one, two, 'qdevice')
    await one.wizard.pin(console.qnetd)
    await one.wizard.givePassword(console.qnetd)
    await one.wizard.seeLogIn(console.qnetd)
    await one.who.fill(one.t('wizard.qnetd_address'), QNETD)
    await one.wizard.agree('wizard.qdevice_run')
    await one.wizard.over(one.t('wizard.qdevice_done'))
    await two.wizard.over(two.t('wizard.qdevice_done'))
    const told = await paste(console.members[1], 'corosync-quorumtool -s')
    ensure(/Total votes:\s+3/.test(told), `the nodes count three votes: ${told}`)
  })
  await spec.step('the audit has each decision under the name of whoever took it', async () => {
    const trail = new Trail(two.who, two.wizard.cluster)
    const by = async (code) => [...new Set((await trail.entries({ cluster: two.wizard.cluster, code })).map((entry) => entry.who))].sort()
    const both = [one.name, two.name].sort()
    equal(await by('node_added'), both, 'who added machines')
    equal(await by('host_key_pinned'), both, 'who confirmed keys')
    equal(await by('links_chosen'), [two.name], 'who chose the links')
    equal(await by('verify_run'), [one.name], 'who verified')
    equal(await by('operation_finished'), both, 'whose operations have ended')
  })
}
