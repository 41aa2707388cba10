// A QDevice's set-up that stopped, and a daemon that died: what the page says, the plan that goes on, and the nodes themselves.

import { Served } from '../lib/console.mjs'
import { givesUp } from '../lib/joins.mjs'
import { invited } from '../lib/invite.mjs'
import { Nodes, paste } from '../lib/nodes.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { ensure, equal } from '../lib/spec.mjs'
import { Wizard } from '../lib/wizard.mjs'

const NAME = 'stopped'
const ADMIN = { name: 'ada', password: 'a long enough sentence' }
const WHY = 'A third vote is needed'
/** What the nodes call the QDevice's host, which is not how the console reaches it here. */
const QNETD = '10.0.1.50'
const STORES = '/etc/corosync/qdevice/net'

export default {
  'a QDevice that stopped midway, English': (spec) => stopped(spec, 'en'),
  'a QDevice that stopped midway, French': (spec) => stopped(spec, 'fr'),
}

async function stopped(spec, language) {
  const nodes = await Nodes.start(spec, 2, { scenario: 'bare', speed: 20 })
  const console = await Served.start(spec)
  const admin = await person(spec, console.origin, { language })
  const { t } = admin
  const wizard = new Wizard(admin)
  const link = await console.firstLink()
  const [first, second] = nodes.members
  /** What every node says itself, asked over a log-in of our own. */
  const asked = (command) => Promise.all(nodes.members.map((node) => paste(node, command)))

  await spec.step('two nodes, and a set-up that dies after its certificates', async () => {
    await invited(admin, link, ADMIN)
    await admin.seeHeading(t('pages.clusters'))
    await wizard.build(NAME, nodes.members, WHY)
    await wizard.next('qdevice')
    await wizard.addWithPassword(nodes.qnetd, 'wizard.add_qnetd')
    await nodes.fault('qdevice-dies-at', first.name, { point: 'after-certificates' })
    await admin.fill(t('wizard.qnetd_address'), QNETD)
    await wizard.agree('wizard.qdevice_run')
    await admin.see(t.like('codes.problem_qdevice_not_configured', { host: nodes.qnetd.name }), admin.page, LONG_PATIENCE)
    await admin.inspect(`wizard, QDevice that stopped, ${language}`)
    for (const said of await asked('corosync-quorumtool -s')) ensure(/Expected votes:\s+2\b/.test(said), `no vote has changed: ${said}`)
  })
  await spec.step('given up, the next plan sets its certificates aside, and dies before the daemons', async () => {
    await givenUp(wizard)
    await admin.goto(wizard.path('qdevice'))
    await nodes.fault('qdevice-dies-at', first.name, { point: 'after-first-daemon' })
    await admin.fill(t('wizard.qnetd_address'), QNETD)
    await admin.press(admin.button(new RegExp(`^(${t('wizard.preview')}|${t('wizard.preview_again')})$`)))
    const form = admin.page.getByRole('form', { name: t('wizard.consent') })
    await form.waitFor({ timeout: LONG_PATIENCE })
    for (const node of nodes.members) {
      await admin.see(t.like('codes.consequence_copy_kept', { node: node.name }))
    }
    equal(await admin.page.getByText(t('codes.action_set_aside_qdevice_store')).count(), 2, 'steps that set certificates aside')
    await admin.inspect(`wizard, certificates set aside, ${language}`)
    await admin.press(admin.button(t('wizard.qdevice_run'), form))
    await admin.see(t.like('codes.problem_qdevice_halfway', { host: nodes.qnetd.name }), admin.page, LONG_PATIENCE)
    for (const said of await asked(`ls -1a ${STORES}`)) ensure(/^nssdb\.quorate-[0-9a-f]{12}$/m.test(said), `the kept certificates: ${said}`)
  })
  await spec.step('given up, the page starts the daemon where it does not run', async () => {
    await givenUp(wizard)
    await admin.goto(wizard.path('qdevice'))
    await wizard.startQdevice()
    equal(await admin.page.getByText(t('codes.action_start_qdevice')).count(), 1, 'steps that start a daemon')
    await votes(asked)
  })
  await spec.step('a daemon that dies later is started by the same plan', async () => {
    await paste(second, 'systemctl stop corosync-qdevice')
    await admin.goto(wizard.path('qdevice'))
    await wizard.startQdevice()
    await votes(asked)
    await admin.goto(wizard.path('qdevice'))
    await admin.see(t('wizard.qdevice_done'), admin.page, LONG_PATIENCE)
  })
}

async function givenUp(wizard) {
  const { person: admin, t } = wizard
  await admin.press(admin.page.getByRole('link', { name: t('wizard.open_operation') }).first())
  await admin.page.waitForURL(/\/operations\//, { timeout: LONG_PATIENCE })
  await givesUp(wizard, WHY)
}

/** Three votes and the flag V at each member, as every node says itself. */
async function votes(asked) {
  for (const said of await asked('corosync-quorumtool -s')) {
    equal([said.match(/Expected votes:\s+(\d+)/)[1], said.match(/Total votes:\s+(\d+)/)[1]], ['3', '3'], `votes in ${said}`)
    equal(said.match(/\bA,V,/g)?.length, 2, `members with the flag V in ${said}`)
  }
}
