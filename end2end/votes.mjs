// Opens a cluster's page and prints when which votes stand in its DOM, one JSON object per line, until standard input ends:
// `node votes.mjs ORIGIN PATH`, with a signed-in session in QUORATE_COOKIE. `cargo xtask bench events` reads it.

import { browser, closeBrowsers } from './lib/browser.mjs'

const [origin, path] = process.argv.slice(2)
const [name, ...value] = process.env.QUORATE_COOKIE.split('=')

const context = await (await browser()).newContext({ baseURL: origin, locale: 'en-GB', viewport: { width: 1440, height: 900 } })
await context.addCookies([{ name, value: value.join('='), url: origin }])
const page = await context.newPage()
await page.exposeFunction('tell', (seen) => console.log(JSON.stringify(seen)))
page.on('console', (message) => message.type() === 'error' && console.error(`page: ${message.text()}`))
page.on('pageerror', (error) => {
  // A page that broke shows nothing any more; the browser ends with this process.
  console.error(`page error: ${error}`)
  process.exit(1)
})
await page.goto(path)
await page.waitForSelector('.answer-votes .answer-head')
await page.evaluate(() => {
  let shown = null
  const look = () => {
    const votes = document.querySelector('.answer-votes .answer-head')?.textContent.match(/\d+/)?.[0]
    if (votes === undefined || votes === shown) return
    shown = votes
    window.tell({ at: Date.now(), votes: Number(votes) })
  }
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true })
  look()
})
process.stdin.resume()
await new Promise((resolve) => process.stdin.once('end', resolve))
await closeBrowsers()
