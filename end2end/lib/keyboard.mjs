// A person without a mouse: Tab and Shift+Tab, arrows, Enter, Space, and what is typed.

import { Person } from './person.mjs'
import { ensure, equal } from './spec.mjs'

/** So many stops of the Tab key a person puts up with until they are where they want to be. */
const TABS_MAX = 400

export class KeyboardPerson extends Person {
  constructor(...rest) {
    super(...rest)
    this.presses = 0
  }

  /** Goes there and presses it, by Enter and by Space in turn where it is a button. */
  async press(control) {
    await control.waitFor()
    const spaceWorks = await control.evaluate((element) => element.tagName === 'BUTTON' || element.type === 'checkbox')
    // What the browser itself opens and follows is always awake.
    if (spaceWorks) await this.awake(control, 'click')
    await this.reach(control)
    this.presses += 1
    await this.page.keyboard.press(spaceWorks && this.presses % 2 === 0 ? 'Space' : 'Enter')
  }

  async fill(label, value, within = this.page) {
    const field = within.getByLabel(label, { exact: typeof label === 'string' })
    await this.awake(field, 'input')
    await this.reach(field)
    await this.page.keyboard.press('ControlOrMeta+A')
    await this.page.keyboard.type(value)
  }

  /** Chooses by the arrows; `option` is the word that is shown. */
  async choose(label, { label: word }, within = this.page) {
    const field = within.getByLabel(label, { exact: true })
    await this.awake(field, 'change')
    await this.reach(field)
    const words = await field.evaluate((element) => Array.from(element.options, (option) => option.label))
    const chosen = () => field.evaluate((element) => element.selectedIndex)
    const wanted = words.indexOf(word)
    ensure(wanted >= 0, `${word} is offered: ${words}`)
    for (let at = await chosen(); at !== wanted; at = await chosen()) {
      await this.page.keyboard.press(at < wanted ? 'ArrowDown' : 'ArrowUp')
      ensure((await chosen()) !== at, 'an arrow chooses the next one')
    }
  }

  /** Tabs to a control, forwards or backwards as it lies. */
  async reach(control) {
    await control.waitFor()
    for (let stops = 0; stops < TABS_MAX; stops += 1) {
      const way = await control.evaluate((element) => {
        const active = document.activeElement
        if (active === element) return null
        return active.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_PRECEDING ? 'Shift+Tab' : 'Tab'
      })
      if (way === null) return
      await this.page.keyboard.press(way)
    }
    throw new Error(`not reached within ${TABS_MAX} stops: ${await control.evaluate((element) => element.outerHTML.slice(0, 200))}`)
  }

  /** The control that has the focus now. */
  async has(control, what) {
    const handle = await control.elementHandle()
    await this.page.waitForFunction((element) => document.activeElement === element, handle).catch(() => {
      throw new Error(`the focus is not on ${what}`)
    })
  }

  /** After every step: the focus was never lost, was to be seen wherever it stood, and no mouse was used. */
  assertQuiet() {
    super.assertQuiet()
    const { lost, unseen, mouse } = this.noted
    this.noted = { lost: [], unseen: [], mouse: [] }
    equal(lost, [], 'controls that took the focus along when they went')
    equal(unseen, [], 'controls whose focus is not to be seen')
    equal(mouse, [], 'events of a mouse')
  }

  noted = { lost: [], unseen: [], mouse: [] }

  /** Sees to it that the page tells what becomes of the focus. */
  async watch() {
    await this.page.exposeBinding('quorateNoted', (_, kind, what) => this.noted[kind].push(what))
    await this.page.addInitScript(watchFocus)
  }
}

/** Runs in the page, before anything else. */
function watchFocus() {
  const told = (element) => `${element.tagName.toLowerCase()} “${(element.getAttribute('aria-label') ?? element.textContent ?? '').trim().slice(0, 60)}”`
  let had = null
  document.addEventListener('focusin', ({ target }) => {
    had = target
    requestAnimationFrame(() => {
      if (document.activeElement !== target || target.matches('main')) return
      const { outlineStyle, outlineWidth } = getComputedStyle(target)
      const { top, bottom, left, right } = target.getBoundingClientRect()
      const outside = bottom <= 0 || right <= 0 || top >= innerHeight || left >= innerWidth
      if (outlineStyle === 'none' || parseFloat(outlineWidth) === 0 || outside) window.quorateNoted('unseen', told(target))
    })
  })
  // What has gone may be on its way to where a new page is; but whoever presses the next key has to be somewhere.
  document.addEventListener('keydown', () => {
    // A modal dialog lets the focus out to the browser's own controls, and to nothing else.
    if (!had || document.activeElement !== document.body || document.querySelector('dialog[open]')) return
    window.quorateNoted('lost', told(had))
    had = null
  }, true)
  for (const kind of ['mousedown', 'mousemove', 'pointerdown', 'touchstart']) {
    document.addEventListener(kind, ({ target }) => window.quorateNoted('mouse', `${kind} on ${told(target)}`), true)
  }
}
