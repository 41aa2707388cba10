// The way through the six steps, as a person goes it.

import { LONG_PATIENCE, PATIENCE } from './person.mjs'
import { paste } from './nodes.mjs'
import { ensure, equal } from './spec.mjs'
import { escaped } from './words.mjs'

export class Wizard {
  constructor(person) {
    this.person = person
    this.page = person.page
    this.t = person.t
  }

  /** From the list of clusters into the first step. */
  async begin(name) {
    const { person, t } = this
    await person.goto('/')
    await person.press(person.button(t('pages.build_cluster')).first())
    const dialog = this.page.getByRole('dialog', { name: t('pages.build_cluster') })
    await person.fill(t('pages.cluster_name'), name, dialog)
    await person.press(person.button(t('pages.cluster_start'), dialog))
    await this.page.waitForURL(/\/clusters\/[0-9a-f-]+\/build/)
    await person.seeHeading(t('wizard.nodes'))
    this.cluster = this.page.url().match(/\/clusters\/([0-9a-f-]+)/)[1]
  }

  path(step) {
    return `/clusters/${this.cluster}/build/${step}`
  }

  /** The row of a machine, by where the console reaches it. */
  row({ address, port, user = 'root' }) {
    const at = port === 22 ? `${user}@${address}` : `${user}@${address}:${port}`
    return this.page.getByRole('listitem').filter({ has: this.page.getByText(at, { exact: true }) })
  }

  async add(node, button = 'wizard.add_node') {
    const { person, t } = this
    const form = this.page.getByRole('form', { name: t(button), exact: true })
    await person.fill(t('wizard.address'), node.port === 22 ? node.address : `${node.address}:${node.port}`, form)
    if (node.user) await person.fill(t('wizard.user'), node.user, form)
    await person.press(person.button(t(button), form))
    await this.row(node).waitFor()
  }

  /** Adds a machine at the address that another one sees; that one is folded away until it is asked for. */
  async addBehind(node, jump) {
    const { person, t } = this
    const form = this.page.getByRole('form', { name: t('wizard.add_node'), exact: true })
    const address = form.getByLabel(t('wizard.jump_address'))
    if (!(await address.isVisible())) await form.getByText(t('wizard.jump'), { exact: true }).click()
    await person.fill(t('wizard.jump_address'), jump.port === 22 ? jump.address : `${jump.address}:${jump.port}`, form)
    await this.add(node)
  }

  /** Compares the fingerprint with what the machine's own console says, and confirms it. */
  async pin(node) {
    const { person, t } = this
    const row = this.row(node)
    await person.see(node.fingerprint, row)
    await person.press(row.getByRole('button', { name: t('wizard.key_pin') }))
    await person.see(t('codes.log_in_needs_key'), row)
  }

  /** The password of the account that the console logs in with. */
  async givePassword(node, password = node.password) {
    const { person, t } = this
    const row = this.row(node)
    await person.fill(t.like(node.user ? 'wizard.user_password' : 'wizard.root_password'), password, row)
    await person.press(person.button(t('wizard.install_key'), row))
  }

  /** Pastes the line that the page shows into a shell on the machine. */
  async pasteKey(node, namespace) {
    const { person, t } = this
    const row = this.row(node)
    const line = (await row.getByText(/^install -d .*authorized_keys2/).innerText()).trim()
    await paste(node, line, namespace)
    await person.press(row.getByRole('button', { name: t('wizard.try_again') }))
  }

  async seeLogIn(node) {
    await this.person.see(this.t('codes.log_in_works'), this.row(node))
  }

  /** Takes a machine out of the draft; `label` is what the console calls it. */
  async remove(node, label = node.name) {
    const { person, page, t } = this
    await person.press(person.button(new RegExp(`^${t('wizard.remove')}`), this.row(node)))
    await person.press(person.button(t('wizard.remove_yes', { node: label }), page.getByRole('dialog').filter({ visible: true })))
    await this.row(node).waitFor({ state: 'hidden' })
  }

  /** Adds a machine with its password. */
  async addWithPassword(node, button) {
    await this.add(node, button)
    await this.pin(node)
    await this.givePassword(node)
    await this.seeLogIn(node)
  }

  /** Runs all checks and waits for the last answer. */
  async check() {
    const { person, t } = this
    const button = person.button(new RegExp(`^(${t('wizard.check_all')}|${t('wizard.check_again')})$`))
    const [answer] = await Promise.all([
      this.page.waitForResponse(/\/api\/run_checks/, { timeout: LONG_PATIENCE }),
      person.press(button),
    ])
    ensure(answer.ok(), `the checks were refused: ${answer.status()}`)
    await this.page.getByText(t.like('wizard.checked_ago')).first().waitFor({ timeout: LONG_PATIENCE })
    await button.and(this.page.locator(':not([aria-busy])')).waitFor({ timeout: LONG_PATIENCE })
  }

  /** All checks, and that nothing stands in the way of the next step. */
  async checkAndPass() {
    await this.check()
    const bad = [this.t('codes.verdict_fail'), this.t('codes.verdict_error')]
    const cells = await this.page.getByRole('button', { name: new RegExp(`: (${bad.join('|')})`) }).all()
    const names = await Promise.all(cells.map((cell) => cell.getAttribute('aria-label')))
    equal(names, [], 'cells that did not pass')
    await this.acknowledge()
    await this.person.see(this.t('wizard.next_possible'))
  }

  /** The cell of a check on a node. */
  cell(check, node, verdict) {
    const [what, word] = [`codes.check_${check}`, `codes.verdict_${verdict}`].map((key) => escaped(this.t(key)))
    return this.page.getByRole('button', { name: new RegExp(`^${what}, ${escaped(node.name)}: ${word}`) })
  }

