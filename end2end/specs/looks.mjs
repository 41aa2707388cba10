// Pictures of every page for people to look at: light and dark, English and French, wide and phone.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { demo } from '../lib/console.mjs'
import { person } from '../lib/person.mjs'
import { RESULTS, ensure } from '../lib/spec.mjs'
import { ClusterPage } from '../lib/cluster.mjs'
import { Wizard } from '../lib/wizard.mjs'

const FOLDER = join(RESULTS, 'screens')
const NAME = 'prod-west'
const SIZES = [
  { name: '1440', width: 1440, height: 900 },
  { name: '390', width: 390, height: 844 },
]
const THEMES = ['light', 'dark']

export default {
  looks: async (spec) => {
    mkdirSync(FOLDER, { recursive: true })
    const console = await demo(spec, { speed: 20, sick: true })
    const operator = await person(spec, console.origin)
    const wizard = new Wizard(operator)
    const gallery = new Gallery(spec, console, operator)
    await gallery.take('sign-in', '/sign-in')
    await spec.step('sign in', async () => {
      await operator.signIn(console.operator.name, console.operator.password)
      await operator.seeHeading(operator.t('pages.clusters'))
      await gallery.bringFrench()
    })
    await gallery.take('clusters-sick', '/')
    await spec.step('look at the sick cluster', async () => {
      await operator.goto('/')
      await operator.press(operator.control('link', 'sick').first())
      await operator.page.waitForURL(/\/clusters\/[0-9a-f-]+$/)
      const cluster = new ClusterPage(operator)
      await cluster.seeState({ quorate: true, health: 'degraded', votes: 2, expected: 3 })
      await cluster.seeNode('sick3', 'absent')
      await operator.see(operator.t.like('pages.demo_speed', { speed: 20 }))
      await gallery.take('cluster-sick', new URL(operator.page.url()).pathname)
    })
    await spec.step('build a cluster, looking around', () => tour(gallery, wizard, console))
    await spec.step('break it', () => breakIt(gallery, wizard))
    await gallery.take('clusters', '/')
    await gallery.take('operations', `/clusters/${wizard.cluster}/operations`)
    await gallery.take('operation', await gallery.firstOperation(wizard))
    await gallery.take('audit', '/audit')
    await gallery.take('people', '/people')
    for (const one of gallery.people) one.expect(/status of 404/)
    await gallery.take('not-found', '/nowhere')
  },
}

async function tour(gallery, wizard, console) {
  const [first, second, third] = console.members
  const reason = 'First cluster of the new hall'
  await wizard.begin(NAME)
  await gallery.take('wizard-1-empty', wizard.path('prerequisites'))
  await wizard.add(first)
  await wizard.add(second)
  await wizard.pin(second)
  await gallery.take('wizard-1-keys', wizard.path('prerequisites'))
  await wizard.pin(first)
  for (const node of [first, second]) {
    await wizard.givePassword(node)
    await wizard.seeLogIn(node)
  }
  await wizard.addWithPassword(third)
  await wizard.checkAndPass()
  await gallery.take('wizard-1-checked', wizard.path('prerequisites'))
  await wizard.next('network')
  await gallery.take('wizard-2-links', wizard.path('network'))
  await wizard.takeLinks()
  await wizard.next('create')
  await gallery.take('wizard-3-plan', wizard.path('create'), async (one) => {
    await one.press(one.button(one.t('wizard.preview')))
    await one.page.getByRole('form', { name: one.t('wizard.consent') }).waitFor()
  })
  await wizard.create(NAME, reason)
  await gallery.take('wizard-3-created', wizard.path('create'))
  await wizard.next('join')
  await gallery.take('wizard-4-order', wizard.path('join'))
  await wizard.join(NAME, console.members.length, reason)
  await gallery.take('wizard-4-joined', wizard.path('join'))
  await wizard.next('verify')
  await wizard.verify(console.members.length)
  await gallery.take('wizard-5-verified', wizard.path('verify'), (one) => new Wizard(one).verify(console.members.length))
  await gallery.take('wizard-6-qdevice', wizard.path('qdevice'))
}

async function breakIt(gallery, wizard) {
  const cluster = new ClusterPage(gallery.english, wizard.cluster)
  await cluster.open()
  await cluster.seeState({ quorate: true, health: 'healthy' })
  await gallery.take('cluster', `/clusters/${wizard.cluster}`)
  await gallery.take('cluster-table', `/clusters/${wizard.cluster}`, (one) => one.press(one.button(one.t('pages.as_table'))))
  await cluster.open()
  await cluster.fault('pve2', 'cut_link', ' 1')
  await cluster.seeHappened('link_down')
  await cluster.fault('pve3', 'kill')
  await cluster.seeNode('pve3', 'absent')
  await gallery.take('cluster-broken', `/clusters/${wizard.cluster}`)
  await cluster.open()
  await cluster.fault('pve2', 'kill')
  await cluster.seeState({ quorate: false })
  await gallery.take('cluster-no-quorum', `/clusters/${wizard.cluster}`)
}

/** How wide the page wants to be, and the element that reaches farthest. */
function tooWide() {
  const root = document.documentElement
  const contained = (element) => element && (getComputedStyle(element).overflowX !== 'visible' || contained(element.parentElement))
  const free = [...document.body.querySelectorAll('*')].filter((element) => !contained(element.parentElement))
  const [far] = free.sort((one, other) => other.getBoundingClientRect().right - one.getBoundingClientRect().right)
  return { wanted: root.scrollWidth, there: root.clientWidth, by: far?.outerHTML.slice(0, 160) }
}

class Gallery {
  constructor(spec, console, english) {
    this.spec = spec
    this.origin = console.origin
    this.english = english
    this.people = [english]
  }

  /** The same session in a French browser. */
  async bringFrench() {
    const state = await this.english.page.context().storageState()
    state.cookies = state.cookies.filter((cookie) => cookie.name !== 'quorate_language')
    this.people.push(await person(this.spec, this.origin, { language: 'fr', state }))
  }

  /** All pictures of one page; `prepare` brings it into the state that is to be seen. */
  async take(name, path, prepare) {
    await this.spec.check(`picture of ${name}`, async () => {
      for (const one of this.people) {
        await one.page.setViewportSize(SIZES[0])
        await one.goto(path)
        await one.page.getByRole('main').waitFor()
        await one.seeGone(one.page.getByText(one.t('common.loading')))
        if (prepare) await prepare(one)
        for (const size of SIZES) await this.takeSize(one, name, size)
        await one.page.setViewportSize(SIZES[0])
      }
    })
  }

  async takeSize(one, name, size) {
    await one.page.setViewportSize({ width: size.width, height: size.height })
    for (const theme of THEMES) {
      await one.page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
      // A bar that sticks would stand in the middle of the picture of a page that is scrolled.
      await one.page.evaluate(() => window.scrollTo(0, 0))
      const file = `${name}-${one.t.language}-${theme}-${size.name}.png`
      await one.page.screenshot({ path: join(FOLDER, file), fullPage: true })
    }
    await one.page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
    const { wanted, there, by } = await one.page.evaluate(tooWide)
    ensure(wanted <= there, `${name} in ${one.t.language} is ${wanted} px wide on a screen of ${there} px: ${by}`)
  }

  async firstOperation(wizard) {
    const one = this.english
    await one.goto(`/clusters/${wizard.cluster}/operations`)
    return one.control('link', one.t('codes.intent_join_nodes')).first().getAttribute('href')
  }
}
