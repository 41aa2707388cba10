// A person at the console: a window of their own, a language, and eyes for what goes wrong.

import { AxeCheck } from './axe.mjs'
import { browser } from './browser.mjs'
import { RESULTS, ensure } from './spec.mjs'
import { words } from './words.mjs'

/** How long a person waits for the page to change, in milliseconds. */
export const PATIENCE = 15_000
/** For what takes nodes some time: checks, joins. */
export const LONG_PATIENCE = 90_000

const axe = new AxeCheck()

/** Opens a window for a person; `language` is what their browser asks for, `as` is how they work it. */
export async function person(spec, origin, { language = 'en', size = { width: 1440, height: 900 }, namespace, state, as = Person } = {}) {
  const context = await (await browser(spec, namespace)).newContext({
    baseURL: origin,
    locale: language === 'fr' ? 'fr-FR' : 'en-GB',
    viewport: size,
    reducedMotion: 'reduce',
    storageState: state,
  })
  context.setDefaultTimeout(PATIENCE)
  await context.addInitScript(rememberListeners)
  await context.tracing.start({ snapshots: true, screenshots: false })
  const one = new as(spec, await context.newPage(), words(language))
  await one.watch()
  spec.people.push(one)
  spec.atEnd(() => context.close())
  return one
}

/**
 * Pages arrive painted and wake up a moment later. A person would press again; a test has to know which controls are
 * awake, so each element remembers what it listens to.
 */
function rememberListeners() {
  const add = EventTarget.prototype.addEventListener
  EventTarget.prototype.addEventListener = function (kind, ...rest) {
    if (this instanceof Element) (this.listensTo ??= new Set()).add(kind)
    return add.call(this, kind, ...rest)
  }
}

export class Person {
  constructor(spec, page, t) {
    this.spec = spec
    this.page = page
    this.t = t
    this.problems = []
    this.expected = []
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.note(`console ${message.type()}: ${message.text()} (${message.location().url})`)
    })
    page.on('pageerror', (error) => this.note(`page error: ${error.stack ?? error}`))
  }

  /** What has to be looked after before the first page is opened. */
  async watch() {}

  note(problem) {
    if (!this.expected.some((pattern) => pattern.test(problem))) this.problems.push(problem)
  }

  /** From here on the browser may complain so: it notes every refusal of the server on its console. */
  expect(pattern) {
    this.expected.push(pattern)
  }

  assertQuiet() {
    const problems = this.problems.splice(0)
    if (problems.length > 0) throw new Error(`the page complained:\n${problems.join('\n')}`)
  }

  async goto(path) {
    await this.page.goto(path)
  }

  /** A control by its role and name; the name is compared as a whole unless it is a pattern. */
  control(role, name, within = this.page) {
    return within.getByRole(role, { name, exact: typeof name === 'string' })
  }

  button(name, within) {
    return this.control('button', name, within)
  }

  /** Presses a control once it is awake and may be pressed. */
  async press(control) {
    await this.awake(control, 'click')
    await control.click()
  }

  /** Fills a field by its label. */
  async fill(label, value, within = this.page) {
    const field = within.getByLabel(label, { exact: typeof label === 'string' })
    await this.awake(field, 'input')
    await field.fill(value)
  }

  async choose(label, option, within = this.page) {
    const field = within.getByLabel(label, { exact: true })
    await this.awake(field, 'change')
    await field.selectOption(option)
  }

  async awake(control, kind) {
    await control.waitFor()
    const handle = await control.elementHandle()
    const listens = ([element, kind]) => {
      if (element.tagName === 'A' || element.listensTo?.has(kind) || !element.isConnected) return true
      return element.type === 'checkbox' || element.type === 'radio' ? element.listensTo !== undefined : false
    }
    await this.page.waitForFunction(listens, [handle, kind])
  }

  /** Waits until a text is to be seen. */
  async see(text, within = this.page, timeout = PATIENCE) {
    await within.getByText(text).filter({ visible: true }).first().waitFor({ timeout })
  }

  /** The button cannot be pressed, and says why to those who listen too. */
  async seeDisabled(button, reason) {
    await button.and(this.page.locator('[aria-disabled="true"]')).waitFor({ timeout: PATIENCE })
    const text = await button.evaluate((element) => document.getElementById(element.getAttribute('aria-describedby'))?.textContent ?? '')
    ensure(typeof reason === 'string' ? text.includes(reason) : reason.test(text), `the button says why: ${text}`)
  }

  /** Until the operation on the page is proven whole: by its state alone, since sentences have that word too. */
  async seeDone() {
    // The address changes first: what is still there may say that another one is done.
    if (/\/operations\/./.test(this.page.url())) await this.seeHeading(this.t('pages.about_operation'), LONG_PATIENCE)
    await this.see(new RegExp(`^\\W*${this.t('codes.operation_done')}$`), this.page, LONG_PATIENCE)
  }

  async seeGone(locator, timeout = PATIENCE) {
    await locator.first().waitFor({ state: 'hidden', timeout })
  }

  async seeHeading(name, timeout = PATIENCE) {
    await this.page.getByRole('heading', { name }).first().waitFor({ timeout })
  }

  /** Looks at the page as someone with another pair of eyes: light and dark, each kind of page once; a check of its own. */
  async inspect(kind) {
    if (!axe.isNew(kind)) return
    await this.spec.check(`accessible: ${kind}`, () => axe.check(this.page, kind))
    // To be looked at: QUORATE_PICTURES=1 keeps every page that is checked, in both languages, and on a phone.
    if (process.env.QUORATE_PICTURES) await this.keepPictures(`${RESULTS}/pages/${kind.replace(/[^a-z0-9]+/gi, '-')}`)
  }

  async keepPictures(name) {
    const picture = (suffix) => this.page.screenshot({ path: `${name}${suffix}.png`, fullPage: true })
    await picture('')
    const switches = this.page.getByRole('banner').locator('button[lang]').filter({ visible: true })
    if (this.t.language !== 'en' || (await switches.count()) === 0) return
    const before = this.page.viewportSize()
    await this.press(switches.and(this.page.locator('[lang=fr]')))
    await picture('-fr')
    await this.page.setViewportSize({ width: 390, height: 844 })
    await picture('-fr-phone')
    await this.page.setViewportSize(before)
    await this.press(switches.and(this.page.locator('[lang=en]')))
  }

  async signIn(name, password) {
    await this.goto('/sign-in')
    await this.fill(this.t('pages.user_name'), name)
    await this.fill(this.t('pages.password'), password)
    await this.press(this.button(this.t('pages.sign_in')))
  }

  /** Plans ask for a sign-in that is younger than five minutes, which a long spec's first one is not any more. */
  async signInAgain(name, password) {
    await this.press(this.page.getByRole('banner').getByRole('button', { name: this.t('common.sign_out') }))
    await this.page.waitForURL(/\/sign-in/)
    await this.signIn(name, password)
    await this.seeHeading(this.t('pages.clusters'))
  }

  async keepEvidence(file) {
    await this.page.screenshot({ path: `${file}.png`, fullPage: true })
    await this.page.context().tracing.stop({ path: `${file}.zip` })
    await this.page.context().tracing.start({ snapshots: true, screenshots: false })
    console.log(`    at ${this.page.url()}, see ${file}.png`)
    for (const problem of this.problems.splice(0)) console.log(`    ${problem.split('\n')[0]}`)
  }
}
