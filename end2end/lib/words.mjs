// The console's own words, from the files that the console is built from: tests look for what a person reads.

import { readFileSync } from 'node:fs'

const NAMESPACES = ['common', 'import', 'pages', 'recover', 'team', 'wizard', 'codes']

/** The words of a language: `words('fr')('pages.sign_in')`; a word that does not exist is a mistake of the test. */
export function words(language) {
  const tables = Object.fromEntries(NAMESPACES.map((name) => [name, read(language, name)]))
  const find = (key) => {
    const [namespace, name] = key.split('.')
    const text = tables[namespace]?.[name]
    if (text === undefined) throw new Error(`there is no text ${key} in ${language}`)
    return text
  }
  const t = (key, params = {}) => find(key).replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => String(params[name]))
  /** The same as a pattern: what is not known in advance may be anything, optional parts may be missing. */
  t.like = (key, params = {}) => new RegExp(pattern(find(key), params))
  /** The same for the whole text. */
  t.only = (key, params = {}) => new RegExp(`^\\s*${pattern(find(key), params)}\\s*$`)
  /** A code's sentence as the console fills it: parts in brackets are left out where a parameter is missing. */
  t.said = (key, params = {}) => said(find, find(key), params)
  t.language = language
  return t
}

function said(find, sentence, params) {
  const fill = (part) => {
    let whole = true
    const text = part.replace(/\{(?:(\w+):)?(\w+)\}/g, (_, family, name) => {
      if (!(name in params)) whole = false
      else return family ? said(find, find(`codes.${family}_${params[name]}`), {}) : String(params[name])
      return ''
    })
    return [text, whole]
  }
  const parts = sentence.split(/(\[[^\]]*\])/)
  return parts
    .map((part) => {
      const [text, whole] = fill(part.startsWith('[') ? part.slice(1, -1) : part)
      return whole || !part.startsWith('[') ? text : ''
    })
    .join('')
}

/** Where a code's words are is the console's business: tests ask for `codes.…`. */
function read(language, name) {
  const table = file(language, name)
  return name === 'codes' ? { ...table, ...file(language, 'room_codes') } : table
}

function file(language, name) {
  return JSON.parse(readFileSync(new URL(`../../app/locales/${language}/${name}.json`, import.meta.url), 'utf8'))
}

function pattern(text, params) {
  const pieces = text.split(/(\{\{\s*\w+\s*\}\}|\[[^\]]*\]|\{[^}]*\})/)
  return pieces
    .map((piece) => {
      if (piece.startsWith('[')) return '.*?'
      const slot = piece.match(/^\{+\s*(?:\w+:)?(\w+)\s*\}+$/)
      if (slot) return slot[1] in params ? escaped(String(params[slot[1]])) : '.+?'
      return escaped(piece)
    })
    .join('')
}

/** As a pattern; a space is any, since names are compared without spaces that do not break. */
export function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/\s/g, '\\s')
}
