// The stream breaks while much happens, and is taken up again: nothing is missed, and nothing goes back in time.

import { ClusterPage } from '../lib/cluster.mjs'
import { Served } from '../lib/console.mjs'
import { Import } from '../lib/import.mjs'
import { invited } from '../lib/invite.mjs'
import { Nodes } from '../lib/nodes.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { Proxy } from '../lib/proxy.mjs'
import { ensure, equal } from '../lib/spec.mjs'

const ADMIN = { name: 'ada', password: 'a long enough sentence' }

export default {
  'a broken stream': async (spec) => {
    const nodes = await Nodes.start(spec, 3, { scenario: 'healthy' })
    const console = await Served.start(spec)
    const proxy = await Proxy.start(spec, console.origin)
    const near = await person(spec, console.origin)
    const far = await person(spec, proxy.origin)
    const { t } = near
    const work = new Import(near)
    await spec.step('a cluster is watched, by one near and by one behind a bad network', async () => {
      await invited(near, await console.firstLink(), ADMIN)
      await near.seeHeading(t('pages.clusters'))
      const [first, second, third] = nodes.members
      await work.begin(first)
      await work.letIn(first)
      await work.takeOver([second, third])
      for (const node of [second, third]) await work.confirm(node)
      await far.signIn(ADMIN.name, ADMIN.password)
      await far.seeHeading(t('pages.clusters'))
    })
    const [here, there] = [new ClusterPage(near, work.cluster), new ClusterPage(far, work.cluster)]
    let loads = 0
    await spec.step('both see it healthy', async () => {
      for (const page of [here, there]) {
        await page.open()
        await page.seeState({ quorate: true, health: 'healthy' })
      }
      await far.page.evaluate(remember)
      far.page.on('framenavigated', () => (loads += 1))
    })
    await spec.step('a fact leads to the raw answer behind it, and its address to the same for a colleague', () => rawAnswer(spec, console, near, work.cluster))
    await spec.step('the near one is back on the page of the cluster', () => here.open())
    await spec.step('the network breaks, and the page says so', async () => {
      far.expect(/ERR_|Failed to load resource/)
      proxy.breakAll()
      await far.see(t.like('common.reconnecting_for'))
    })
    await spec.step('a node dies and comes back meanwhile; only the one near sees it', async () => {
      await nodes.fault('kill', 'pve3')
      await here.seeNode('pve3', 'absent')
      await nodes.fault('start', 'pve3')
      await here.seeNode('pve3', 'member', LONG_PATIENCE)
      await here.seeState({ health: 'healthy' }, LONG_PATIENCE)
      equal(await far.page.getByText(t.like('codes.happening_member_left', { node: 'pve3' })).count(), 0, 'what the cut-off page knows of it')
    })
    await spec.step('the network is back: what was missed is told, and the page was not loaded again', async () => {
      proxy.mend()
      await there.seeHappened('member_left', { node: 'pve3' }, LONG_PATIENCE)
      await there.seeHappened('member_joined', { node: 'pve3' }, LONG_PATIENCE)
      await there.seeState({ quorate: true, health: 'healthy' }, LONG_PATIENCE)
      await far.seeGone(far.page.getByText(t.like('common.reconnecting_for')))
      equal(loads, 0, 'times that the page was loaded again')
    })
    await spec.step('the browser named the last event that it had heard', async () => {
      ensure(proxy.resumed.length > 0, 'no Last-Event-ID was sent')
      ensure(proxy.resumed.every((id) => /^\S+$/.test(id)), `${proxy.resumed}`)
    })
    await spec.step('it lives again, and what it showed never went back in time', async () => {
      await nodes.fault('kill', 'pve2')
      await there.seeNode('pve2', 'absent')
      await there.seeHappened('member_left', { node: 'pve2' })
      const times = await far.page.evaluate(() => window.shownTimes)
      ensure(times.length > 3, `only ${times.length} times were shown`)
      equal(times, [...times].sort(), 'times of the quorum answer, in the order of their showing')
    })
  },
}

async function rawAnswer(spec, console, admin, cluster) {
  const { t } = admin
  await admin.page.locator('.answer-votes a.source').click()
  await admin.page.waitForURL(/\/evidence\?node=/)
  await admin.seeHeading(t('pages.evidence_title'))
  await seeAnswer(admin)
  await admin.inspect('raw answer')
  const colleague = await person(spec, console.origin)
  colleague.expect(/status of 401/)
  await colleague.goto(admin.page.url())
  await colleague.page.waitForURL(/\/sign-in/)
  await colleague.fill(t('pages.user_name'), ADMIN.name)
  await colleague.fill(t('pages.password'), ADMIN.password)
  await colleague.press(colleague.button(t('pages.sign_in')))
  await colleague.page.waitForURL(/\/evidence\?node=/)
  await seeAnswer(colleague)
  admin.expect(/status of (4|5)\d\d/)
  await admin.goto(`/clusters/${cluster}/evidence?node=pve1&command=nothing&at=2020-01-01T00:00:00Z`)
  await admin.see(t.like('codes.problem_evidence_expired'))
  await admin.goto(`/clusters/${cluster}/evidence?node=pve1`)
  await admin.see(t.like('codes.problem_evidence_unknown'))
}

/** What the node printed, and what was made of it. */
async function seeAnswer(one) {
  const { t } = one
  await one.see('Quorum information')
  await one.see(t.like('codes.reading_quorate', { votes: 3, expected: 3, quorum: 2 }))
  await one.see(t('pages.evidence_printed'))
}

/** Notes in the page each time that stands beside the votes. */
function remember() {
  window.shownTimes = []
  const look = () => {
    const at = document.querySelector('.answer-votes time')?.dateTime
    // One width for all, so that their order as text is their order in time.
    const time = at && new Date(at).toISOString()
    if (time && window.shownTimes.at(-1) !== time) window.shownTimes.push(time)
  }
  look()
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true })
}
