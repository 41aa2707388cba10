// Messages to the outside, on the admin's page: a place that takes none, said loudly, and one that takes them again.

import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { Served } from '../lib/console.mjs'
import { invited } from '../lib/invite.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { ensure, equal } from '../lib/spec.mjs'

const PHONE = { width: 390, height: 844 }
const ACCOUNT = { name: 'first', password: 'a long enough password' }
/** Tries in a row that fail until people are told. */
const OUTAGE_TRIES = 3

export default {
  notifications: async (spec) => {
    const hook = await Hook.listen(spec)
    const folder = spec.temporary()
    const secret = join(folder, 'webhook.secret')
    writeFileSync(secret, '0123456789abcdef0123456789abcdef\n')
    chmodSync(secret, 0o600)
    const named = ['--webhook-url', `${hook.origin}/a-path-that-is-a-secret`, '--webhook-secret-file', secret]
    const console = await Served.start(spec, { options: [...named, '--public-url', 'https://quorate.example'] })
    const admin = await person(spec, console.origin)
    const { t, page } = admin
    const phone = await person(spec, console.origin, { language: 'fr', size: PHONE })

    await spec.step('the first account is told to the webhook', async () => {
      await invited(admin, await console.firstLink(), ACCOUNT)
      await admin.seeHeading(t('pages.clusters'))
      await admin.goto('/notifications')
      await admin.seeHeading(t('team.messages'))
      await admin.see(t.only('team.messages_arrives'), page, LONG_PATIENCE)
      // The webhook gets more than this one, and any of them makes the page say that messages arrive.
      await hook.told((body) => body.code === 'account_changed' && body.text.includes(ACCOUNT.name))
      await admin.inspect('notifications')
    })
    const test = admin.button(t.like('team.message_test_to', { place: t('codes.place_webhook') }))
    await spec.step('a place that takes nothing is said to everybody who can do something about it', async () => {
      hook.status = 503
      for (let tries = 0; tries < OUTAGE_TRIES; tries += 1) {
        const before = hook.bodies.length
        await admin.press(test)
        await admin.see(t.like('codes.problem_place_refused', { answer: '503 Service Unavailable' }))
        await page.locator('button[aria-busy]').waitFor({ state: 'detached' })
        ensure(hook.bodies.length > before, 'the button sent nothing')
      }
      await admin.see(t('team.messages_outage_text'))
      await admin.see(t('team.message_failed'))
      const reason = page.getByText(t.like('codes.problem_place_refused', { answer: '503 Service Unavailable' }))
      equal(await reason.count(), 1, 'places that say why')
      await admin.inspect('notifications, an outage')
      ensure(!(await page.content()).includes('a-path-that-is-a-secret'), 'the page tells the path')
      await admin.goto('/')
      const go = admin.control('link', t('common.messages_failing_go'))
      await go.waitFor({ timeout: LONG_PATIENCE })
      await admin.inspect('clusters, notifications fail')
      await go.click()
      await admin.seeHeading(t('team.messages'))
    })
    await spec.step('the same in French on a phone', async () => {
      await phone.signIn(ACCOUNT.name, ACCOUNT.password)
      await phone.seeHeading(phone.t('pages.clusters'))
      await phone.goto('/notifications')
      await phone.see(phone.t('team.messages_outage_text'))
      const wide = await phone.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      ensure(wide <= 0, `the page is ${wide} px wider than the phone`)
      await phone.inspect('notifications, French, on a phone')
    })
    await spec.step('when it takes messages again, a test shows it and the warning goes', async () => {
      hook.status = 204
      await admin.press(test)
      await admin.see(t('team.message_arrived'))
      await admin.see(t.only('team.messages_arrives'))
      await admin.seeGone(page.getByText(t('common.messages_failing')), LONG_PATIENCE)
      await admin.see(t('team.messages_over'), page, LONG_PATIENCE)
      await admin.inspect('notifications, over')
    })
    await spec.step('the audit has the outage once, and every test', async () => {
      for (const [code, count] of [['messages_failing', 1], ['messages_restored', 1], ['message_tested', OUTAGE_TRIES + 1]]) {
        await admin.goto(`/audit?code=${code}`)
        const main = page.getByRole('main')
        await admin.see(t(`codes.audit_${code}`), main.getByRole('table'), LONG_PATIENCE)
        equal(await main.getByRole('table').getByText(t(`codes.audit_${code}`), { exact: true }).count(), count, `entries ${code}`)
      }
    })
    await spec.step('where nobody is told the page says how to begin', async () => {
      const silent = await Served.start(spec)
      const alone = await person(spec, silent.origin)
      await invited(alone, await silent.firstLink(), ACCOUNT)
      await alone.seeHeading(t('pages.clusters'))
      await alone.goto('/notifications')
      await alone.see(t('team.messages_none'))
      await alone.inspect('notifications, nobody is told')
    })
  },
}

/** Takes messages, and answers what the test says. */
class Hook {
  static async listen(spec) {
    const hook = new Hook()
    await new Promise((resolve) => hook.server.listen(0, '127.0.0.1', resolve))
    hook.origin = `http://127.0.0.1:${hook.server.address().port}`
    spec.atEnd(() => hook.server.close())
    return hook
  }

  constructor() {
    this.status = 200
    this.bodies = []
    this.server = createServer((request, response) => {
      let text = ''
      request.on('data', (part) => (text += part))
      request.on('end', () => {
        this.bodies.push(JSON.parse(text))
        response.writeHead(this.status).end()
        this.server.emit('told')
      })
    })
  }

  /** Waits for a message like that. */
  async told(like) {
    const signal = AbortSignal.timeout(LONG_PATIENCE)
    while (!this.bodies.some(like)) await once(this.server, 'told', { signal })
  }
}
