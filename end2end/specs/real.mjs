// The same wizard on real OpenSSH and real corosync, in namespaces of this machine.

import { Served } from '../lib/console.mjs'
import { ClusterPage } from '../lib/cluster.mjs'
import { Import } from '../lib/import.mjs'
import { invited } from '../lib/invite.mjs'
import { RealLab } from '../lib/real.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { equal } from '../lib/spec.mjs'
import { Wizard } from '../lib/wizard.mjs'
import { AuditPage } from '../lib/audit.mjs'
import { Trail } from '../lib/trail.mjs'

const NAME = 'hall-3'
const ADMIN = { name: 'ada', password: 'a long enough sentence' }
const REASON = 'Proof on real corosync'

export default {
  'real corosync': async (spec) => {
    if (process.getuid() !== 0) return spec.skip('the wizard on real corosync', 'namespaces need root')
    const lab = new RealLab()
    spec.atEnd(() => lab.reallab('down'))
    await spec.step('three bare nodes', () => lab.up(3))
    const console = await Served.start(spec, { namespace: lab.namespace })
    const admin = await person(spec, console.origin, { namespace: lab.namespace })
    const wizard = new Wizard(admin)
    const { t } = admin

    await spec.step('the first admin', async () => {
      await invited(admin, await console.firstLink(), ADMIN)
      await admin.seeHeading(t('pages.clusters'))
    })
    await spec.step('the nodes, by password, by pasted line, and by another account than root', async () => {
      await wizard.begin(NAME)
      const [first, second, third] = lab.members
      await wizard.addWithPassword(first)
      await wizard.add(second)
      await wizard.pin(second)
      await wizard.pasteKey(second, lab.namespace)
      await wizard.seeLogIn(second)
      await wizard.addWithPassword(lab.withSudo(third))
    })
    await spec.step('the checks', () => wizard.checkAndPass())
    await spec.step('links and creation', async () => {
      await wizard.next('network')
      await wizard.takeLinks()
      await wizard.next('create')
      await wizard.create(NAME, REASON)
    })
    await spec.step('the console is killed while a node joins, and finishes the joins by itself', async () => {
      await wizard.next('join')
      await wizard.startJoin(NAME, REASON)
      await lab.untilBegun('pvecm add')
      admin.expect(/ERR_|Failed to load resource/)
      await console.kill()
      await console.begin()
      await wizard.joined(lab.members.length)
    })
    await spec.step('no node was joined twice, and corosync agrees', async () => {
      for (const node of lab.members) {
        const members = lab.ssh(node, 'corosync-quorumtool -l').match(/^\s+\d+\s+\d+\s+/gm) ?? []
        equal(members.length, lab.members.length, `members that ${node.name} lists`)
        const nodelist = lab.ssh(node, 'cat /etc/pve/corosync.conf').match(/^\s+name: (\S+)/gm).map((line) => line.trim())
        equal(new Set(nodelist).size, nodelist.length, `names in the configuration of ${node.name}`)
        // One for the creation, one more for each node that was added, and none for anything done twice.
        equal(lab.ssh(node, 'cat /etc/pve/corosync.conf').match(/config_version: (\d+)/)[1], String(lab.members.length), 'version')
      }
    })
    await spec.step('before the creation, a whole copy of the database was kept for root', () => {
      const copy = '/var/lib/pve-cluster/backup/console-*.sql.gz'
      equal(lab.ssh(lab.members[0], `stat -c %a ${copy}; zcat ${copy} | tail -n 1`).split('\n').slice(0, 2), ['600', 'COMMIT;'], 'the copy')
    })
    await spec.step('all nodes agree on screen', async () => {
      await wizard.next('verify')
      await wizard.verify(lab.members.length)
    })
    await spec.step('a node that dies is seen, and its return too', async () => {
      const cluster = new ClusterPage(admin, wizard.cluster)
      await cluster.open()
      await cluster.seeState({ quorate: true, health: 'healthy', votes: 3, expected: 3 })
      lab.reallab('kill', 'pve3')
      await cluster.seeNode('pve3', 'absent')
      await cluster.seeState({ quorate: true, health: 'degraded', votes: 2, expected: 3 })
      await cluster.seeHappened('member_left', { node: 'pve3' })
      lab.reallab('start', 'pve3')
      await cluster.seeNode('pve3', 'member', LONG_PATIENCE)
      await cluster.seeState({ quorate: true, health: 'healthy' }, LONG_PATIENCE)
    })
    await spec.step('the audit has every command', async () => {
      const audit = new AuditPage(admin)
      await audit.open()
      await audit.seeWhole()
      await audit.search({ words: 'pvecm add', code: t('codes.audit_command_finished') })
      await audit.seeCommands(/pvecm add .*--use_ssh/, lab.members.length - 1)
      const trail = new Trail(admin, wizard.cluster)
      const ran = await trail.everyCommandAsPlanned({ interrupted: true })
      equal(Object.keys(ran).sort(), lab.members.map((node) => node.name).sort(), 'nodes on which commands ran')
      await asTheNodesKnow(lab, await trail.units())
    })
    await leaveAndComeBack(spec, admin, lab, wizard.cluster)
  },
}

/** The journals of the nodes know the same long commands as the audit, each started once, and no other. */
async function asTheNodesKnow(lab, units) {
  for (const node of lab.members) {
    const started = lab.ssh(node, 'journalctl -o cat').split('\n').filter((line) => line.startsWith('Started quorate-'))
    const known = [...units].filter(([, entry]) => entry.node === node.name)
    equal(started.length, known.length, `transient units that ${node.name} has started`)
    for (const [unit, { command }] of known) {
      const lines = started.filter((line) => line.startsWith(`Started ${unit}.service`) && line.includes(command))
      equal(lines.length, 1, `starts of ${command} in the journal of ${node.name}: ${started.join(' / ')}`)
    }
  }
}

/** The console goes without a trace, and takes the same cluster over through another node. */
async function leaveAndComeBack(spec, admin, lab, cluster) {
  const { t } = admin
  const work = new Import(admin)
  work.cluster = cluster
  const [first, second, third] = lab.members
  await spec.step('withdrawing leaves nothing behind on real nodes', async () => {
    await work.withdraw()
    for (const node of lab.members) {
      const files = `/root/.ssh/authorized_keys /root/.ssh/authorized_keys2 /etc/pve/priv/authorized_keys /home/${lab.sudoUser}/.ssh/*`
      const left = lab.ssh(node, `cat ${files} 2>/dev/null | grep -c 'quorate' || true; ls /run | grep -c '^quorate-.*[.]out$' || true`)
      equal(left.trim().split(/\s+/), ['0', '0'], `traces on ${node.name}`)
    }
    await work.seeForgotten(NAME)
  })
  await spec.step('the same cluster is taken over through its second node', async () => {
    await work.begin(second)
    await work.letIn(second)
    await work.takeOver([first, third])
    for (const node of [first, third]) await work.confirm(node, second.name)
    await admin.see(t('import.progress', { works: 3, of: 3 }))
    await work.openCluster()
    const page = new ClusterPage(admin, work.cluster)
    await page.seeState({ quorate: true, health: 'healthy', votes: 3, expected: 3 }, LONG_PATIENCE)
  })
}
