// The network step measured, a plan as a script, and the report as files: what a person opens, and what is really in it.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Served } from '../lib/console.mjs'
import { invited } from '../lib/invite.mjs'
import { Nodes } from '../lib/nodes.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { ensure, equal } from '../lib/spec.mjs'
import { Wizard } from '../lib/wizard.mjs'

const ADMIN = { name: 'ada', password: 'a long enough sentence' }
const NAME = 'measured'

export default {
  'the network measured': async (spec) => {
    const nodes = await Nodes.start(spec, 3, { speed: 20 })
    const console = await Served.start(spec)
    const admin = await person(spec, console.origin)
    const wizard = new Wizard(admin)
    await invited(admin, await console.firstLink(), ADMIN)
    await admin.seeHeading(admin.t('pages.clusters'))

    await spec.step('three bare nodes that pass', async () => {
      await wizard.begin(NAME)
      for (const node of nodes.members) await wizard.addWithPassword(node)
      await wizard.checkAndPass()
      await wizard.next('network')
    })
    await measured(spec, admin, nodes)
    await script(spec, admin, wizard)
    await report(spec, admin, wizard, nodes)
  },
}

/** Presses the button and waits for the last answer. */
async function measure(person) {
  const { t } = person
  const button = person.button(new RegExp(`^(${t('wizard.measure_now')}|${t('wizard.measure_again')})$`))
  const [answer] = await Promise.all([
    person.page.waitForResponse(/\/api\/measure_links/, { timeout: LONG_PATIENCE }),
    person.press(button),
  ])
  ensure(answer.ok(), `the measurement was refused: ${answer.status()}`)
  await button.and(person.page.locator(':not([aria-busy])')).waitFor({ timeout: LONG_PATIENCE })
  await person.see(t.like('wizard.measured_ago'))
}

/** The cell of a way. */
function cell(person, link, from, to) {
  return person.button(new RegExp(`^${person.t('wizard.measure_way', { number: link, from, to })}:`))
}

async function verdict(person, link, from, to) {
  return (await cell(person, link, from, to).getAttribute('aria-label')).split(': ')[1].split(',')[0]
}

async function showLink(person, link) {
  const group = person.page.getByRole('group', { name: person.t('wizard.links'), exact: true })
  await person.press(person.button(person.t('wizard.link', { number: link }), group))
  await cell(person, link, 'pve1', 'pve2').waitFor()
}

async function measured(spec, admin, nodes) {
  const { t } = admin
  const picture = () => admin.page.getByRole('img', { name: t.like('wizard.picture_label') })
  await spec.check('nothing is claimed before it was measured', async () => {
    equal(await admin.page.getByRole('table').filter({ hasText: t('wizard.measure_from_to') }).count(), 0, 'tables of figures')
    ensure(!(await picture().getAttribute('aria-label')).includes(t('codes.verdict_pass')), 'the picture says nothing of a verdict')
  })
  await spec.step('every way of both links passes', async () => {
    await measure(admin)
    await admin.see(t('wizard.measure_spoken', { passed: 12, warned: 0, failed: 0, unknown: 0 }))
    for (const link of [0, 1]) {
      await showLink(admin, link)
      equal(await verdict(admin, link, 'pve1', 'pve3'), t('codes.verdict_pass'), `link ${link}`)
    }
    ensure((await picture().getAttribute('aria-label')).includes(`${t('wizard.link', { number: 1 })}: ${t('codes.verdict_pass')}`), 'the picture says so too')
    await admin.inspect('wizard, measured links')
  })
  await spec.step('a slow link fails on its own ways alone', async () => {
    await nodes.fault('delay', 'pve2', { link: 1, millis: 12 })
    await measure(admin)
    await showLink(admin, 1)
    for (const [from, to] of [['pve1', 'pve2'], ['pve2', 'pve1'], ['pve2', 'pve3']]) {
      equal(await verdict(admin, 1, from, to), t('codes.verdict_fail'), `${from} to ${to}`)
    }
    equal(await verdict(admin, 1, 'pve1', 'pve3'), t('codes.verdict_pass'), 'pve1 to pve3')
    ensure((await picture().getAttribute('aria-label')).includes(`${t('wizard.link', { number: 1 })}: ${t('codes.verdict_fail')}`), 'the picture fails too')
    await admin.inspect('wizard, a slow link')
  })
  await spec.step('its cell opens to the figures, and to the lines of both nodes', async () => {
    await admin.press(cell(admin, 1, 'pve1', 'pve2'))
    await admin.see(t.like('codes.finding_ping_slow', { peer: 'pve2' }))
    await admin.see(t('wizard.figure_mtu_value', { found: 1500, own: 1500 }))
    const lines = admin.page.locator('pre').filter({ hasText: /^ping 10\.0\.2\.12 20 20 12/m })
    await lines.first().waitFor()
    ensure(!(await lines.first().innerText()).includes('10.0.1.'), 'only lines of this way')
    await admin.inspect('wizard, one measured way')
  })
  await spec.step('a smaller packet is found to the byte', async () => {
    await nodes.fault('delay', 'pve2', { link: 1, millis: 0 })
    await nodes.fault('mtu', 'pve3', { link: 0, mtu: 1413 })
    await measure(admin)
    await showLink(admin, 0)
    await admin.press(cell(admin, 0, 'pve1', 'pve3'))
    await admin.see(t('wizard.figure_mtu_value', { found: 1413, own: 1500 }))
    await nodes.fault('mtu', 'pve3', { link: 0, mtu: 1500 })
  })
  await spec.step('it is still there after the page is loaded again', async () => {
    await admin.page.reload()
    await admin.see(t.like('wizard.measured_ago'))
    await showLink(admin, 0)
    equal(await verdict(admin, 0, 'pve1', 'pve3'), t('codes.verdict_fail'), 'pve1 to pve3')
  })
}

