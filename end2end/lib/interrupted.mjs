// The way through the six steps of somebody whose console dies in every one of them, while something is under way.

import { invited } from './invite.mjs'
import { paste } from './nodes.mjs'
import { LONG_PATIENCE, person } from './person.mjs'
import { ensure, equal } from './spec.mjs'
import { Trail } from './trail.mjs'
import { Wizard } from './wizard.mjs'

const ADMIN = { name: 'ada', password: 'a long enough sentence' }

/**
 * `lab` are simulated nodes or those of the lab of real parts: `members`, `qnetd`, `namespace`, and `untilBegun(command)`.
 */
export class Interrupted {
  static async begin(spec, { lab, console, name, reason, language }) {
    const admin = await person(spec, console.origin, { language, namespace: lab.namespace })
    const one = new Interrupted()
    Object.assign(one, { spec, lab, console, name, reason, admin, t: admin.t, page: admin.page, wizard: new Wizard(admin) })
    const link = await console.firstLink()
    await spec.step('the first admin', async () => {
      await invited(admin, link, ADMIN)
      await admin.seeHeading(one.t('pages.clusters'))
    })
    return one
  }

  /** All six steps; `qnetd` is the address of the QDevice's host as the nodes see it. */
  async build({ qnetd } = {}) {
    // The browser says on its console that the stream broke, and that nobody answers.
    this.admin.expect(/ERR_|Failed to load resource/)
    await this.prerequisites()
    await this.network()
    await this.create()
    await this.join()
    await this.verify()
    if (qnetd) await this.qdevice(qnetd)
    else await this.withoutQdevice()
    await this.everythingIsInTheAudit()
  }

  /** The console is killed while the page waits for an answer, or right after what was begun. */
  async dieIn(call, press) {
    await Promise.all([this.page.waitForRequest(new RegExp(`/api/${call}$`), { timeout: LONG_PATIENCE }), press()])
    await this.console.restart()
  }

  /** A button that was busy when the console died can be pressed again, without anybody loading the page. */
  async awakeAgain(words) {
    const button = this.admin.button(new RegExp(`^(${words.map((word) => this.t(`wizard.${word}`)).join('|')})$`))
    await button.and(this.page.locator(':not([aria-busy])')).waitFor({ timeout: LONG_PATIENCE })
    return button
  }

  /** What the console knew is there after it was started again and the page was loaded again. */
  async restartAndLoad() {
    await this.console.restart()
    await this.page.reload()
  }

  async prerequisites() {
    const { spec, wizard, lab, admin, t, page } = this
    await spec.step('it dies while a machine’s key waits for a person', async () => {
      await wizard.begin(this.name)
      await wizard.add(lab.members[0])
      await this.restartAndLoad()
      await wizard.pin(lab.members[0])
      await wizard.givePassword(lab.members[0])
      await wizard.seeLogIn(lab.members[0])
    })
    await spec.step('it dies while a password is on its way, and no machine is there twice', async () => {
      const [, second, ...others] = lab.members
      await wizard.add(second)
      await wizard.pin(second)
      await this.dieIn('install_key', () => wizard.givePassword(second))
      await page.reload()
      await wizard.row(second).waitFor()
      // The machine may have taken the key, or not: either way it goes on.
      const works = wizard.row(second).getByText(t('codes.log_in_works'))
      const password = admin.button(t('wizard.install_key'), wizard.row(second))
      await works.or(password).first().waitFor()
      if (await password.isVisible()) await wizard.givePassword(second)
      await wizard.seeLogIn(second)
      for (const node of others) await wizard.addWithPassword(node)
      for (const node of lab.members) await wizard.seeLogIn(node)
      equal(await page.locator('.wizard-node').count(), lab.members.length, 'machines in the list')
    })
    await spec.step('it dies while the checks run', async () => {
      const button = await this.awakeAgain(['check_all', 'check_again'])
      await this.dieIn('run_checks', () => admin.press(button))
      await this.awakeAgain(['check_all', 'check_again'])
      await page.getByText(t('wizard.checks_running')).waitFor({ state: 'hidden' })
      for (const node of lab.members) await wizard.seeLogIn(node)
      await wizard.checkAndPass()
    })
    await spec.step('the checks, and who answers for warnings, outlive it', async () => {
      await this.console.restart()
      // Without a step in the address the next one would open.
      await admin.goto(wizard.path('prerequisites'))
      await admin.see(t.like('wizard.checked_ago'))
      await wizard.seeStep('prerequisites', 'done')
      await admin.see(t('wizard.next_possible'))
    })
  }

  async network() {
    const { spec, wizard, admin, t, page } = this
    await spec.step('it dies while the links are measured', async () => {
      await wizard.next('network')
      const button = await this.awakeAgain(['measure_now', 'measure_again'])
      await this.dieIn('measure_links', () => admin.press(button))
      const again = await this.awakeAgain(['measure_now', 'measure_again'])
      const [answer] = await Promise.all([page.waitForResponse(/\/api\/measure_links/, { timeout: LONG_PATIENCE }), admin.press(again)])
      ensure(answer.ok(), `the measurement was refused: ${answer.status()}`)
      await admin.see(t.like('wizard.measured_ago'))
    })
    await spec.step('the choice of links and the figures outlive it', async () => {
      await wizard.takeLinks()
      await this.restartAndLoad()
      await admin.see(t.like('wizard.links_saved'))
      await admin.see(t.like('wizard.measured_ago'))
      await wizard.seeStep('network', 'done')
    })
  }