  /** Opens a cell, and reads one of the sentences behind it as a whole. */
  async seeFinding(check, node, verdict, code, params) {
    const { person, t } = this
    await person.press(this.cell(check, node, verdict))
    const panel = this.page.locator('.wizard-panel').filter({ hasText: t(`codes.check_${check}`) }).filter({ hasText: node.name })
    const findings = panel.getByRole('listitem').filter({ hasText: t.said(`codes.finding_${code}`, params) })
    await findings.first().waitFor()
  }

  /** Answers for the warnings, where there are any. */
  async acknowledge(reason = 'seen, and fine for this lab') {
    const { person, t } = this
    const form = this.page.getByRole('form', { name: t('wizard.acknowledge') })
    if (!(await form.isVisible())) return
    await person.fill(t('wizard.reason'), reason, form)
    await person.press(person.button(t('wizard.acknowledge'), form))
    await form.waitFor({ state: 'hidden' })
  }

  /** Presses *Next* once it may be pressed. */
  async next(step) {
    const { person, t } = this
    await person.see(t('wizard.next_possible'), this.page, LONG_PATIENCE)
    await person.press(this.nextButton(step))
    await this.page.waitForURL(new RegExp(`/build/${step}$`))
  }

  /** The button to a step; inside the sentence most of the steps' words are small. */
  nextButton(step) {
    const name = this.t('wizard.next_step', { step: this.t(`codes.wizard_${step}`) })
    return this.person.button(new RegExp(`^${escaped(name)}$`, 'i'))
  }

  /** Takes the proposed links as they are. */
  async takeLinks() {
    const { person, t } = this
    await person.press(person.button(t('wizard.links_save')))
    await person.see(t.like('wizard.links_saved'))
  }

  /** Reads the plan, says why, types the target where that is asked for, and runs it. */
  async agree(label, target, reason) {
    const { person, t } = this
    const form = this.page.getByRole('form', { name: t('wizard.consent') })
    await person.press(person.button(new RegExp(`^(${t('wizard.preview')}|${t('wizard.preview_again')})$`)))
    await form.waitFor({ timeout: LONG_PATIENCE })
    if (target) {
      await person.fill(t('wizard.reason'), reason, form)
      await person.fill(t('wizard.typed_label', { target }), target, form)
    }
    await person.press(person.button(t(label), form))
  }

  async create(name, reason) {
    await this.agree('wizard.create_run', name, reason)
    await this.over(this.t('wizard.create_done', { name }))
  }

  async join(name, count, reason) {
    await this.startJoin(name, reason)
    await this.joined(count)
  }

  async startJoin(name, reason) {
    await this.agree('wizard.join_run', name, reason)
    await this.person.see(this.t('codes.intent_join_nodes'))
  }

  async joined(count) {
    await this.over(this.t('wizard.join_done', { count }))
  }

  /** Waits for the sentence of success; a plan that fails or waits says so at once. */
  async over(sentence) {
    const done = this.page.getByText(sentence)
    const trouble = this.page.getByRole('alert').or(this.page.getByText(this.t('wizard.ended_text'))).or(this.page.getByText(this.t('wizard.parked_text')))
    await done.or(trouble).first().waitFor({ timeout: LONG_PATIENCE })
    if (await done.first().isVisible()) return
    throw new Error(`instead of “${sentence}”: ${(await trouble.allInnerTexts()).join(' / ')}`)
  }

  /** The plan that is folded away where a device does not vote, until it is done. */
  async startQdevice() {
    const { person, page, t } = this
    await person.see(t('wizard.qdevice_partial'), page, LONG_PATIENCE)
    await person.see(t('wizard.missing_qdevice'))
    const fold = page.locator('details').filter({ hasText: t('wizard.qdevice_start_text') })
    await fold.getByText(t('wizard.qdevice_start'), { exact: true }).click()
    await person.inspect(`wizard, a QDevice without its daemon, ${t.language}`)
    await person.press(person.button(t('wizard.preview'), fold))
    const form = page.getByRole('form', { name: t('wizard.consent') })
    await form.waitFor({ timeout: LONG_PATIENCE })
    await person.see('systemctl enable --now corosync-qdevice')
    await person.press(person.button(t('wizard.qdevice_start_run'), form))
    await page.waitForURL(/\/operations\//, { timeout: LONG_PATIENCE })
    await person.seeDone()
  }

  async verify(nodes) {
    const { person, t } = this
    await person.press(person.button(new RegExp(`^(${t('wizard.verify_now')}|${t('wizard.verify_again')})$`)))
    await person.see(t('wizard.verify_agreed', { nodes }), this.page, LONG_PATIENCE)
  }

  /** The step bar: which steps are done. */
  async seeStep(step, state) {
    const link = this.page.getByRole('navigation', { name: this.t('wizard.steps') }).getByRole('link', { name: this.t(`codes.wizard_${step}`) })
    await link.filter({ hasText: this.t(`wizard.step_${state}`) }).waitFor({ timeout: PATIENCE })
  }

  /** A cluster of the first node, at the step where the others join. */
  async createWith(name, nodes, reason) {
    await this.begin(name)
    for (const node of nodes) await this.addWithPassword(node)
    await this.checkAndPass()
    await this.next('network')
    await this.takeLinks()
    await this.next('create')
    await this.create(name, reason)
    await this.next('join')
  }

  /** All six steps with what the proposals say, for specs that are about something else. */
  async build(name, nodes, reason) {
    await this.createWith(name, nodes, reason)
    await this.join(name, nodes.length, reason)
    await this.next('verify')
    await this.verify(nodes.length)
    ensure(this.cluster, 'the address has the id of the cluster')
  }
}