/** What a link hands out. */
async function download(person, link) {
  const [file] = await Promise.all([person.page.waitForEvent('download'), link.click()])
  return { name: file.suggestedFilename(), text: readFileSync(await file.path(), 'utf8'), path: await file.path() }
}

async function script(spec, admin, wizard) {
  const { t } = admin
  await spec.step('the plan of the creation is a script that a shell takes', async () => {
    await wizard.takeLinks()
    await wizard.next('create')
    await admin.press(admin.button(t('wizard.preview')))
    const link = admin.page.getByRole('link', { name: t('wizard.script_export') })
    await link.waitFor({ timeout: LONG_PATIENCE })
    const file = await download(admin, link)
    ensure(/^quorate-create_cluster-[0-9a-f]{8}\.sh$/.test(file.name), file.name)
    execFileSync('sh', ['-n', file.path])
    for (const part of ['#!/bin/sh', `pvecm create ${NAME} --link0 `, t('wizard.script_differs')]) {
      ensure(file.text.includes(part), `${part} is in the script`)
    }
    ensure(!file.text.includes('PRIVATE KEY'), 'no secret is in it')
  })
}

async function report(spec, admin, wizard, nodes) {
  const { t } = admin
  await spec.step('the cluster is built, and the operation has its script too', async () => {
    await wizard.create(NAME, 'a cluster to be measured')
    await wizard.next('join')
    await wizard.join(NAME, 3, 'the others come too')
    await admin.press(admin.page.getByRole('link', { name: t('wizard.open_operation') }).first())
    const file = await download(admin, admin.page.getByRole('link', { name: t('wizard.script_export') }))
    execFileSync('sh', ['-n', file.path])
    ensure(file.text.includes('pvecm add ') && file.text.includes('unused pve1 '), 'the join looks first')
    await admin.goto(wizard.path('join'))
    await wizard.next('verify')
  })
  await spec.step('the report is a document and data', async () => {
    await wizard.verify(3)
    const markdown = await download(admin, admin.page.getByRole('link', { name: t('wizard.report_markdown') }))
    equal(markdown.name, `quorate-verify-${NAME}.md`, 'its name')
    ensure(markdown.text.startsWith(`# ${t('codes.report_title', {}).replace('{cluster}', NAME)}`), markdown.text.slice(0, 80))
    ensure(markdown.text.includes('    $ corosync-quorumtool -s'), 'what the nodes printed is in it')
    const json = await download(admin, admin.page.getByRole('link', { name: t('wizard.report_json') }))
    const data = JSON.parse(json.text)
    equal([data.agreed, data.rows.length], [true, 3], 'what it says')
    await admin.inspect('wizard, the report with its files')
  })
  await spec.step('on paper the report has its table and no buttons', async () => {
    await admin.page.emulateMedia({ media: 'print' })
    await admin.page.getByRole('table').first().waitFor()
    equal(await admin.page.getByRole('link', { name: t('wizard.report_json') }).isVisible(), false, 'links to files')
    await admin.page.emulateMedia({ media: 'screen' })
  })
  await spec.step('a clock that is off is told with both sides', async () => {
    await nodes.fault('skew-clock', 'pve3', { millis: 150_000 })
    await admin.press(admin.button(t('wizard.verify_again')))
    await admin.see(t.like('codes.disagreement_clocks_apart', { peer: 'pve3' }), admin.page, LONG_PATIENCE)
    const file = await download(admin, admin.page.getByRole('link', { name: t('wizard.report_markdown') }))
    ensure(file.text.includes(t('codes.report_findings')), 'the document says so too')
  })
}
