// What the audit has of every operation, held against the plans that people agreed to.

import { ensure, equal } from './spec.mjs'

export class Trail {
  constructor(person, cluster) {
    this.person = person
    this.cluster = cluster
  }

  /** The same calls that the pages make, with the person's own session. */
  async ask(name, body) {
    const answer = await this.person.page.evaluate(async ([name, body]) => {
      const answer = await fetch(`/api/${name}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
      return { ok: answer.ok, text: await answer.text() }
    }, [name, body])
    ensure(answer.ok, `/api/${name}: ${answer.text}`)
    return JSON.parse(answer.text)
  }

  async entries(filter) {
    const all = []
    let before = null
    do {
      const page = await this.ask('audit', { filter: { ...filter, before }, again: false })
      all.push(...page.entries)
      before = page.next
    } while (before !== null)
    return all.map(({ entry }) => entry)
  }

  /**
   * Every step that had something to do has its commands in the audit, each finished with success, in their order and
   * with nothing between; steps that were done already have none. Steps that a crash cut are compared as sets: what ran
   * before it is not run again. Gives back the commands that ran, by node.
   */
  async everyCommandAsPlanned({ interrupted = false } = {}) {
    const operations = await this.ask('operations', { cluster: this.cluster })
    ensure(operations.length > 0, 'there are operations')
    const byNode = {}
    const names = namesOf(operations)
    for (const operation of operations) {
      const finished = await this.entries({ operation: operation.id, code: 'command_finished' })
      const unknown = await this.entries({ operation: operation.id, code: 'outcome_unknown' })
      const inOrder = [...finished, ...unknown].sort((one, other) => (one.at < other.at ? -1 : 1))
      for (const entry of finished) ensure(interrupted || entry.outcome === 'success', `${entry.command} on ${entry.node} is ${entry.outcome}`)
      for (const [index, step] of operation.plan.steps.entries()) {
        const ran = inOrder.filter((entry) => entry.step === index).map((entry) => words(entry.command))
        const planned = shown(operation, index)
        const place = `commands of step ${index + 1} (${step.action} on ${step.node_name})`
        if (interrupted) equal([...new Set(ran)].filter((one) => !planned.includes(one)), [], `${place} that nobody planned`)
        else equal(ran, planned, place)
        for (const command of new Set(ran)) (byNode[names.get(step.node)] ??= []).push(command)
      }
      const reasons = new Set(finished.map((entry) => entry.reason ?? ''))
      equal([...reasons], finished.length > 0 ? [operation.reason ?? ''] : [], 'reasons beside the commands')
    }
    return byNode
  }

  /** The commands that ran as transient units: by the unit's name, where and what. */
  async units() {
    const started = await this.entries({ cluster: this.cluster, code: 'command_started' })
    return new Map(started.filter((entry) => entry.details?.unit).map((entry) => [entry.details.unit, entry]))
  }
}

/** What each machine is called; the first plans know only the address by which it was added. */
function namesOf(operations) {
  const steps = operations.flatMap((operation) => operation.plan.steps)
  const known = steps.filter((step) => !/^[\d.:]+$/.test(step.node_name))
  return new Map([...steps, ...known].map((step) => [step.node, step.node_name]))
}

/** What the plan shows for a step, as far as it is known before it runs. */
function shown(operation, index) {
  const status = operation.steps[index]
  if (status.status === 'proven' && status.already) return []
  const id = operation.id.replaceAll('-', '')
  return operation.plan.steps[index].commands.map((line) => words(line.replaceAll('<operation>', id)))
}

/** Without what standard input holds, which stands in the plan and is only counted in the audit. */
function words(line) {
  return line.split(' <')[0]
}