  async create() {
    const { spec, wizard, lab } = this
    await spec.step('it dies while the cluster is created, and finishes it by itself', async () => {
      await wizard.next('create')
      await wizard.agree('wizard.create_run', this.name, this.reason)
      await lab.untilBegun('pvecm create')
      await this.console.restart()
      await wizard.over(this.t('wizard.create_done', { name: this.name }))
    })
    await spec.step('the first node is a cluster of one, created once', async () => {
      const conf = await this.on(lab.members[0], 'cat /etc/pve/corosync.conf')
      equal([valueOf(conf, 'cluster_name'), valueOf(conf, 'config_version'), names(conf)], [this.name, '1', [lab.members[0].name]], 'corosync.conf')
    })
  }

  async join() {
    const { spec, wizard, lab } = this
    await spec.step('it dies while a node joins, and finishes the joins by itself', async () => {
      await wizard.next('join')
      await wizard.startJoin(this.name, this.reason)
      await lab.untilBegun('pvecm add')
      await this.console.restart()
      await wizard.joined(lab.members.length)
    })
    await spec.step('on the nodes: all are members, and none was joined twice', () => this.areOne(lab.members.length))
  }

  async verify() {
    const { spec, wizard, lab, admin, t, page } = this
    await spec.step('it dies while the nodes are asked', async () => {
      await wizard.next('verify')
      const button = await this.awakeAgain(['verify_now', 'verify_again'])
      await this.dieIn('verify', () => admin.press(button))
      await this.awakeAgain(['verify_now', 'verify_again'])
      await wizard.verify(lab.members.length)
    })
    await spec.step('the report outlives it', async () => {
      await this.restartAndLoad()
      await admin.see(t.like('wizard.verified_before'))
      await page.getByRole('link', { name: t('wizard.report_json') }).waitFor()
      await wizard.seeStep('verify', 'done')
    })
  }

  async withoutQdevice() {
    const { spec, wizard, admin, t } = this
    await spec.step('with an odd number of nodes the last step is left out, after a restart too', async () => {
      await wizard.next('qdevice')
      await admin.see(t('wizard.qdevice_refused'))
      await this.restartAndLoad()
      await admin.see(t('wizard.qdevice_refused'))
      await wizard.seeStep('qdevice', 'skipped')
    })
  }

  async qdevice(address) {
    const { spec, wizard, lab, admin, t } = this
    await spec.step('it dies while the QDevice’s host waits for its key', async () => {
      await wizard.next('qdevice')
      await admin.see(t('wizard.qdevice_recommended'))
      await wizard.add(lab.qnetd, 'wizard.add_qnetd')
      await this.restartAndLoad()
      await wizard.pin(lab.qnetd)
      await wizard.givePassword(lab.qnetd)
      await wizard.seeLogIn(lab.qnetd)
    })
    await spec.step('it dies while the QDevice is set up, and finishes it by itself', async () => {
      await admin.fill(t('wizard.qnetd_address'), address)
      await wizard.agree('wizard.qdevice_run')
      await lab.untilBegun('pvecm qdevice setup')
      await this.console.restart()
      await wizard.over(t('wizard.qdevice_done'))
    })
    await spec.step('on the nodes: it votes on every one, and was set up once', () => this.deviceVotes())
    await spec.step('its daemon dies on one node, and a plan starts it again', async () => {
      await this.on(lab.members[1], 'systemctl stop corosync-qdevice')
      await admin.goto(wizard.path('qdevice'))
      await wizard.startQdevice()
      await this.deviceVotes()
    })
  }

  async deviceVotes() {
    const { members } = this.lab
    for (const node of members) {
      const told = await this.on(node, 'corosync-quorumtool -s')
      ensure(/Flags:.*Quorate.*Qdevice/.test(told), `${node.name} knows of the QDevice: ${told}`)
      const rows = told.split('\n').filter((line) => /\bA,V,NMW\b/.test(line))
      equal(rows.length, members.length, `members with the device’s vote, as ${node.name} sees them`)
      equal([told.match(/Expected votes:\s+(\d+)/)[1], told.match(/Total votes:\s+(\d+)/)[1]], ['3', '3'], `votes on ${node.name}`)
    }
  }

  /** Each node lists all of them, and the configuration has one version for the creation and one for each join. */
  async areOne(count) {
    for (const node of this.lab.members) {
      const listed = (await this.on(node, 'corosync-quorumtool -l')).match(/^\s+\d+\s+\d+\s+/gm) ?? []
      equal(listed.length, count, `members that ${node.name} lists`)
      const conf = await this.on(node, 'cat /etc/pve/corosync.conf')
      equal([names(conf).length, new Set(names(conf)).size, valueOf(conf, 'config_version')], [count, count, String(count)], `corosync.conf of ${node.name}`)
    }
  }

  async everythingIsInTheAudit() {
    const { spec, admin, console, t } = this
    await spec.step('the audit says what was resumed, every command is one of a plan, and the chain is whole', async () => {
      await admin.goto('/audit?code=operation_resumed')
      await admin.see(t('codes.audit_operation_resumed'), admin.page.getByRole('main').getByRole('table'), LONG_PATIENCE)
      await new Trail(admin, this.wizard.cluster).everyCommandAsPlanned({ interrupted: true })
      ensure(console.command('audit', 'verify').startsWith('whole'), 'the chain is whole')
    })
  }

  /** What a command prints in root's own shell on a node, past the console. */
  on(node, line) {
    return paste(node, line, this.lab.namespace)
  }
}

function valueOf(conf, key) {
  return conf.match(new RegExp(`^\\s*${key}: (\\S+)`, 'm'))?.[1]
}

/** The names in the nodelist. */
function names(conf) {
  return [...conf.matchAll(/^\s+name: (\S+)/gm)].map(([, name]) => name)
}
