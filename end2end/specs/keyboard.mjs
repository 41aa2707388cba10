// The six steps without a mouse: the focus is always to be seen, never falls to the top of the page, and comes back from dialogs.

import { Served } from '../lib/console.mjs'
import { invited } from '../lib/invite.mjs'
import { KeyboardPerson } from '../lib/keyboard.mjs'
import { Nodes, paste } from '../lib/nodes.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { ensure, equal } from '../lib/spec.mjs'
import { Wizard } from '../lib/wizard.mjs'

const ADMIN = { name: 'ada', password: 'a long enough sentence' }
const NAME = 'by-hand'
const REASON = 'Built without a mouse'

export default {
  'by keyboard only': async (spec) => {
    const nodes = await Nodes.start(spec, 3, { speed: 20 })
    const console = await Served.start(spec)
    const admin = await person(spec, console.origin, { as: KeyboardPerson })
    const wizard = new Wizard(admin)
    const link = await console.firstLink()
    await spec.step('an account, and the list of clusters', async () => {
      await invited(admin, link, ADMIN)
      await admin.seeHeading(admin.t('pages.clusters'))
      await admin.has(admin.page.getByRole('main'), 'the content of the new page')
    })
    await dialogs(spec, admin)
    await prerequisites(spec, wizard, nodes)
    await links(spec, wizard)
    await build(spec, wizard, nodes)
  },
}

async function dialogs(spec, admin) {
  const { t, page } = admin
  await spec.step('the first stop leads past the navigation', async () => {
    await page.reload()
    await page.getByRole('heading', { name: t('pages.clusters') }).first().waitFor()
    await page.keyboard.press('Tab')
    await admin.has(page.getByRole('link', { name: t('common.skip') }), 'the link to the content')
    await page.keyboard.press('Enter')
    await admin.has(page.getByRole('main'), 'the content')
  })
  await spec.step('a dialog keeps the focus inside, and gives it back', async () => {
    const opener = admin.button(t('pages.build_cluster')).first()
    await admin.press(opener)
    const dialog = page.getByRole('dialog', { name: t('pages.build_cluster') })
    await dialog.waitFor()
    for (let stop = 0; stop < 6; stop += 1) {
      await page.keyboard.press('Tab')
      // A modal dialog lets the focus out to the browser's own controls only, never to the page behind it.
      ensure(await dialog.evaluate((one) => one.contains(document.activeElement) || document.activeElement === document.body), 'the focus stays in the dialog')
    }
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
    await admin.has(opener, 'the button that opened the dialog')
  })
}

async function prerequisites(spec, wizard, nodes) {
  const { person: admin, page, t } = wizard
  const [first, second, third] = nodes.members
  await spec.step('nodes are added, confirmed and let the console in', async () => {
    await wizard.begin(NAME)
    for (const node of [first, second, third]) await wizard.addWithPassword(node)
  })
  await spec.step('a question about a node is answered with Escape, and the focus is where it was', async () => {
    const remove = wizard.row(third).getByRole('button', { name: new RegExp(`^${t('wizard.remove')} `) })
    await admin.press(remove)
    await page.getByRole('dialog').filter({ hasText: t('wizard.remove_text') }).waitFor()
    await page.keyboard.press('Escape')
    await admin.has(remove, 'the button that asked')
  })
  await spec.step('what goes with its control hands the focus on to what stands around it', async () => {
    const remove = wizard.row(third).getByRole('button', { name: new RegExp(`^${t('wizard.remove')} `) })
    await admin.press(remove)
    const dialog = page.getByRole('dialog').filter({ hasText: t('wizard.remove_text') })
    await admin.press(admin.button(t('wizard.remove_yes', { node: third.name }), dialog))
    await wizard.row(third).waitFor({ state: 'hidden' })
    ensure(await page.evaluate(() => document.activeElement.closest('main') !== null), 'the focus is in the content')
    // The machine still knows the console's key, so its own is all that has to be confirmed again.
    await wizard.add(third)
    await admin.press(wizard.row(third).getByRole('button', { name: t('wizard.key_pin') }))
    await wizard.seeLogIn(third)
  })
  await spec.step('the checks run, and a cell opens to what is behind it', async () => {
    await wizard.check()
    const group = page.getByRole('region', { name: t('codes.group_basics'), exact: true })
    await admin.press(group.locator('summary'))
    await admin.press(group.getByRole('button', { name: new RegExp(`^${t('codes.check_clocks')}, ${first.name}: `) }))
    await admin.see(t('codes.check_clocks_why'))
    await wizard.acknowledge()
    await admin.see(t('wizard.next_possible'))
  })
}

async function links(spec, wizard) {
  const { person: admin, t } = wizard
  await spec.step('an address is chosen by the arrows, and chosen back', async () => {
    await wizard.next('network')
    const label = t('wizard.link_address', { number: 1, node: 'pve3' })
    const field = admin.page.getByLabel(label, { exact: true })
    await field.waitFor()
    const words = await field.evaluate((element) => Array.from(element.options, (option) => option.label))
    const before = await field.evaluate((element) => element.selectedOptions[0].label)
    await admin.choose(label, { label: words.find((word) => word !== before) })
    await admin.choose(label, { label: before })
    await wizard.takeLinks()
  })
}

async function build(spec, wizard, nodes) {
  const { person: admin, page, t } = wizard
  await spec.step('the cluster is created', async () => {
    await wizard.next('create')
    await wizard.create(NAME, REASON)
  })
  await spec.step('the order of the joins is changed, and the focus goes along with the node', async () => {
    await wizard.next('join')
    await admin.press(admin.button(t('wizard.join_later', { node: 'pve2' })))
    const rows = page.getByRole('main').getByRole('row').filter({ has: page.getByRole('rowheader') })
    await rows.first().filter({ hasText: 'pve3' }).waitFor()
    equal(await rows.first().getByRole('rowheader').innerText(), 'pve3', 'who joins first')
    ensure(await page.evaluate(() => document.activeElement.closest('table, main') !== null), 'the focus is still there')
  })
  await spec.step('they join, and all agree', async () => {
    await wizard.join(NAME, nodes.members.length, REASON)
    await wizard.next('verify')
    await wizard.verify(nodes.members.length)
    await wizard.next('qdevice')
    await admin.see(t('wizard.qdevice_refused'))
  })
  await spec.step('on the nodes: one cluster of three, in the order that was chosen', async () => {
    for (const node of nodes.members) {
      const listed = (await paste(node, 'corosync-quorumtool -l')).match(/^\s+\d+\s+\d+\s+/gm) ?? []
      equal(listed.length, 3, `members that ${node.name} lists`)
    }
    const conf = await paste(nodes.members[0], 'cat /etc/pve/corosync.conf')
    const ids = Object.fromEntries([...conf.matchAll(/name: (\S+)\s+nodeid: (\d+)/g)].map(([, name, id]) => [name, id]))
    equal(ids, { pve1: '1', pve2: '3', pve3: '2' }, 'who got which id')
  })
  await spec.step('the cluster’s page is reached', async () => {
    await admin.press(admin.button(t('wizard.to_cluster')))
    await page.waitForURL(new RegExp(`/clusters/${wizard.cluster}$`), { timeout: LONG_PATIENCE })
    await admin.see(t('pages.votes', { votes: 3, expected: 3 }), page, LONG_PATIENCE)
  })
}
